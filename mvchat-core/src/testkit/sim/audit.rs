//! What is true at the end of a run, read from the healed server and its store.

use super::script::request;
use super::world::World;
use crate::proto::{Command, ConvId, Limits, Position, ReplyParams, UserId};
use crate::seam::{LogEntry, Store};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What every oracle compares with.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Audit {
    /// The users, by number.
    pub users: Vec<UserId>,
    /// The whole log.
    pub log: Vec<LogEntry>,
    /// Every user's views of conversations, by user and conversation, as `get conversation` answers.
    pub views: BTreeMap<(UserId, ConvId), Value>,
    /// Every member's history of every conversation, by `seq`, as `get messages` answers.
    pub histories: BTreeMap<(UserId, ConvId), BTreeMap<u64, Value>>,
    /// How every device was at the end.
    pub devices: Vec<Device>,
    /// How many connections the engines believe to have, and how many devices are connected.
    pub connections: (usize, usize),
    /// The users with a device that is connected.
    pub here: BTreeSet<UserId>,
    /// The users whom each engine believes to be connected to any of them.
    pub online: Vec<BTreeSet<UserId>>,
    /// The devices that were not up to date, or still had something to say, long after the last fault.
    pub unwell: Vec<usize>,
}

/// How a device was at the end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Device {
    /// The user's number.
    pub user: usize,
    /// The device's number.
    pub device: usize,
    /// Its conversations, as it shows them.
    pub conversations: BTreeMap<ConvId, Shown>,
}

/// A conversation as a device shows it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Shown {
    /// The view.
    pub view: Value,
    /// From here on it claims to have all messages.
    pub complete_from: u64,
    /// The messages.
    pub messages: BTreeMap<u64, Value>,
}

/// Reads everything.
pub(super) async fn look<S: Store>(world: &World, store: &S) -> Audit {
    let mut audit = Audit { users: world.users.to_vec(), ..Audit::default() };
    let mut after = Position(0);
    loop {
        let page = store.log(after, 1_000).await.expect("the store itself never fails");
        after = page.position;
        let done = page.entries.is_empty();
        audit.log.extend(page.entries);
        if done {
            break;
        }
    }
    let convs: Vec<ConvId> = {
        let mut convs: Vec<_> = audit.log.iter().map(|entry| entry.conv).collect();
        convs.sort_unstable();
        convs.dedup();
        convs
    };
    for user in world.users.iter().copied() {
        for conv in convs.iter().copied() {
            if let Some(view) = ask(world, user, json!({"what": "conversation", "conv": conv})).await {
                audit.views.insert((user, conv), view["conversation"].clone());
                audit.histories.insert((user, conv), history(world, user, conv).await);
            }
        }
    }
    audit.devices = world.ended.lock().iter().map(device).collect();
    audit.devices.sort_by_key(|device| device.device);
    audit
}

async fn history(world: &World, user: UserId, conv: ConvId) -> BTreeMap<u64, Value> {
    let mut rows = BTreeMap::new();
    let mut get = json!({"what": "messages", "conv": conv, "limit": 50});
    loop {
        let Some(answer) = ask(world, user, get.clone()).await else { return rows };
        for row in answer["messages"].as_array().into_iter().flatten() {
            rows.insert(row["seq"].as_u64().unwrap_or_default(), row.clone());
        }
        match rows.keys().next() {
            Some(lowest) if answer["more"] == true && get["before"] != json!(lowest) => {
                get["before"] = json!(lowest);
            }
            _ => return rows,
        }
    }
}

/// Asks a healed engine what a user can see; `None` if that is nothing.
async fn ask(world: &World, user: UserId, get: Value) -> Option<Value> {
    // Users are spread over the nodes, which have to agree.
    let place = world.users.iter().position(|known| *known == user).unwrap_or(0) % world.scenario.nodes;
    let chat = world.nodes.lock()[place].chat().cloned()?;
    let command = Command::parse(request(&json!({ "get": get })), &Limits::default()).ok()?;
    let reply = chat.act_as(user).execute(command).await.ok()?;
    match reply.params {
        ReplyParams::None => None,
        params => Some(value(&params)),
    }
}

fn device(end: &super::host::Ended) -> Device {
    let conversations = end.state.conversations().iter().map(|(conv, known)| {
        let messages = known.messages().iter().map(|(seq, message)| (seq.0, value(message))).collect();
        let shown = Shown { view: value(known.view()), complete_from: known.complete_from().0, messages };
        (*conv, shown)
    });
    Device { user: end.user, device: end.device, conversations: conversations.collect() }
}

fn value(thing: &impl Serialize) -> Value {
    serde_json::to_value(thing).unwrap_or_default()
}
