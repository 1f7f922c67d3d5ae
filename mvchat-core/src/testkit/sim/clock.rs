//! Virtual time, and entropy by seed.

use super::rng::Rng;
use crate::seam::Env;
use crate::time::{Instant, Timestamp};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// When every run begins.
const START: i64 = 1_750_000_000_000_000;

/// The one clock of a run: the runtime's for what is monotonic, with jumps for what the wall shows.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    start: tokio::time::Instant,
    jumped: Arc<AtomicI64>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { start: tokio::time::Instant::now(), jumped: Arc::default() }
    }

    pub(super) fn mono(&self) -> Instant {
        Instant(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn wall(&self) -> Timestamp {
        let elapsed = i64::try_from(self.start.elapsed().as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(START + elapsed + self.jumped.load(Ordering::Relaxed))
    }

    /// Returns when an instant is on the runtime's clock.
    pub(super) fn at(&self, instant: Instant) -> tokio::time::Instant {
        self.start + instant.since(Instant(0))
    }

    /// Moves what the wall shows.
    pub(super) fn jump(&self, micros: i64) {
        self.jumped.fetch_add(micros, Ordering::Relaxed);
    }
}

/// What an engine takes for the world: the run's clock, and entropy of its own.
#[derive(Debug)]
pub(super) struct SimEnv {
    clock: Clock,
    rng: Mutex<Rng>,
}

impl SimEnv {
    pub(super) fn new(clock: Clock, rng: Rng) -> Self {
        Self { clock, rng: Mutex::new(rng) }
    }
}

impl Env for SimEnv {
    fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    fn monotonic(&self) -> Instant {
        self.clock.mono()
    }

    fn fill(&self, buffer: &mut [u8]) {
        let mut rng = self.rng.lock();
        for chunk in buffer.chunks_mut(8) {
            let drawn = rng.next().to_le_bytes();
            chunk.copy_from_slice(&drawn[..chunk.len()]);
        }
    }
}
