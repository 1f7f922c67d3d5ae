//! Who a connection speaks for, by other means than the chat's own passwords and tokens.

use super::Peer;
use crate::proto::{Json, UserId};
use crate::time::Timestamp;
use async_trait::async_trait;
use std::fmt;

/// Judges the proofs of one login scheme: `{"login":{"scheme":…,"secret":…}}`.
///
/// Whoever it lets in gets a session of the chat's own and its token, like anybody else: the scheme is asked at the
/// login only, and what ends a session ends these too.
///
/// # Contract
/// * The scheme never changes, and is 1 to 32 of `a–z 0–9 _ -` (law `a_scheme_is_a_plain_name`).
/// * A good proof names the same user every time (law `a_proof_names_one_user`).
/// * Anything else is refused, however long or odd, and nothing panics: what peers send decides about no error but
///   [`AuthError::Refused`] and [`AuthError::Expired`] (laws `a_bad_proof_is_refused`, `garbage_is_refused`).
/// * A proof is judged at the time of the attempt, not at that of a clock of its own (law `a_proof_is_judged_at_its_time`).
/// * It may wait, within the few seconds that a command may take; it never logs a proof.
#[async_trait]
pub trait Authenticator: fmt::Debug + Send + Sync + 'static {
    /// Returns the name under which clients ask for it.
    fn scheme(&self) -> &str;

    /// Returns the headers of the first request that it looks at; transports keep no others.
    fn headers(&self) -> Vec<String> {
        Vec::new()
    }

    /// Judges a proof.
    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Principal, AuthError>;
}

/// A login that is to be judged.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// What the client sent; empty if it sent nothing.
    pub secret: &'a str,
    /// The connection.
    pub peer: &'a Peer,
    /// The time.
    pub now: Timestamp,
}

impl<'a> Attempt<'a> {
    /// Puts an attempt together.
    pub fn new(secret: &'a str, peer: &'a Peer, now: Timestamp) -> Self {
        Self { secret, peer, now }
    }
}

impl fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attempt({:?})", self.peer)
    }
}

/// A user for whom an authenticator, or the host, vouches.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Principal {
    /// The user.
    pub user: UserId,
    /// Whether an account is made for a user who has none; otherwise such a user is refused.
    pub admit: bool,
    /// The profile of a new account.
    pub public: Option<Json>,
    /// When the session ends at the latest, however often it is used.
    pub until: Option<Timestamp>,
}

impl Principal {
    /// Vouches for a user; an account is made if there is none.
    pub fn new(user: UserId) -> Self {
        Self { user, admit: true, public: None, until: None }
    }

    /// Sets the display name that a new account begins with.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.public = Some(Json::from_value(&serde_json::json!({ "fn": name })));
        self
    }

    /// Sets when the session ends at the latest.
    #[must_use]
    pub fn until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// Lets in only those who have an account.
    #[must_use]
    pub fn existing(mut self) -> Self {
        self.admit = false;
        self
    }
}

/// Why nobody is let in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The proof is not good.
    #[error("the proof is refused")]
    Refused,
    /// The proof was good once.
    #[error("the proof has expired")]
    Expired,
    /// It can't be judged now; the source goes to logs and must not hold the proof.
    #[error("the proof can't be judged now: {0}")]
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
}

/// What a host calls its users, and which user of the chat that is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Naming {
    /// A UUID, which is the user's id here as well. Whoever names users in this way can speak for any account.
    Uuid,
    /// Any text, of a kind: [`UserId::external`]. Ids of different kinds never meet.
    External(String),
}

impl Naming {
    /// Returns the user of this name; `None` if it can't be one.
    pub fn user(&self, name: &str) -> Option<UserId> {
        match self {
            Self::Uuid => name.parse().ok(),
            Self::External(kind) => {
                let plain = (1..=255).contains(&name.len()) && !name.contains(char::is_control);
                plain.then(|| UserId::external(kind, name))
            }
        }
    }
}
