//! Requests without an answer.

use crate::map::Map;
use crate::proto::{ConvId, Request};
use crate::time::Instant;
use std::collections::VecDeque;

/// Names a request of this client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(super) u64);

impl RequestId {
    /// Returns the number, for whoever passes it on to another language.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// How a login is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Password,
    Token,
    /// `again` if an earlier attempt was never answered and may have made the account.
    SignUp {
        again: bool,
    },
}

/// What a request is for.
#[derive(Debug)]
pub(super) enum Purpose {
    Hi,
    Ping,
    Login(Scheme),
    /// The app asked; `answered` once the app was told that it took too long.
    Ask {
        request: Box<Request>,
        answered: bool,
    },
    Send {
        cid: String,
    },
    List,
    View(ConvId),
    Changes(ConvId),
    Page(ConvId),
}

/// A request that took too long.
#[derive(Debug)]
pub(super) enum Late {
    /// One of the app's, which was not told yet.
    Ask,
    /// One of the machine's own.
    Own(Purpose),
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) purpose: Purpose,
    pub(super) deadline: Option<Instant>,
    pub(super) bytes: usize,
}

/// A request that waits to be sent.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) id: u64,
    pub(super) request: Request,
    pub(super) deadline: Instant,
}

/// What was sent and not answered, and what the app asked for and could not be sent yet.
///
/// Ids are never used twice by a client, so a late answer can't be taken for another one.
#[derive(Debug, Default)]
pub(super) struct Pending {
    last: u64,
    pub(super) sent: Map<u64, Entry>,
    pub(super) waiting: VecDeque<Waiting>,
}

impl Pending {
    pub(super) fn id(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub(super) fn len(&self) -> usize {
        self.sent.len() + self.waiting.len()
    }

    /// Returns how many requests are on their way. What the app gave up on does not count.
    pub(super) fn in_flight(&self) -> usize {
        let idle = |purpose: &Purpose| matches!(purpose, Purpose::Ping | Purpose::Ask { answered: true, .. });
        self.sent.values().filter(|entry| !idle(&entry.purpose)).count()
    }

    pub(super) fn take(&mut self, id: &str) -> Option<Entry> {
        let id: u64 = id.parse().ok()?;
        self.sent.remove(&id)
    }

    pub(super) fn any(&self, is: impl Fn(&Purpose) -> bool) -> bool {
        self.sent.values().any(|entry| is(&entry.purpose))
    }

    /// Takes back the questions of the catch-up about a conversation: their answers are passed over.
    pub(super) fn forget(&mut self, conv: ConvId) {
        self.sent.retain(|_, entry| match &entry.purpose {
            Purpose::View(of) | Purpose::Changes(of) | Purpose::Page(of) => *of != conv,
            _ => true,
        });
    }

    /// Returns how many requests of the catch-up are not answered.
    pub(super) fn jobs(&self) -> usize {
        let job = |purpose: &Purpose| {
            matches!(purpose, Purpose::View(_) | Purpose::Changes(_) | Purpose::Page(_) | Purpose::List)
        };
        self.sent.values().filter(|entry| job(&entry.purpose)).count()
    }

    /// Takes what took too long. Of the app's requests a trace stays, because a late answer still says which
    /// change the app's own request made.
    pub(super) fn expired(&mut self, now: Instant) -> Vec<(u64, Late)> {
        let mut expired = Vec::new();
        for (id, entry) in self.sent.iter_mut() {
            if entry.deadline.is_some_and(|at| at <= now) {
                entry.deadline = None;
                let late = match &mut entry.purpose {
                    Purpose::Ask { answered, .. } => {
                        (!std::mem::replace(answered, true)).then_some(Late::Ask)
                    }
                    purpose => Some(Late::Own(std::mem::replace(purpose, Purpose::Ping))),
                };
                expired.extend(late.map(|late| (*id, late)));
            }
        }
        for (id, late) in &expired {
            if matches!(late, Late::Own(_)) {
                self.sent.remove(id);
            }
        }
        while let Some(first) = self.waiting.pop_front_if(|waiting| waiting.deadline <= now) {
            expired.push((first.id, Late::Ask));
        }
        expired
    }

    /// Returns when the first of them has taken too long.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let sent = self.sent.values().filter_map(|entry| entry.deadline).min();
        sent.into_iter().chain(self.waiting.front().map(|waiting| waiting.deadline)).min()
    }
}
