//! Stopping gracefully.

use super::chat::Chat;
use super::conn::Conn;
use crate::error::{Error, ErrorKind, Result};
use crate::proto::ConnId;
use crate::session::{Ended, Identity};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::task::TaskTracker;

/// The bounds of the time after which clients are told to come back.
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_SPREAD: Duration = Duration::from_secs(5);

/// What is under way, and whether anything may begin.
#[derive(Debug, Default)]
pub(super) struct Closing {
    closed: AtomicBool,
    /// Commands.
    pub(super) commands: TaskTracker,
    /// Connections, logged in or not.
    pub(super) connections: TaskTracker,
    /// In an order that is the same in every run.
    open: Mutex<BTreeMap<ConnId, Arc<Conn>>>,
}

impl Closing {
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Notes a connection; returns `false` if it has to end at once.
    pub(super) fn open(&self, conn: &Arc<Conn>) -> bool {
        self.open.lock().insert(conn.id, conn.clone());
        !self.is_closed()
    }

    pub(super) fn gone(&self, conn: ConnId) {
        self.open.lock().remove(&conn);
    }

    /// Returns how many connections are open.
    pub(super) fn connected(&self) -> usize {
        self.open.lock().len()
    }

    /// Returns who is logged in, in the order of the connections.
    pub(super) fn identities(&self) -> Vec<Identity> {
        self.open.lock().values().filter_map(|conn| conn.identity()).collect()
    }

    /// Lets a command in while nothing stops.
    pub(super) fn admit(&self) -> Result<()> {
        if self.is_closed() {
            return Err(Error::new(ErrorKind::Unavailable, "going away").retry_after(RETRY_MIN));
        }
        Ok(())
    }
}

impl Chat {
    /// Stops: refuses what is new with 503, finishes and answers what was begun, sends what is queued, tells
    /// clients when to come back and closes their connections with 1001. Returns whether all of that was done
    /// in time; a quarter of it is kept for the goodbyes. The engine can't be used afterwards.
    pub async fn drain(&self, within: Duration) -> bool {
        let inner = &self.0;
        inner.closing.closed.store(true, Ordering::Release);
        inner.closing.commands.close();
        inner.expiry.stop.cancel();
        // What is stuck must not cost everybody else their goodbye.
        let start = tokio::time::Instant::now();
        let begun = tokio::time::timeout(within / 4 * 3, inner.closing.commands.wait()).await;
        let work = async {
            let open: Vec<_> = inner.closing.open.lock().values().cloned().collect();
            for conn in open {
                conn.end(Ended::Shutdown(self.jitter()));
            }
            inner.closing.connections.close();
            inner.closing.connections.wait().await;
            // Leaving is noted, too.
            inner.closing.commands.wait().await;
            inner.jobs.settle().await;
            inner.nodes.goodbye();
            inner.audit.close().await;
        };
        let done = tokio::time::timeout(within.saturating_sub(start.elapsed()), work).await;
        inner.jobs.stop();
        done.is_ok() && begun.is_ok()
    }

    /// A random time, so that not all clients come back at once.
    pub(super) fn jitter(&self) -> Duration {
        let mut random = [0; 8];
        self.0.env.fill(&mut random);
        let spread = u64::try_from(RETRY_SPREAD.as_millis()).unwrap_or(u64::MAX).max(1);
        RETRY_MIN + Duration::from_millis(u64::from_le_bytes(random) % spread)
    }
}
