//! What the laws of transports share.

use super::client::Client;
use super::{Entrance, TransportFixture};
use crate::builtin::MemoryStore;
use crate::builtin::password::PasswordParams;
use crate::engine::Chat;
use crate::proto::Limits;
use futures_util::future::BoxFuture;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

/// How long anything may take before a law counts as broken.
const PATIENCE: Duration = Duration::from_secs(30);

type Serve = Arc<dyn Fn(TcpListener, Chat, Entrance) -> BoxFuture<'static, ()> + Send + Sync>;

/// Starts servers for a law.
pub struct Bed {
    serve: Serve,
}

/// A chat that is served on a port of this machine until this is dropped.
pub(super) struct Server {
    pub(super) chat: Chat,
    pub(super) addr: SocketAddr,
    serving: JoinHandle<()>,
}

impl Bed {
    pub(super) fn new(fixture: impl TransportFixture) -> Self {
        let fixture = Arc::new(fixture);
        Self {
            serve: Arc::new(move |listener, chat, entrance| {
                let fixture = fixture.clone();
                Box::pin(async move { fixture.serve(listener, chat, entrance).await })
            }),
        }
    }

    /// Starts a server with limits that no law meets by accident.
    pub(super) async fn start(&self) -> Server {
        self.start_with(|_| (), &[]).await
    }

    pub(super) async fn start_with(&self, change: impl FnOnce(&mut Limits), origins: &[&str]) -> Server {
        let allowed_origins = origins.iter().map(|&origin| origin.to_owned()).collect();
        self.start_at(change, Entrance { allowed_origins, ..Entrance::default() }).await
    }

    pub(super) async fn start_at(&self, change: impl FnOnce(&mut Limits), entrance: Entrance) -> Server {
        let socket = TcpSocket::new_v4().expect("a socket");
        self.start_on(socket, change, entrance).await
    }

    /// Starts a server on a socket, whose options accepted connections inherit.
    pub(super) async fn start_on(
        &self,
        socket: TcpSocket,
        change: impl FnOnce(&mut Limits),
        entrance: Entrance,
    ) -> Server {
        let mut limits = Limits::default().unthrottled();
        change(&mut limits);
        let builder = Chat::builder(MemoryStore::default());
        let builder = builder.limits(limits).passwords(PasswordParams::insecurely_fast());
        let chat = builder.build().await.expect("a chat on the memory store");
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a port");
        let listener = socket.listen(1_024).expect("a listener");
        let addr = listener.local_addr().expect("an address");
        let serving = tokio::spawn((self.serve)(listener, chat.clone(), entrance));
        Server { chat, addr, serving }
    }
}

impl fmt::Debug for Bed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bed").finish_non_exhaustive()
    }
}

impl Server {
    pub(super) async fn connect(&self) -> Client {
        Client::connect(self.addr).await
    }

    /// Connects and signs up.
    pub(super) async fn user(&self, name: &str) -> Client {
        let mut client = self.connect().await;
        client.sign_up(name).await;
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Waits for something that happens soon.
pub(super) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// Waits until something is so.
pub(super) async fn until(what: &str, so: impl Fn() -> bool) {
    soon(what, async {
        while !so() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
