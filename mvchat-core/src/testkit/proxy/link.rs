//! One connection through the proxy.

use super::faults::{BUFFER, Cut, Plan};
use crate::testkit::sim::rng::Rng;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{Notify, watch};

pub(super) struct Link {
    client: TcpStream,
    server: TcpStream,
    plan: Plan,
}

/// What both directions share.
struct Budget {
    /// How many bytes have passed.
    passed: AtomicU64,
    used_up: Notify,
}

impl Link {
    pub(super) fn new(client: TcpStream, server: TcpStream, plan: Plan) -> Self {
        Self { client, server, plan }
    }

    /// Passes bytes both ways until both sides are done or the connection is cut; returns whether it was.
    pub(super) async fn run(mut self, command: &mut watch::Receiver<(u64, Option<Cut>)>) -> bool {
        // Small pieces leave as they are. A socket that is gone already shows when it is read.
        let _ = (self.client.set_nodelay(true), self.server.set_nodelay(true));
        let budget = Budget { passed: AtomicU64::new(0), used_up: Notify::new() };
        let [mut there, mut back] = self.plan.rngs.clone();
        let (mut from_client, mut to_client) = self.client.split();
        let (mut from_server, mut to_server) = self.server.split();
        let both = async {
            tokio::join!(
                pump(&mut from_client, &mut to_server, &self.plan, &mut there, &budget),
                pump(&mut from_server, &mut to_client, &self.plan, &mut back, &budget),
            )
        };
        let cut = tokio::select! { biased;
            cut = commanded(command) => cut,
            () = budget.used_up.notified() => self.plan.cut.map_or(Cut::Close, |(_, cut)| cut),
            // When one side is gone without an orderly end, the other one learns of it in the same way.
            (Ok(()), Ok(())) = both => return false,
            else => Cut::Reset,
        };
        self.end(cut).await;
        true
    }

    async fn end(self, cut: Cut) {
        let Self { mut client, mut server, .. } = self;
        match cut {
            Cut::Close => {
                // What was sent and never read would make a reset of it.
                let _ = (client.shutdown().await, server.shutdown().await);
                drain(&client);
                drain(&server);
                return;
            }
            Cut::Reset => {}
            Cut::Dark(time) => tokio::time::sleep(time).await,
        }
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

/// Reads away what has arrived.
fn drain(stream: &TcpStream) {
    let mut buffer = [0; BUFFER];
    while matches!(stream.try_read(&mut buffer), Ok(1..)) {}
}

/// Waits for a command that comes after the connection began.
async fn commanded(command: &mut watch::Receiver<(u64, Option<Cut>)>) -> Cut {
    loop {
        if command.changed().await.is_err() {
            return Cut::Reset;
        }
        if let (_, Some(cut)) = *command.borrow_and_update() {
            return cut;
        }
    }
}

async fn pump(
    from: &mut ReadHalf<'_>,
    to: &mut WriteHalf<'_>,
    plan: &Plan,
    rng: &mut Rng,
    budget: &Budget,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        let mut rest = buffer.get(..count).unwrap_or_default();
        while !rest.is_empty() {
            let (some, time) = plan.piece(rest.len(), rng);
            if !time.is_zero() {
                tokio::time::sleep(time).await;
            }
            let some = budget.take(some, plan);
            let (piece, behind) = rest.split_at(some);
            to.write_all(piece).await?;
            rest = behind;
            if plan.cut.is_some_and(|(after, _)| budget.passed.load(Ordering::Relaxed) >= after) {
                budget.used_up.notify_one();
                // The connection is cut while this waits.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Budget {
    /// Takes as many bytes as may still pass, at most `wanted`.
    fn take(&self, wanted: usize, plan: &Plan) -> usize {
        let wanted = wanted as u64;
        let before = self.passed.fetch_add(wanted, Ordering::Relaxed);
        let left = plan.cut.map_or(wanted, |(after, _)| after.saturating_sub(before).min(wanted));
        usize::try_from(left).unwrap_or(usize::MAX)
    }
}
