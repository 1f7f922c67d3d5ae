//! The accept loop: HTTP/1.1 over TCP with the deadlines that `axum::serve` does not have.
//!
//! Without them a peer that sends half a request head, or nothing, holds a connection for ever. Upgraded
//! connections are out of reach of these deadlines; whoever owns the WebSocket must watch it.

mod connection;
mod deadline;
mod phase;
mod slot;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};

use slot::{Addresses, Slot};

use crate::config::Network;
use crate::guard::Guard;
use crate::metrics::{EdgeCounts, Refused};
pub use crate::proxy::IdentityHeader;
use crate::tls::Tls;

/// How connections are treated.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AcceptOptions {
    /// How long the head of a request may take, from the connection or from its first byte. Default 10 s.
    pub header_timeout: Duration,
    /// How long a connection may wait between two requests. Default 30 s.
    pub idle_timeout: Duration,
    /// How many connections may be open, upgraded ones included; others wait in the system's queue.
    /// Default 20,000.
    pub max_connections: usize,
    /// How many connections of one address may be open; further ones are closed at once. IPv6 addresses count by their
    /// first 64 bits. Default 1,000.
    pub max_per_address: usize,
    /// The networks whose addresses may have any number, because others are behind them. Default none.
    pub uncapped: Vec<Network>,
    /// How many headers a request may have; 431 beyond. Default 100, which hyper keeps on the stack.
    pub max_headers: usize,
    /// How many bytes a connection may buffer, and so how long a head may be; 431 beyond. At least and by
    /// default 16 KiB.
    pub max_buffer: usize,
    /// How long open connections may take to end after the shutdown. Default 8 s.
    pub drain_timeout: Duration,
    /// The proxies whose `X-Forwarded-For` is believed. Default none.
    pub trusted_proxies: Vec<Network>,
    /// A header that says who somebody is, and the proxies that may set it; from others it is taken away. Default none.
    pub identity_header: Option<IdentityHeader>,
    /// What every answer carries, and whose pages may read it. Default no origins.
    pub guard: Guard,
    /// The certificate. Default none: then connections are plain.
    pub tls: Option<Arc<Tls>>,
    /// What is counted.
    pub counts: Arc<EdgeCounts>,
}

/// The smallest buffer that leaves room for a request with a long cookie.
const MIN_BUFFER: usize = 16 * 1024;

impl Default for AcceptOptions {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            max_connections: 20_000,
            max_per_address: 1_000,
            uncapped: Vec::new(),
            max_headers: 100,
            max_buffer: MIN_BUFFER,
            drain_timeout: Duration::from_secs(8),
            trusted_proxies: Vec::new(),
            identity_header: None,
            guard: Guard::default(),
            tls: None,
            counts: Arc::default(),
        }
    }
}

/// How the last connections ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Drained {
    /// All by themselves.
    All,
    /// The deadline came first.
    Cut {
        /// How many connections were left, upgraded ones included.
        left: usize,
    },
}

/// Serves `app` until `shutdown` is ready and the connections have ended, or their time is up.
///
/// Requests carry the peer as `ConnectInfo<SocketAddr>`. At the shutdown the listener is closed, idle
/// connections end, requests under way are answered, and upgraded connections are waited for: ending those
/// is the application's part. Errors of `accept` never end the loop.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    options: AcceptOptions,
    shutdown: impl Future<Output = ()>,
) -> Drained {
    let options = Arc::new(options);
    let total = options.max_connections.clamp(1, MAX_PERMITS);
    let slots = Arc::new(Semaphore::new(total));
    let counts = Arc::clone(&options.counts);
    let mut acceptor = Acceptor { listener, slots: Arc::clone(&slots), pause: None, full: false, counts };
    let addresses = Addresses::default();
    let (stop, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            // Ended tasks are collected as they end, so the set stays as small as the open connections.
            Some(_) = connections.join_next() => {}
            (stream, peer, place) = acceptor.next() => {
                let options = Arc::clone(&options);
                let Ok(address) = place_of(&addresses, peer.ip(), &options) else {
                    options.counts.refused(Refused::Address);
                    continue;
                };
                let slot = Slot::new(place, address, Arc::clone(&options.counts));
                connections.spawn(connection::run(stream, peer, slot, app.clone(), options, stopped.clone()));
            }
        }
    }
    drop(acceptor);
    stop.send_replace(());
    // An upgraded connection has no task here any more, but it keeps its slot: all slots free means all ended.
    let all = u32::try_from(total).unwrap_or(u32::MAX);
    match tokio::time::timeout(options.drain_timeout, slots.acquire_many(all)).await {
        Ok(_) => Drained::All,
        Err(_) => Drained::Cut { left: total - slots.available_permits() },
    }
}

/// Takes a place for a connection of an address; none is needed where nobody counts them.
fn place_of(
    addresses: &Addresses,
    address: IpAddr,
    options: &AcceptOptions,
) -> Result<Option<slot::AddressPlace>, ()> {
    if options.uncapped.iter().any(|network| network.contains(address)) {
        return Ok(None);
    }
    addresses.take(address, options.max_per_address).map(Some).ok_or(())
}

/// What both the semaphore and `acquire_many` can count.
const MAX_PERMITS: usize = (u32::MAX >> 3) as usize;

/// The listening socket, the cap on connections, and the pause after an error.
struct Acceptor {
    listener: TcpListener,
    slots: Arc<Semaphore>,
    /// How long to wait before the next try; grows while the system has no file or memory to give.
    pause: Option<Duration>,
    /// The cap has been reached and said so.
    full: bool,
    counts: Arc<EdgeCounts>,
}

impl Acceptor {
    /// Waits for a free slot and a connection. Dropping the future loses neither.
    async fn next(&mut self) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        const FIRST_PAUSE: Duration = Duration::from_millis(20);
        const LONGEST_PAUSE: Duration = Duration::from_secs(1);
        loop {
            let slot = self.slot().await;
            if let Some(pause) = self.pause {
                tokio::time::sleep(pause).await;
            }
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    self.pause = None;
                    return (stream, peer, slot);
                }
                // The peer was gone before it was accepted: nothing is wrong here.
                Err(error) if is_of_peer(&error) => {}
                Err(error) => {
                    let pause = self.pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
                    self.counts.failed();
                    tracing::warn!(%error, ?pause, "cannot accept connections for now");
                    self.pause = Some(pause);
                }
            }
        }
    }

    async fn slot(&mut self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
                self.full = false;
                return slot;
            }
            if !self.full {
                tracing::warn!("the cap on connections is reached; further ones wait");
                self.full = true;
            }
            // The semaphore is never closed, so this waits for a slot; the loop then takes it.
            drop(self.slots.acquire().await);
        }
    }
}

fn is_of_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
