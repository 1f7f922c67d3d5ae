//! What a measured message carries in its text: who sent it when, and which of theirs it is.

use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// So often the two clocks of the system are looked at together.
const LOOKS: usize = 16;

/// The zero of all times of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The clock of a run that several processes of this machine share: all of them name the same zero.
    ///
    /// An instant means nothing to another process, and the time of day may jump. So the time of day is read once only,
    /// to find the instant of the zero; the closest of a few looks counts, since a process may be interrupted between
    /// the two clocks. From then on all processes go by the same steady clock of the system, and differ by some
    /// microseconds. `None` if the zero is yet to come, or from before the machine was started.
    pub(crate) fn since(zero: SystemTime) -> Option<Self> {
        let look = || {
            let before = Instant::now();
            let passed = zero.elapsed().ok()?;
            let between = before.elapsed();
            Some((between, before.checked_sub(passed)? + between / 2))
        };
        let looks = (0..LOOKS).filter_map(|_| look());
        looks.min_by_key(|(between, _)| *between).map(|(_, zero)| Self(zero))
    }

    /// The instant so many microseconds after the start of the run.
    pub(crate) fn instant(self, micros: u64) -> Instant {
        self.0 + Duration::from_micros(micros)
    }

    /// Microseconds since the start of the run.
    pub(crate) fn micros(self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.0).as_micros()).unwrap_or(u64::MAX)
    }
}

/// The mark of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    /// When the schedule wanted it sent.
    pub(crate) due: u64,
    /// Who sent it.
    pub(crate) sender: u32,
    /// Its number among the sender's messages to the same conversation, from 0.
    pub(crate) number: u64,
}

/// What no other text of a frame begins with.
const OPENING: &[u8] = b"\"@@";

impl Marker {
    /// Writes a text of that many bytes, or of as many as the mark needs.
    pub(crate) fn text(self, bytes: usize) -> String {
        let Self { due, sender, number } = self;
        let mut text = format!("@@{due} {sender} {number} ");
        while text.len() < bytes {
            text.push_str(if text.len() % 6 == 5 { " " } else { "x" });
        }
        text
    }

    /// Finds the mark in a frame or in a message's content.
    pub(crate) fn find(frame: &[u8]) -> Option<Self> {
        Self::find_after(OPENING, frame)
    }

    /// Finds the mark in something that is no JSON: after these bytes, the last of which open the text.
    pub(crate) fn find_after(opening: &[u8], frame: &[u8]) -> Option<Self> {
        let at = frame.windows(opening.len()).position(|window| window == opening)?;
        let rest = &frame[at + opening.len()..];
        let mut numbers = rest.splitn(4, |byte| *byte == b' ').take(3);
        let mut next = || std::str::from_utf8(numbers.next()?).ok();
        let (due, sender, number) = (next()?.parse().ok()?, next()?.parse().ok()?, next()?.parse().ok()?);
        Some(Self { due, sender, number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_with_the_same_zero_agree_on_the_time() {
        let zero = SystemTime::now() - Duration::from_secs(1);
        let (one, other) = (Clock::since(zero).unwrap(), Clock::since(zero).unwrap());
        let at = one.instant(2_000_000);
        assert_eq!(one.micros(at), 2_000_000);
        assert!(other.micros(at).abs_diff(2_000_000) < 100_000, "{}", other.micros(at));
        assert!(Clock::since(zero + Duration::from_secs(3_600)).is_none(), "a zero to come");
    }

    #[test]
    fn what_is_written_is_found() {
        let marker = Marker { due: 1_234_567, sender: 42, number: 7 };
        let text = marker.text(250);
        assert_eq!(text.len(), 250);
        let frame = format!("{{\"data\":{{\"seq\":3,\"content\":{{\"v\":1,\"text\":\"{text}\"}}}}}}");
        assert_eq!(Marker::find(frame.as_bytes()), Some(marker));
        assert_eq!(Marker::find(marker.text(0).as_bytes()), None, "a text without its quotation mark");
        let stanza = format!("<message><body>{text}</body></message>");
        assert_eq!(Marker::find_after(b">@@", stanza.as_bytes()), Some(marker));
        for other in ["", "{}", "{\"text\":\"@@\"}", "{\"text\":\"@@1 2\"}", "{\"text\":\"@@1 2 x \"}"] {
            assert_eq!(Marker::find(other.as_bytes()), None, "{other}");
        }
    }
}
