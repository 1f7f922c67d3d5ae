//! How much a connection may send, whoever it is.

use super::Bucket;
use crate::proto::Limits;
use crate::time::Instant;
use std::time::Duration;

/// Bytes are counted in pieces of so many.
const PIECE: usize = 64;
/// How many seconds' worth of bytes may come at once.
const BYTES_BURST: u64 = 4;
/// After so many microseconds one more malformed frame is borne.
const MALFORMED_EVERY: u64 = 10_000_000;
/// The microseconds in which a connection's refused frames are counted.
const REFUSED_WITHIN: u64 = 60_000_000;

/// What a connection has left.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    frames: Bucket,
    bytes: Bucket,
    malformed: Bucket,
    refused: Bucket,
}

/// A frame too many.
#[derive(Debug)]
pub(super) struct Over {
    /// When the next one passes.
    pub(super) after: Duration,
    /// The peer does not stop: the connection ends.
    pub(super) abuse: bool,
}

impl Allowance {
    /// Counts a frame.
    pub(super) fn frame(&mut self, limits: &Limits, bytes: usize, now: Instant) -> Result<(), Over> {
        let frames = self.frames.take(limits.rate_limit_messages, limits.rate_limit_burst, now);
        // Bytes are counted even if the frame is refused: they were carried and read all the same.
        let rate = u64::from(limits.rate_limit_bytes.max(1));
        let every = PIECE as u64 * 1_000_000 / rate;
        let burst = u32::try_from(rate * BYTES_BURST / PIECE as u64).unwrap_or(u32::MAX);
        let pieces = u32::try_from(bytes.div_ceil(PIECE)).unwrap_or(u32::MAX);
        let bytes = self.bytes.draw(every, burst, pieces, now);
        let Err(after) = frames.and(bytes) else { return Ok(()) };
        let max = limits.max_refused;
        let abuse = max > 0 && self.refused.draw(REFUSED_WITHIN / u64::from(max), max, 1, now).is_err();
        // The clock counts whole milliseconds.
        Err(Over { after: after + Duration::from_millis(1), abuse })
    }

    /// Counts a frame that is no request; returns whether it is borne.
    pub(super) fn malformed(&mut self, limits: &Limits, now: Instant) -> bool {
        let max = limits.max_malformed;
        max == 0 || self.malformed.draw(MALFORMED_EVERY, max, 1, now).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Instant {
        Instant(1_000_000 + seconds * 1_000)
    }

    #[test]
    fn bytes_are_counted_and_come_back() {
        let limits = Limits::default();
        let mut allowance = Allowance::default();
        let passed = (0..100).take_while(|_| allowance.frame(&limits, 64 * 1024, seconds(0)).is_ok()).count();
        assert_eq!(passed, 16, "four seconds' worth of 256 KiB");
        assert!(allowance.frame(&limits, 64 * 1024, seconds(1)).is_ok());
        let over = allowance.frame(&limits, 1024 * 1024, seconds(1)).unwrap_err();
        assert!(!over.abuse && over.after > Duration::from_secs(2), "{over:?}");
    }

    #[test]
    fn whoever_does_not_stop_is_cut_off() {
        let limits = Limits { max_refused: 10, ..Limits::default() };
        let mut allowance = Allowance::default();
        let mut refused = (0..300).filter_map(|_| allowance.frame(&limits, 10, seconds(0)).err());
        assert_eq!(refused.by_ref().take_while(|over| !over.abuse).count(), 10);
        let mut patient = Allowance::default();
        let limits = Limits { max_refused: 0, ..limits };
        assert!(
            (0..300).filter_map(|_| patient.frame(&limits, 10, seconds(0)).err()).all(|over| !over.abuse)
        );
    }

    #[test]
    fn a_few_malformed_frames_are_borne() {
        let limits = Limits::default();
        let mut allowance = Allowance::default();
        assert_eq!((0..20).filter(|_| allowance.malformed(&limits, seconds(0))).count(), 5);
        assert!(!allowance.malformed(&limits, seconds(9)));
        assert!(allowance.malformed(&limits, seconds(10)));
        assert!((0..20).all(|_| allowance.malformed(&Limits::mvchat2(), seconds(0))));
    }
}
