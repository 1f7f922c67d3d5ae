//! A bounded table of counts.

use super::Key;
use super::state::State;
use crate::proto::Rate;
use crate::time::Instant;
use std::collections::HashMap;
use std::time::Duration;

/// Below this many entries, nobody looks for idle ones.
const SWEEP_AT: usize = 1_024;
/// How often a full table is swept.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// When the table is full, the one of so many that would be forgotten soonest makes room.
const SAMPLE: usize = 16;

/// The counts of one shard, each with when it will be idle.
#[derive(Debug)]
pub(super) struct Table {
    counts: HashMap<Key, Count>,
    most: usize,
    /// The number of entries at which to sweep: twice what the last sweep left, so that sweeping costs each act the
    /// same however many there are.
    sweep_at: usize,
    swept: Instant,
}

#[derive(Debug)]
struct Count {
    state: State,
    /// From when on it is as if the subject had done nothing.
    idle_at: Instant,
}

impl Table {
    pub(super) fn new(most: usize) -> Self {
        Self { counts: HashMap::new(), most, sweep_at: SWEEP_AT.min(most), swept: Instant(0) }
    }

    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    pub(super) fn get(&self, key: &Key) -> Option<&State> {
        self.counts.get(key).map(|count| &count.state)
    }

    pub(super) fn get_mut(&mut self, key: &Key) -> Option<&mut State> {
        self.counts.get_mut(key).map(|count| &mut count.state)
    }

    /// Counts an act that passes.
    pub(super) fn take(&mut self, key: Key, rate: &Rate, now: Instant) {
        if !self.counts.contains_key(&key) {
            self.make_room(now);
        }
        let new = || Count { state: State::new(rate), idle_at: now };
        let count = self.counts.entry(key).or_insert_with(new);
        count.state.take(rate, now);
        count.idle_at = count.state.idle_at(rate);
    }

    fn make_room(&mut self, now: Instant) {
        if self.counts.len() < self.sweep_at {
            return;
        }
        let full = self.counts.len() >= self.most;
        // A full table is not searched for each newcomer.
        if !full || now.since(self.swept) >= SWEEP_EVERY {
            self.counts.retain(|_, count| now < count.idle_at);
            self.swept = now;
        }
        if self.counts.len() >= self.most {
            let sample = self.counts.iter().take(SAMPLE);
            let soonest = sample.min_by_key(|(_, count)| count.idle_at).map(|(key, _)| *key);
            if let Some(key) = soonest {
                self.counts.remove(&key);
            }
        }
        self.sweep_at = (self.counts.len() * 2).clamp(SWEEP_AT.min(self.most), self.most);
    }
}
