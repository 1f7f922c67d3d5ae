//! A limiter in memory.

mod backoff;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod window;

use crate::seam::{Demand, Limiter, LimiterError, Subject, Taken};
use crate::time::Instant;
use async_trait::async_trait;
use parking_lot::{Mutex, MutexGuard};
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::time::Duration;
use table::Table;

/// Into so many parts the counts are divided, so that few wait for one another.
const SHARDS: usize = 16;
/// How many subjects are remembered unless told otherwise.
const CAPACITY: usize = 256 * 1024;

/// The row and the subject of a count.
type Key = (u16, Subject);

/// Counts in memory, for a server of one node.
///
/// A bucket takes eight bytes besides its key. Subjects that nothing is remembered about are forgotten; when there are
/// more than the capacity all the same, those go first that would be forgotten soonest.
pub struct MemoryLimiter {
    hasher: RandomState,
    shards: [Mutex<Table>; SHARDS],
}

impl MemoryLimiter {
    /// Makes a limiter that remembers at most about so many subjects.
    pub fn with_capacity(capacity: usize) -> Self {
        let most = capacity.div_ceil(SHARDS).max(1);
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::new(Table::new(most))) }
    }

    fn shard(&self, key: &Key) -> usize {
        // The remainder is below the number of shards, which fits.
        usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0)
    }

    /// Locks what the demands are about, always in the same order.
    fn lock(&self, demands: &[Demand]) -> Locked<'_> {
        let places: Vec<_> = demands.iter().map(|demand| self.shard(&(demand.row, demand.subject))).collect();
        let mut guards: [Option<MutexGuard<'_, Table>>; SHARDS] = Default::default();
        for (at, (guard, shard)) in guards.iter_mut().zip(&self.shards).enumerate() {
            if places.contains(&at) {
                *guard = Some(shard.lock());
            }
        }
        Locked { places, guards }
    }
}

impl Default for MemoryLimiter {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl fmt::Debug for MemoryLimiter {
    /// Shows sizes only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subjects: usize = self.shards.iter().map(|shard| shard.lock().len()).sum();
        write!(f, "MemoryLimiter({subjects} subjects)")
    }
}

/// The parts that some demands are about.
struct Locked<'a> {
    places: Vec<usize>,
    guards: [Option<MutexGuard<'a, Table>>; SHARDS],
}

impl Locked<'_> {
    fn table(&mut self, demand: usize) -> Option<&mut Table> {
        self.guards.get_mut(*self.places.get(demand)?)?.as_deref_mut()
    }
}

#[async_trait]
impl Limiter for MemoryLimiter {
    async fn take(&self, demands: &[Demand], now: Instant) -> Result<Taken, LimiterError> {
        let mut locked = self.lock(demands);
        let mut worst: Option<(usize, Duration)> = None;
        for (by, demand) in demands.iter().enumerate() {
            let Some(table) = locked.table(by) else { continue };
            let state = table.get(&(demand.row, demand.subject));
            let wait = state.map_or(Duration::ZERO, |state| state.wait(&demand.rate, now));
            if !wait.is_zero() && worst.is_none_or(|(_, longest)| longest < wait) {
                worst = Some((by, wait));
            }
        }
        if let Some((by, after)) = worst {
            return Ok(Taken::Refused { by, after });
        }
        for (by, demand) in demands.iter().enumerate() {
            let Some(table) = locked.table(by) else { continue };
            table.take((demand.row, demand.subject), &demand.rate, now);
        }
        Ok(Taken::Granted)
    }

    async fn give_back(&self, demands: &[Demand], _: Instant) -> Result<(), LimiterError> {
        let mut locked = self.lock(demands);
        for (by, demand) in demands.iter().enumerate() {
            let Some(table) = locked.table(by) else { continue };
            if let Some(state) = table.get_mut(&(demand.row, demand.subject)) {
                state.give_back(&demand.rate);
            }
        }
        Ok(())
    }
}
