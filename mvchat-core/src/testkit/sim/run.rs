//! One seed, one run.

use super::audit::{self, Audit};
use super::chaos;
use super::history::History;
use super::host::Host;
use super::node::start;
use super::oracle::{self, Violation};
use super::scenario::Scenario;
use super::trace;
use super::world::{Phase, World};
use crate::proto::{Command, Limits};
use crate::seam::Store;
use serde_json::{Value, json};
use std::time::Duration;

/// How long everybody has to get well when no new faults come: longer than it takes to notice a dark connection, and to
/// come back afterwards.
const CONVALESCENCE: Duration = Duration::from_secs(180);

/// What a run came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// The same for two runs in which the same happened.
    pub hash: u64,
    /// The promises that were not kept.
    pub violations: Vec<Violation>,
    /// What happened, and what was true at the end.
    pub history: History,
}

impl Report {
    /// Returns what happened, one line for each record; the same lines give the same [`hash`](Report::hash).
    pub fn trace(&self) -> Vec<String> {
        trace::lines(&self.history.records).collect()
    }

    /// Returns how many requests were answered with success.
    pub fn acknowledged(&self) -> usize {
        self.history.calls.iter().filter(|call| call.success().is_some()).count()
    }
}

/// Carries a run out on a store: the same seed, scenario and kind of store give the same run.
///
/// The store stands for what is on the disk: engines that are killed leave it as it is.
///
/// # Panics
/// If no runtime can be started, or the simulation itself is wrong.
pub fn run<S: Store + Clone>(seed: u64, scenario: &Scenario, store: &S) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime starts");
    let history = runtime.block_on(simulate(seed, scenario, store));
    let hash = trace::hash(&history.records);
    Report { seed, hash, violations: oracle::check(&history), history }
}

async fn simulate<S: Store + Clone>(seed: u64, scenario: &Scenario, store: &S) -> History {
    let world = World::new(scenario, store.clone(), seed);
    for node in 0..scenario.nodes {
        start(&world, store, node, false).await;
    }
    people(&world).await;
    for device in 0..scenario.devices {
        let host = Host::new(&world, device % scenario.users, device).await;
        tokio::spawn(host.live());
    }
    // Everybody is there before anything goes wrong.
    tokio::time::sleep(Duration::from_secs(2)).await;
    if scenario.store {
        for node in 0..scenario.nodes {
            world.nodes.lock()[node].misbehave(&world);
        }
    }
    chaos::rage(&world, store).await;
    chaos::heal(&world, store).await;
    world.begin(Phase::Heal);
    tokio::time::sleep(CONVALESCENCE).await;
    let engines: Vec<_> = world.nodes.lock().iter().filter_map(|node| node.chat().cloned()).collect();
    let connections = engines.iter().map(crate::Chat::connections).sum();
    let whom =
        |engine: &crate::Chat| world.users.iter().copied().filter(|user| engine.is_online(*user)).collect();
    let online = engines.iter().map(whom).collect();
    world.begin(Phase::Done);
    // The devices get their turn.
    tokio::time::sleep(Duration::from_millis(10)).await;
    let mut audit: Audit = audit::look(&world, store).await;
    let ended = std::mem::take(&mut *world.ended.lock());
    let connected = || ended.iter().filter(|end| end.connected);
    let here = connected().count();
    (audit.here, audit.online) = (connected().map(|end| world.users[end.user]).collect(), online);
    let unwell = ended.iter().filter(|end| !end.well).map(|end| end.device).collect();
    (audit.unwell, audit.connections) = (unwell, (connections, here));
    History::new(world.trace.take(), audit)
}

/// Makes the users and their first conversations.
async fn people(world: &World) {
    let chat = world.nodes.lock()[0].chat().cloned().expect("the first node runs");
    for (number, user) in world.users.iter().enumerate() {
        let public = crate::proto::Json::from_value(&json!({"fn": format!("user {number}")}));
        chat.add_user(*user, Some(public)).await.expect("a user is made");
    }
    let ask = async |user: usize, value: Value| {
        let command = Command::parse(super::script::request(&value), &Limits::default());
        let command = command.expect("the simulation knows the protocol");
        let reply = chat.act_as(world.users[user]).execute(command).await.expect("nothing fails yet");
        serde_json::to_value(reply.params).unwrap_or_default()
    };
    let group = async |owner: usize, members: &[usize]| {
        let made = ask(owner, json!({"group": {"action": "create", "desc": {"public": {"fn": "g"}}}})).await;
        for member in members {
            let user = world.users[*member];
            ask(owner, json!({"group": {"action": "invite", "id": made["conv"], "user": user}})).await;
        }
    };
    let all: Vec<usize> = (1..world.users.len()).collect();
    group(0, &all).await;
    group(1, &[0]).await;
    ask(0, json!({"dm": {"user": world.users[1]}})).await;
    ask(1, json!({"dm": {"user": world.users[2]}})).await;
    ask(2, json!({"dm": {"self": true}})).await;
}
