//! A run as oracles read it: calls with their answers, what was pushed, and who was where.

use super::audit::Audit;
use super::trace::{Record, Seen};
use crate::proto::{ConvId, UserId};
use crate::seam::{LogEntry, LogEvent};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Everything about a run.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct History {
    /// What happened, in its order.
    pub records: Vec<Record>,
    /// The connections, by number.
    pub links: Vec<Link>,
    /// The requests, in the order in which they were sent.
    pub calls: Vec<Call>,
    /// What was pushed, in the order in which it arrived.
    pub pushes: Vec<Push>,
    /// What was true at the end.
    pub audit: Audit,
    messages: BTreeMap<ConvId, BTreeMap<u64, Value>>,
    logs: BTreeMap<ConvId, BTreeMap<u64, LogEntry>>,
}

/// A connection.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Link {
    /// The user's number.
    pub user: usize,
    /// The device's number.
    pub device: usize,
    /// The node.
    pub node: usize,
    /// When it ended for the device, as a place in [`History::records`].
    pub closed: Option<usize>,
    /// It lost something on its way, because it was cut or went dark.
    pub broken: bool,
}

/// A request with what became of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// The connection.
    pub link: usize,
    /// The user's number.
    pub user: usize,
    /// The request's id.
    pub id: String,
    /// The request's name.
    pub kind: String,
    /// Its fields.
    pub body: Value,
    /// When it was sent, as a place in [`History::records`].
    pub sent: usize,
    /// The answers, each with its place in [`History::records`]; there should be at most one.
    pub answers: Vec<(usize, Value)>,
}

impl Call {
    /// Returns the parameters of its success, and when that arrived.
    pub fn success(&self) -> Option<(usize, &Value)> {
        let (at, ctrl) = self.answers.first()?;
        let code = ctrl["code"].as_u64()?;
        (200..300).contains(&code).then_some((*at, &ctrl["params"]))
    }

    /// Returns the conversation that it names.
    pub fn conv(&self) -> Option<ConvId> {
        let name = if self.kind == "group" { &self.body["id"] } else { &self.body["conv"] };
        name.as_str()?.parse().ok()
    }

    /// Returns the shared change that it made: conversation and `rev`. A replay made none.
    pub fn change(&self) -> Option<(ConvId, u64)> {
        let (_, params) = self.success()?;
        if self.kind == "get" || params["replay"] == true {
            return None;
        }
        Some((params["conv"].as_str()?.parse().ok()?, params["rev"].as_u64().filter(|rev| *rev > 0)?))
    }
}

/// A frame that no request asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Push {
    /// The connection.
    pub link: usize,
    /// The user's number.
    pub user: usize,
    /// When it arrived, as a place in [`History::records`].
    pub at: usize,
    /// `data`, `info` or `pres`.
    pub kind: String,
    /// What is in it.
    pub body: Value,
    conv: Option<ConvId>,
}

impl Push {
    /// Returns the conversation that it is about.
    pub fn conv(&self) -> Option<ConvId> {
        self.conv
    }

    /// Returns the change that it tells.
    pub fn rev(&self) -> Option<u64> {
        self.body["rev"].as_u64()
    }
}

impl History {
    /// Reads a record.
    pub fn new(records: Vec<Record>, audit: Audit) -> Self {
        let mut history = Self { audit, ..Self::default() };
        for entry in &history.audit.log {
            history.logs.entry(entry.conv).or_default().insert(entry.rev.0, entry.clone());
        }
        for ((_, conv), rows) in &history.audit.histories {
            let all = history.messages.entry(*conv).or_default();
            for (seq, row) in rows {
                all.entry(*seq).or_insert_with(|| row.clone());
            }
        }
        let mut open = BTreeMap::new();
        for (at, record) in records.iter().enumerate() {
            history.read(at, &record.seen, &mut open);
        }
        history.records = records;
        history
    }

    fn read(&mut self, at: usize, seen: &Seen, open: &mut BTreeMap<(usize, String), usize>) {
        match seen {
            Seen::Opened { link, user, device, node } => {
                self.links.resize(self.links.len().max(link + 1), Link::default());
                self.links[*link] = Link { user: *user, device: *device, node: *node, ..Link::default() };
            }
            Seen::Closed { link, .. } => self.links[*link].closed = Some(at),
            Seen::Cut(link) | Seen::Dark(link) => self.links[*link].broken = true,
            Seen::Up { link, text } => self.asked(at, *link, text, open),
            Seen::Down { link, text } => self.heard(at, *link, text, open),
            _ => {}
        }
    }

    fn asked(&mut self, at: usize, link: usize, text: &str, open: &mut BTreeMap<(usize, String), usize>) {
        let Ok(Value::Object(frame)) = serde_json::from_str(text) else { return };
        let id = frame.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let Some((kind, body)) = frame.into_iter().find(|(key, _)| key != "id") else { return };
        if !id.is_empty() {
            open.insert((link, id.clone()), self.calls.len());
        }
        let user = self.links[link].user;
        self.calls.push(Call { link, user, id, kind, body, sent: at, answers: Vec::new() });
    }

    fn heard(&mut self, at: usize, link: usize, text: &str, open: &mut BTreeMap<(usize, String), usize>) {
        let Ok(Value::Object(frame)) = serde_json::from_str(text) else { return };
        let Some((kind, body)) = frame.into_iter().next() else { return };
        if kind == "ctrl" {
            let id = body["id"].as_str().unwrap_or_default().to_owned();
            if let Some(call) = open.get(&(link, id)) {
                self.calls[*call].answers.push((at, body));
                return;
            }
        }
        let user = self.links[link].user;
        let conv = body["conv"].as_str().and_then(|conv| conv.parse().ok());
        self.pushes.push(Push { link, user, at, kind, body, conv });
    }

    /// Returns a user's id.
    pub fn user(&self, number: usize) -> UserId {
        self.audit.users[number]
    }

    /// Returns the conversations of the log.
    pub fn conversations(&self) -> BTreeSet<ConvId> {
        self.audit.log.iter().map(|entry| entry.conv).collect()
    }

    /// Returns the changes of a conversation by their numbers; its creation is 0.
    pub fn log_of(&self, conv: ConvId) -> &BTreeMap<u64, LogEntry> {
        static NOTHING: BTreeMap<u64, LogEntry> = BTreeMap::new();
        self.logs.get(&conv).unwrap_or(&NOTHING)
    }

    /// Returns what is read of a conversation by anybody, by `seq`: some hide or clear what others still see.
    pub fn messages_of(&self, conv: ConvId) -> Option<&BTreeMap<u64, Value>> {
        self.messages.get(&conv)
    }
}

/// Who was a member of which conversation, change by change.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// By conversation, user and `rev`: in or out from there on.
    turns: BTreeMap<(ConvId, UserId), BTreeMap<u64, bool>>,
}

impl Members {
    /// Reads the log of a run.
    pub fn new(history: &History) -> Self {
        let mut members = Self::default();
        for entry in &history.audit.log {
            let (user, inside) = match &entry.event {
                LogEvent::Created => {
                    // Nobody leaves a conversation that is not a group, so its members are those who see it.
                    for ((user, conv), view) in &history.audit.views {
                        if *conv == entry.conv && view["type"] != "group" {
                            members.turn(*conv, *user, 0, true);
                        }
                    }
                    (entry.actor, true)
                }
                LogEvent::Joined(user) => (*user, true),
                LogEvent::Left(user) | LogEvent::Kicked(user) | LogEvent::Banned(user) => (*user, false),
                _ => continue,
            };
            members.turn(entry.conv, user, entry.rev.0, inside);
        }
        members
    }

    fn turn(&mut self, conv: ConvId, user: UserId, rev: u64, inside: bool) {
        self.turns.entry((conv, user)).or_default().insert(rev, inside);
    }

    /// Returns whether a user is a member after a change.
    pub fn inside(&self, conv: ConvId, user: UserId, rev: u64) -> bool {
        let turns = self.turns.get(&(conv, user));
        turns.and_then(|turns| turns.range(..=rev).next_back()).is_some_and(|(_, inside)| *inside)
    }

    /// Returns the changes with which a user came in or went.
    pub fn turns(&self, conv: ConvId, user: UserId) -> impl Iterator<Item = (u64, bool)> + '_ {
        self.turns.get(&(conv, user)).into_iter().flatten().map(|(rev, inside)| (*rev, *inside))
    }

    /// Returns whether a user was ever a member.
    pub fn ever(&self, conv: ConvId, user: UserId) -> bool {
        self.turns.contains_key(&(conv, user))
    }
}

/// When which change of a conversation was first heard of, by anybody.
#[derive(Clone, Debug, Default)]
pub struct Sightings {
    /// By conversation: a place in the records and the highest change that was heard of by then.
    seen: BTreeMap<ConvId, Vec<(usize, u64)>>,
}

impl Sightings {
    /// Reads what everybody was told.
    pub fn new(history: &History) -> Self {
        let told = history.pushes.iter().filter_map(|push| Some((push.at, push.conv()?, push.rev()?)));
        let answered = history.calls.iter().filter_map(|call| {
            let (conv, rev) = call.change()?;
            Some((call.success()?.0, conv, rev))
        });
        let mut all: Vec<_> = told.chain(answered).collect();
        all.sort_unstable();
        let mut seen: BTreeMap<ConvId, Vec<(usize, u64)>> = BTreeMap::new();
        for (at, conv, rev) in all {
            let known = seen.entry(conv).or_default();
            if known.last().is_none_or(|(_, highest)| *highest < rev) {
                known.push((at, rev));
            }
        }
        Self { seen }
    }

    /// Returns the first place in the records at which a change, or one after it, was known to anybody.
    pub fn first(&self, conv: ConvId, rev: u64) -> Option<usize> {
        let known = self.seen.get(&conv)?;
        let place = known.partition_point(|(_, highest)| *highest < rev);
        known.get(place).map(|(at, _)| *at)
    }
}
