//! A row of the table of how often something may be done.

use serde::{Deserialize, Serialize};

/// One row: what it counts, for whom, and how often. Times are in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Rate {
    /// What is counted.
    pub act: Act,
    /// What is counted together.
    pub key: RateKey,
    /// How it is counted.
    #[serde(flatten)]
    pub algorithm: Algorithm,
    /// How much one act counts.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub cost: u32,
    /// What happens when the limiter can't be asked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_failure: OnFailure,
    /// What happens to an act above the limit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_hit: OnHit,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Act {
    /// A request of the host's own HTTP interface.
    Rest,
    /// A message.
    Send,
    /// An edit.
    Edit,
    /// A message taken back, hidden or deleted.
    Unsend,
    /// A reaction.
    React,
    /// A search for users.
    Search,
    /// A look at one user.
    Lookup,
    /// A direct conversation with somebody who is neither a contact nor has one already.
    NewDm,
    /// An invite by mail.
    Invite,
    /// A user added to a group or to the contacts.
    Add,
    /// A code tried: of a link or an invite.
    Code,
    /// A login with a password.
    Login,
    /// A login whose password is wrong; one that is right is not counted.
    Guess,
    /// A change of the password.
    Password,
    /// A new account.
    Register,
    /// A connection, as long as it is open.
    Open,
    /// A connection, as long as nobody has logged in on it.
    Waiting,
}

/// What a limit counts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum RateKey {
    /// Everything of everybody.
    All,
    /// Everything of a user.
    User,
    /// Everything of a session.
    Session,
    /// Everything of an address; IPv6 addresses by their first 64 bits.
    Ip,
    /// Everything in a conversation.
    Conv,
    /// Everything about another user, or about an account.
    Target,
    /// Everything of a user, or of an address, about the same conversation, user or account.
    Pair,
}

/// How a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Algorithm {
    /// A token bucket.
    Bucket {
        /// How many at once after a quiet time.
        burst: u32,
        /// After which time there is one more.
        every: u32,
    },
    /// Exactly so many in every span of time.
    Window {
        /// How many.
        max: u32,
        /// The span.
        per: u32,
    },
    /// So many without a pause, then pauses that double.
    Backoff {
        /// How many.
        free: u32,
        /// The first pause.
        first: u32,
        /// The longest pause.
        longest: u32,
        /// After which quiet time everything is forgotten.
        forget: u32,
    },
    /// So many at the same time, on each node by itself; for connections and nothing else.
    AtOnce {
        /// How many.
        max: u32,
    },
}

/// What happens when the limiter can't be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum OnFailure {
    /// The act passes.
    #[default]
    Open,
    /// The act is refused.
    Closed,
}

/// What happens to an act above the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum OnHit {
    /// It is answered with 429.
    #[default]
    Reply,
    /// It is answered, and the connection is closed with 4029.
    Close,
}

impl Rate {
    /// Makes a row of a token bucket: so many at once, and one more every so many milliseconds.
    pub const fn bucket(act: Act, key: RateKey, burst: u32, every: u32) -> Self {
        Self::new(act, key, Algorithm::Bucket { burst, every })
    }

    /// Makes a row of an exact window: at most so many in every so many milliseconds.
    pub const fn window(act: Act, key: RateKey, max: u32, per: u32) -> Self {
        Self::new(act, key, Algorithm::Window { max, per })
    }

    /// Makes a row of connections: at most so many at the same time.
    pub const fn at_once(act: Act, key: RateKey, max: u32) -> Self {
        Self::new(act, key, Algorithm::AtOnce { max })
    }

    /// Makes a row that counts by an algorithm, passes when the limiter can't be asked, and replies.
    pub const fn new(act: Act, key: RateKey, algorithm: Algorithm) -> Self {
        Self { act, key, algorithm, cost: 1, on_failure: OnFailure::Open, on_hit: OnHit::Reply }
    }

    /// Refuses the act when the limiter can't be asked.
    #[must_use]
    pub const fn closed(mut self) -> Self {
        self.on_failure = OnFailure::Closed;
        self
    }

    /// Closes the connection of whoever is above the limit.
    #[must_use]
    pub const fn closing(mut self) -> Self {
        self.on_hit = OnHit::Close;
        self
    }

    /// Counts one act as so many.
    #[must_use]
    pub const fn costing(mut self, cost: u32) -> Self {
        self.cost = cost;
        self
    }

    /// Returns what is wrong with the row, if anything is.
    pub fn problem(&self) -> Option<&'static str> {
        if let Some(problem) = self.problem_at_once() {
            return Some(problem);
        }
        let most = match self.algorithm {
            Algorithm::AtOnce { max } => Some(max),
            Algorithm::Bucket { burst, every } => Some(burst).filter(|_| every >= 1),
            Algorithm::Window { max, per } => Some(max).filter(|max| per >= 1 && *max <= MAX_WINDOW),
            Algorithm::Backoff { free, first, longest, .. } => {
                return (free < 1 || first < 1 || longest < first)
                    .then_some("a back-off needs at least 1 free try and a first pause up to the longest");
            }
        };
        match most {
            Some(_) if self.cost != 1 && matches!(self.algorithm, Algorithm::AtOnce { .. }) => {
                Some("a connection counts as one")
            }
            Some(most) if (1..=most).contains(&self.cost) => None,
            Some(_) => Some("one act must cost at least 1 and at most what passes at once"),
            None => Some("times must be at least 1 millisecond, and a window at most 10,000 acts"),
        }
    }

    fn problem_at_once(&self) -> Option<&'static str> {
        use RateKey::{All, Ip, Session, User};
        let keys: &[RateKey] = match self.act {
            Act::Open => &[All, Ip, User, Session],
            Act::Waiting => &[All, Ip],
            _ => &[],
        };
        let at_once = matches!(self.algorithm, Algorithm::AtOnce { .. });
        if at_once == keys.is_empty() {
            return Some("connections are counted at once, and nothing else is");
        }
        (at_once && !keys.contains(&self.key)).then_some(
            "connections are counted together by all, ip, and user or session once somebody has logged in",
        )
    }
}

/// The most acts of an exact window, each of which is remembered.
const MAX_WINDOW: u32 = 10_000;

/// The rows of a server that was not told otherwise: 60 requests a minute and 10 messages a second of a user, and what
/// keeps passwords, codes and strangers' inboxes from being tried out.
pub(super) const DEFAULT: [Rate; 21] = {
    use Act::*;
    const MINUTE: u32 = 60_000;
    const HOUR: u32 = 60 * MINUTE;
    let near = Algorithm::Backoff { free: 5, first: 10_000, longest: HOUR, forget: 5 * MINUTE };
    let far = Algorithm::Backoff { free: 50, first: 1_000, longest: MINUTE, forget: HOUR };
    [
        Rate::bucket(Rest, RateKey::User, 60, 1_000),
        Rate::bucket(Send, RateKey::User, 20, 100),
        Rate::bucket(Edit, RateKey::User, 10, 200),
        Rate::bucket(Unsend, RateKey::User, 10, 200),
        Rate::bucket(React, RateKey::User, 20, 100),
        Rate::bucket(Search, RateKey::User, 30, 2_000),
        Rate::bucket(Lookup, RateKey::User, 100, 200),
        Rate::bucket(NewDm, RateKey::User, 20, 3 * MINUTE),
        Rate::bucket(Invite, RateKey::User, 10, 3_334),
        Rate::bucket(Add, RateKey::User, 50, 1_000),
        Rate::bucket(Add, RateKey::Target, 10, 333_334),
        Rate::bucket(Code, RateKey::User, 10, 6_000).closed(),
        Rate::bucket(Login, RateKey::Ip, 10, 6_000).closed(),
        // Whoever guesses from one place is stopped there, and the owner elsewhere notices nothing.
        Rate::new(Guess, RateKey::Pair, near).closed(),
        // Whoever guesses from everywhere is slowed down, and the owner, too, but never for long.
        Rate::new(Guess, RateKey::Target, far).closed(),
        Rate::bucket(Password, RateKey::User, 5, MINUTE).closed(),
        Rate::bucket(Register, RateKey::Ip, 3, 6_000).closed(),
        Rate::at_once(Waiting, RateKey::All, 2_000),
        Rate::at_once(Waiting, RateKey::Ip, 100),
        Rate::at_once(Open, RateKey::User, 100),
        Rate::at_once(Open, RateKey::Session, 10),
    ]
};

/// At most 30 messages of a user in every minute (preset `mrezhen`).
pub(super) const THIRTY_A_MINUTE: Rate = Rate::window(Act::Send, RateKey::User, 30, 60_000);

fn one() -> u32 {
    1
}

fn is_one(cost: &u32) -> bool {
    *cost == 1
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Limits;

    #[test]
    fn the_rows_make_sense_and_others_are_found() {
        for rate in Limits::mrezhen().rates.iter() {
            assert_eq!(rate.problem(), None, "{rate:?}");
        }
        let row = |algorithm| Rate::new(Act::Send, RateKey::User, algorithm);
        for bad in [
            row(Algorithm::Bucket { burst: 0, every: 1 }),
            row(Algorithm::Bucket { burst: 1, every: 0 }),
            row(Algorithm::Window { max: 10_001, per: 1 }),
            row(Algorithm::Window { max: 1, per: 0 }),
            row(Algorithm::Backoff { free: 0, first: 1, longest: 1, forget: 1 }),
            row(Algorithm::Backoff { free: 1, first: 2, longest: 1, forget: 1 }),
            Rate { cost: 3, ..Rate::bucket(Act::Send, RateKey::User, 2, 1) },
            Rate { cost: 0, ..Rate::bucket(Act::Send, RateKey::User, 2, 1) },
            Rate::at_once(Act::Open, RateKey::User, 0),
            Rate::at_once(Act::Open, RateKey::Conv, 1),
            Rate::at_once(Act::Waiting, RateKey::User, 1),
            Rate::at_once(Act::Send, RateKey::User, 1),
            Rate::bucket(Act::Open, RateKey::User, 1, 1),
            Rate::at_once(Act::Open, RateKey::User, 9).costing(2),
        ] {
            assert!(bad.problem().is_some(), "{bad:?}");
        }
    }
}
