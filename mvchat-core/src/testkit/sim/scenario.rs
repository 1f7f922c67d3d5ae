//! What a run is made of.

use crate::builtin::MemoryStore;
use std::time::Duration;

/// The size of a run and how rough it is.
///
/// # Defaults
/// Four users with six devices on one node, 20 s of chaos.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scenario {
    /// How many users there are, at least 3.
    pub users: usize,
    /// How many devices they have together, at least one each.
    pub devices: usize,
    /// How many engines share the store.
    pub nodes: usize,
    /// How long faults come, in virtual time.
    pub chaos: Duration,
    /// How long a device waits between two things that it does, on average.
    pub pace: Duration,
    /// Connections are cut, go dark and stall.
    pub links: bool,
    /// Calls of the store fail, before and after they are carried out, and take long.
    pub store: bool,
    /// Nodes are killed and stopped.
    pub nodes_fail: bool,
    /// What nodes tell each other is lost, doubled and late, and nodes are cut off from each other.
    pub bus: bool,
    /// The wall clock jumps.
    pub jumps: bool,
    /// How often, in a thousand things that it does, a device sends more than a slow reader can take.
    pub floods: u64,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            users: 4,
            devices: 6,
            nodes: 1,
            chaos: Duration::from_secs(20),
            pace: Duration::from_millis(700),
            links: true,
            store: true,
            nodes_fail: true,
            bus: true,
            jumps: true,
            floods: 1,
        }
    }
}

impl Scenario {
    /// The usual one, on one to three nodes.
    pub fn by_seed(seed: u64) -> Self {
        let nodes = [1, 2, 3][usize::try_from(seed % 3).unwrap_or(0)];
        Self { nodes, ..Self::default() }
    }

    /// Makes a store for it in memory.
    pub fn memory(&self) -> MemoryStore {
        if self.nodes > 1 { MemoryStore::shared() } else { MemoryStore::default() }
    }

    /// Without any fault: everything that is asked for must work.
    #[must_use]
    pub fn calm(mut self) -> Self {
        (self.links, self.store, self.nodes_fail, self.bus) = (false, false, false, false);
        (self.jumps, self.floods) = (false, 0);
        self
    }

    /// With nothing but slow readers, and much to read.
    #[must_use]
    pub fn flooded(self) -> Self {
        Self { floods: 5, chaos: Duration::from_secs(10), ..self.calm() }
    }
}
