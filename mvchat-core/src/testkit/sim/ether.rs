//! The bus between the nodes of a run: it loses, doubles and delays what is said, and is cut between nodes.

use super::rng::Rng;
use crate::seam::{Bus, Heard};
use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How many messages wait for a node.
const WAITING: usize = 4_096;
/// From so long a cut on, both sides are told, as the contract of a bus has it.
const TOLD_FROM: Duration = Duration::from_secs(5);

/// Where all buses of a run meet; clones share it.
#[derive(Clone)]
pub(super) struct Ether {
    state: Arc<Mutex<State>>,
}

struct State {
    rng: Rng,
    rough: bool,
    ends: Vec<End>,
    /// Nodes that can't hear each other, the lower number first, and since when.
    cut: BTreeMap<(usize, usize), Instant>,
}

struct End {
    node: usize,
    heard: mpsc::Sender<Heard>,
    alive: bool,
}

impl Ether {
    pub(super) fn new(rng: Rng, rough: bool) -> Self {
        let state = State { rng, rough, ends: Vec::new(), cut: BTreeMap::new() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Adds an engine in the place of a node.
    pub(super) fn join(&self, node: usize) -> SimBus {
        let (heard, hears) = mpsc::channel(WAITING);
        let mut state = self.state.lock();
        state.ends.push(End { node, heard, alive: true });
        SimBus {
            ether: self.clone(),
            end: state.ends.len() - 1,
            heard: Arc::new(tokio::sync::Mutex::new(hears)),
        }
    }

    /// Cuts two nodes off from each other.
    pub(super) fn cut(&self, one: usize, other: usize) {
        self.state.lock().cut.entry((one.min(other), one.max(other))).or_insert_with(Instant::now);
    }

    /// Lets two nodes hear each other again.
    pub(super) fn join_again(&self, one: usize, other: usize) {
        self.state.lock().join_again((one.min(other), one.max(other)));
    }

    /// Ends all that is wrong.
    pub(super) fn heal(&self) {
        let mut state = self.state.lock();
        state.rough = false;
        let pairs: Vec<_> = state.cut.keys().copied().collect();
        pairs.into_iter().for_each(|pair| state.join_again(pair));
    }

    fn say(&self, from: usize, message: &Bytes) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if !state.ends[from].alive {
            return;
        }
        let node = state.ends[from].node;
        for to in 0..state.ends.len() {
            let (other, alive) = (state.ends[to].node, state.ends[to].alive);
            let pair = (node.min(other), node.max(other));
            if to == from || !alive || state.cut.contains_key(&pair) || (state.rough && state.rng.chance(30))
            {
                continue;
            }
            let copies = 1 + usize::from(state.rough && state.rng.chance(30));
            for _ in 0..copies {
                let delay = if state.rough && state.rng.chance(200) { state.rng.below(1_500) } else { 0 };
                self.carry(to, message.clone(), Duration::from_millis(delay), &state.ends[to]);
            }
        }
    }

    fn carry(&self, to: usize, message: Bytes, delay: Duration, end: &End) {
        let heard = Heard::Message(message);
        if delay.is_zero() {
            drop(end.heard.try_send(heard));
            return;
        }
        let ether = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let state = ether.state.lock();
            if state.ends[to].alive {
                drop(state.ends[to].heard.try_send(heard));
            }
        });
    }
}

impl State {
    /// Ends a cut. The two are told that they may have missed something; after a short one, perhaps not.
    fn join_again(&mut self, pair: (usize, usize)) {
        let Some(since) = self.cut.remove(&pair) else { return };
        if since.elapsed() >= TOLD_FROM || self.rng.chance(500) {
            for end in self.ends.iter().filter(|end| end.alive && [pair.0, pair.1].contains(&end.node)) {
                drop(end.heard.try_send(Heard::Lost));
            }
        }
    }
}

/// The bus of one engine; clones are the same.
#[derive(Clone)]
pub(super) struct SimBus {
    ether: Ether,
    end: usize,
    heard: Arc<tokio::sync::Mutex<mpsc::Receiver<Heard>>>,
}

impl SimBus {
    /// Lets nothing be said or heard any more.
    pub(super) fn kill(&self) {
        self.ether.state.lock().ends[self.end].alive = false;
    }
}

impl fmt::Debug for SimBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimBus({})", self.end)
    }
}

#[async_trait]
impl Bus for SimBus {
    fn say(&self, message: Bytes) {
        self.ether.say(self.end, &message);
    }

    async fn hear(&self) -> Heard {
        match self.heard.lock().await.recv().await {
            Some(heard) => heard,
            None => std::future::pending().await,
        }
    }
}
