//! Points in time, as values: nothing here reads a clock.

mod rfc3339;

use crate::wire::{Read, Reader, Write};
use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A wall-clock instant in microseconds since 1970-01-01T00:00:00Z.
///
/// On the wire it is RFC 3339 in UTC with exactly six fractional digits, so the same instant always prints
/// the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Makes an instant from microseconds since the Unix epoch, clamped to the years 0000 to 9999.
    pub const fn from_micros(micros: i64) -> Self {
        const LOW: i64 = -62_167_219_200_000_000;
        const HIGH: i64 = 253_402_300_799_999_999;
        Self(if micros < LOW {
            LOW
        } else if micros > HIGH {
            HIGH
        } else {
            micros
        })
    }

    /// Returns microseconds since the Unix epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns whole seconds since the Unix epoch, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Returns the time from `earlier` to `self`, zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Timestamp {
    /// Reads RFC 3339 with any offset; what is finer than a microsecond is cut off.
    pub fn parse(text: &str) -> Option<Self> {
        rfc3339::parse(text.as_bytes()).map(Self::from_micros)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self::from_micros(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        Self::from_micros(self.0.saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        rfc3339::write(self.0, &mut text);
        f.write_str(&text)
    }
}

impl Read for Timestamp {
    fn blank() -> Self {
        Self(0)
    }
    fn read(&mut self, reader: &mut Reader<'_>) -> bool {
        match reader.string().and_then(|text| Self::parse(&text)) {
            Some(at) => *self = at,
            None => return reader.fail("not a time as in RFC 3339"),
        }
        true
    }
}

impl Write for Timestamp {
    fn write(&self, out: &mut String) {
        out.push('"');
        rfc3339::write(self.0, out);
        out.push('"');
    }
}

crate::bridge!(Timestamp);

/// A monotonic instant in milliseconds since an arbitrary start; only differences mean anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub u64);

impl Instant {
    /// Returns the time from `earlier` to `self`, zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_six_digits_and_reads_any_offset() {
        let at = Timestamp::from_micros(1_700_000_000_120_000);
        assert_eq!(at.to_string(), "2023-11-14T22:13:20.120000Z");
        assert_eq!(serde_json::from_str::<Timestamp>("\"2023-11-14T23:13:20.12+01:00\"").unwrap(), at);
    }

    #[test]
    fn stays_printable_at_the_ends() {
        assert_eq!(Timestamp::from_micros(i64::MAX).to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(Timestamp::from_micros(i64::MIN).to_string(), "0000-01-01T00:00:00.000000Z");
        assert_eq!(
            (Timestamp::from_micros(0) + Duration::MAX).since(Timestamp::from_micros(0)).as_secs(),
            253_402_300_799
        );
    }
}
