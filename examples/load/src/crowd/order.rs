//! What a run and its generators say to each other, a line of JSON each.

use crate::latency::Samples;
use crate::ledger::Faults;
use crate::marker::Clock;
use crate::speaker::Heard;
use mvchat_core::proto::UserId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The first line that a generator reads.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Errand {
    /// The server to which it connects.
    pub(super) url: String,
    pub(super) zero: Zero,
    /// How long messages are, in bytes of text.
    pub(super) bytes: usize,
    /// Messages per second of all generators together.
    pub(super) rate: f64,
    /// How many people write, of all generators together.
    pub(super) writers: usize,
    pub(super) people: Vec<Person>,
}

/// Somebody who is logged in.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Person {
    pub(super) token: String,
    pub(super) line: Option<Line>,
}

/// To whom somebody writes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    /// Which of all writers this is, from 0.
    pub(super) index: u32,
    pub(super) to: UserId,
}

/// The zero of all times, in microseconds since 1970.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Zero(u64);

impl Zero {
    pub(super) fn now() -> Self {
        let passed = UNIX_EPOCH.elapsed().unwrap_or_default();
        Self(u64::try_from(passed.as_micros()).unwrap_or(u64::MAX))
    }

    /// Returns the clock that begins there; none if that is yet to come.
    pub(super) fn clock(self) -> Option<Clock> {
        let zero: SystemTime = UNIX_EPOCH.checked_add(Duration::from_micros(self.0))?;
        Clock::since(zero)
    }
}

/// What a generator is told later. Times are in microseconds since the zero.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// Write from the first to the second time.
    Run(u64, u64),
    /// Say what was measured, and end.
    End,
}

/// What a generator says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Told {
    /// Several times a second.
    Counts(Counts),
    /// In the end.
    Figures(Box<Figures>),
}

/// How far a generator is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Counts {
    /// When it was so.
    pub(super) at: u64,
    /// How many are logged in.
    pub(super) ready: u64,
    pub(super) sent: u64,
    pub(super) acked: u64,
    pub(super) delivered: u64,
    /// What went wrong, and how often.
    pub(super) errors: BTreeMap<String, u64>,
}

/// What a generator has measured.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Figures {
    acks: Samples,
    deliveries: Samples,
    lag: Samples,
    repeated: u64,
    skipped: u64,
    last: Option<u64>,
}

impl Figures {
    pub(super) fn of(heard: Heard, clock: Clock) -> Self {
        Self {
            acks: heard.acks,
            deliveries: heard.deliveries,
            lag: heard.lag,
            repeated: heard.faults.repeated,
            skipped: heard.faults.skipped,
            last: heard.last.map(|last| clock.micros(last)),
        }
    }

    pub(super) fn heard(self, clock: Clock) -> Heard {
        Heard {
            acks: self.acks,
            deliveries: self.deliveries,
            lag: self.lag,
            faults: Faults { repeated: self.repeated, skipped: self.skipped },
            last: self.last.map(|last| clock.instant(last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_measured_crosses_between_processes() {
        let zero = Zero::now();
        let (here, there) = (zero.clock().unwrap(), zero.clock().unwrap());
        let mut heard = Heard { last: Some(there.instant(7_000)), ..Heard::default() };
        heard.acks.add(5);
        heard.faults.skipped = 2;
        let told = Told::Figures(Box::new(Figures::of(heard, there)));
        let line = serde_json::to_string(&told).unwrap();
        let Ok(Told::Figures(figures)) = serde_json::from_str(&line) else { panic!("{line}") };
        let heard = figures.heard(here);
        assert_eq!((heard.acks.len(), heard.deliveries.len(), heard.faults.skipped), (1, 0, 2));
        assert_eq!(heard.last.map(|last| here.micros(last)), Some(7_000));
    }
}
