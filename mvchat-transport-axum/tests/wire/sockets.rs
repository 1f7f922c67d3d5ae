//! The way to a server through sockets.

use crate::door::Door;
use crate::serve::serve;
use crate::socket::ClientSocket;
use async_trait::async_trait;
use mvchat_core::Chat;
use mvchat_core::proto::{Command, Envelope, Limits, ServerMsg};
use mvchat_core::testkit::{Wire, kind};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Kinds of requests that were sent and of notices that came.
static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A server on a port of this machine.
pub(crate) struct Sockets {
    addr: SocketAddr,
    serving: JoinHandle<()>,
}

#[async_trait]
impl Door for Sockets {
    async fn open(chat: Chat) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        Self { addr, serving: tokio::spawn(serve(listener, chat)) }
    }

    async fn connect(&self, path: &str) -> Wire {
        Wire::over(ClientSocket::connect(self.addr, path, note).await)
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Returns the kinds of requests and of notices that have crossed a socket.
pub(crate) fn said() -> BTreeSet<String> {
    SAID.lock().clone()
}

fn note(text: &[u8]) {
    let notice = || match serde_json::from_slice(text) {
        Ok(ServerMsg::Info(info)) => serde_json::to_value(info.what).ok()?.as_str().map(str::to_owned),
        _ => None,
    };
    let request = || {
        let command = Command::parse(Envelope::decode(text).ok()?.request, &Limits::mvchat2()).ok()?;
        Some(kind(&command).to_owned())
    };
    let said = notice().or_else(request);
    SAID.lock().extend(said);
}
