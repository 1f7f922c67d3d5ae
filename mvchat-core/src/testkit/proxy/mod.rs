//! A TCP proxy that does what networks do.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use mvchat_core::testkit::proxy::{Cut, LinkFaults, Proxy};
//! use std::time::Duration;
//!
//! let faults = LinkFaults::default()
//!     .delays(Duration::ZERO..=Duration::from_millis(20))
//!     .pieces(1..=7)
//!     .cut_within(10_000..=100_000, &[Cut::Reset, Cut::Close, Cut::Dark(Duration::from_secs(2))]);
//! let server = ([127, 0, 0, 1], 6060).into();
//! let proxy = Proxy::start(server, faults, 7).await?;
//! println!("clients connect to {}", proxy.address());
//! # Ok(())
//! # }
//! ```

mod faults;
mod link;

pub use faults::{Cut, LinkFaults};

use super::sim::rng::Rng;
use faults::Plan;
use link::Link;
use parking_lot::Mutex;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Passes TCP connections on to a server, with faults by seed.
///
/// What arrives is always a beginning of what was sent, in order: TCP keeps that, so the proxy does. Which connection
/// is cut after how many bytes, and how, depends on the seed and on its place among the connections; when bytes pass is
/// up to the machine. Dropping the proxy resets all of its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    target: Mutex<SocketAddr>,
    faults: Mutex<LinkFaults>,
    /// Counts commands, and holds the last: how all connections of before are cut.
    command: watch::Sender<(u64, Option<Cut>)>,
    connections: AtomicU64,
    cuts: AtomicU64,
}

impl Proxy {
    /// Listens on a free port of this machine, and passes connections on to `target`.
    ///
    /// # Errors
    /// If there is no port.
    pub async fn start(target: SocketAddr, faults: LinkFaults, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            faults: Mutex::new(faults),
            command: watch::channel((0, None)).0,
            connections: AtomicU64::new(0),
            cuts: AtomicU64::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared), Rng::new(seed)));
        Ok(Self { address, shared, accepting })
    }

    /// Returns where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Passes later connections on to another server.
    pub fn set_target(&self, target: SocketAddr) {
        *self.shared.target.lock() = target;
    }

    /// Changes what happens to later connections.
    pub fn set_faults(&self, faults: LinkFaults) {
        *self.shared.faults.lock() = faults;
    }

    /// Cuts all connections of now.
    pub fn cut(&self, cut: Cut) {
        self.shared.command.send_modify(|(count, last)| (*count, *last) = (*count + 1, Some(cut)));
    }

    /// Returns how many connections there have been.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Returns how many of them were cut.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut rng: Rng) {
    // The links end with this task.
    let mut links = JoinSet::new();
    loop {
        let accepted = tokio::select! { biased;
            Some(_) = links.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        // A client that has gone already is no fault of the listener.
        let Ok((client, _)) = accepted else { continue };
        let plan = Plan::draw(&shared.faults.lock(), &mut rng);
        shared.connections.fetch_add(1, Ordering::Relaxed);
        links.spawn(carry(client, Arc::clone(&shared), plan));
    }
}

async fn carry(client: TcpStream, shared: Arc<Shared>, plan: Plan) {
    let mut command = shared.command.subscribe();
    let target = *shared.target.lock();
    let Ok(server) = TcpStream::connect(target).await else {
        // As if the server itself had refused: a reset. The client sees its connection end either way.
        let _ = client.set_zero_linger();
        return;
    };
    if Link::new(client, server, plan).run(&mut command).await {
        shared.cuts.fetch_add(1, Ordering::Relaxed);
    }
}
