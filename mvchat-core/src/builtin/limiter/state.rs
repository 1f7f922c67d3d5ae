//! What is remembered about a subject.

use super::backoff::Backoff;
use super::window::Window;
use crate::proto::{Algorithm, Rate};
use crate::session::Bucket;
use crate::time::Instant;
use std::time::Duration;

/// The count of one subject by one row.
#[derive(Debug)]
pub(super) enum State {
    Bucket(Bucket),
    Window(Box<Window>),
    Backoff(Box<Backoff>),
}

impl State {
    /// Makes the count of somebody who has done nothing yet.
    pub(super) fn new(rate: &Rate) -> Self {
        match rate.algorithm {
            // What is counted at once is not counted here.
            Algorithm::Bucket { .. } | Algorithm::AtOnce { .. } => Self::Bucket(Bucket::new()),
            Algorithm::Window { .. } => Self::Window(Box::default()),
            Algorithm::Backoff { .. } => Self::Backoff(Box::default()),
        }
    }

    /// Returns how long to wait until one more act passes, in whole milliseconds.
    pub(super) fn wait(&self, rate: &Rate, now: Instant) -> Duration {
        match (self, rate.algorithm) {
            (Self::Bucket(bucket), Algorithm::Bucket { burst, every }) => {
                let mut bucket = *bucket;
                let wait = bucket.draw(micros(every), burst, rate.cost, now).err().unwrap_or_default();
                let millis = wait.as_micros().div_ceil(1_000);
                Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
            }
            (Self::Window(window), Algorithm::Window { max, per }) => window.wait(max, per, rate.cost, now),
            (Self::Backoff(backoff), Algorithm::Backoff { .. }) => backoff.wait(now),
            // The table was changed under the same row: the count starts anew.
            _ => Duration::ZERO,
        }
    }

    /// Counts an act that passes.
    pub(super) fn take(&mut self, rate: &Rate, now: Instant) {
        match (self, rate.algorithm) {
            (Self::Bucket(bucket), Algorithm::Bucket { burst, every }) => {
                // It passes: nobody came between, because the lock is held.
                let _ = bucket.draw(micros(every), burst, rate.cost, now);
            }
            (Self::Window(window), Algorithm::Window { per, .. }) => window.take(per, rate.cost, now),
            (Self::Backoff(backoff), Algorithm::Backoff { free, first, longest, forget }) => {
                backoff.take(free, first, longest, forget, now);
            }
            (_, Algorithm::AtOnce { .. }) => {}
            (state, _) => {
                *state = Self::new(rate);
                state.take(rate, now);
            }
        }
    }

    pub(super) fn give_back(&mut self, rate: &Rate) {
        match (self, rate.algorithm) {
            (Self::Bucket(bucket), Algorithm::Bucket { every, .. }) => {
                bucket.give_back(micros(every), rate.cost);
            }
            (Self::Window(window), _) => window.give_back(rate.cost),
            (Self::Backoff(backoff), _) => **backoff = Backoff::default(),
            (Self::Bucket(_), _) => {}
        }
    }

    /// Returns from when on it is as if the subject had done nothing.
    pub(super) fn idle_at(&self, rate: &Rate) -> Instant {
        match (self, rate.algorithm) {
            (Self::Bucket(bucket), _) => bucket.full_at(),
            (Self::Window(window), Algorithm::Window { per, .. }) => window.idle_at(per),
            (Self::Backoff(backoff), Algorithm::Backoff { forget, .. }) => backoff.idle_at(forget),
            _ => Instant(0),
        }
    }
}

fn micros(millis: u32) -> u64 {
    u64::from(millis) * 1_000
}
