//! Time and entropy.

use crate::time::{Instant, Timestamp};
use std::fmt;
use uuid::Uuid;

/// Where the engine gets time and entropy from, so that a simulation can give both.
///
/// # Contract
/// * [`monotonic`](Env::monotonic) never goes back.
/// * [`fill`](Env::fill) is fit for keys, unless the environment is a simulation.
pub trait Env: fmt::Debug + Send + Sync + 'static {
    /// Returns the wall-clock time.
    fn now(&self) -> Timestamp;

    /// Returns the time since some fixed instant.
    fn monotonic(&self) -> Instant;

    /// Fills a buffer with random bytes.
    fn fill(&self, buffer: &mut [u8]);

    /// Returns a fresh random id (UUIDv7, RFC 9562: ordered by time).
    fn uuid(&self) -> Uuid {
        let mut random = [0; 10];
        self.fill(&mut random);
        let millis = u64::try_from(self.now().as_micros() / 1_000).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}
