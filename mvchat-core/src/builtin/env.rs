//! The system's clock and entropy.

use crate::seam::Env;
use crate::time::{Instant, Timestamp};
use std::time::SystemTime;

/// The system's clocks and entropy source. The monotonic clock is tokio's, which a test can pause.
#[derive(Debug)]
pub struct SystemEnv {
    start: tokio::time::Instant,
}

impl Default for SystemEnv {
    fn default() -> Self {
        Self { start: tokio::time::Instant::now() }
    }
}

impl Env for SystemEnv {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Instant {
        Instant(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// # Panics
    /// When the operating system's entropy source fails.
    fn fill(&self, buffer: &mut [u8]) {
        // The kernel's generator does not fail once it is seeded, and nothing is safe without it.
        #[expect(clippy::expect_used, reason = "nothing is safe without entropy")]
        getrandom::fill(buffer).expect("the system's entropy source works");
    }
}
