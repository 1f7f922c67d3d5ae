//! The handle that everything hangs on.

use super::announce::Moves;
use super::audit::Audit;
use super::builder::ChatBuilder;
use super::cache::ConvCache;
use super::committer::Committer;
use super::expiry::Expiry;
use super::hub::Hub;
use super::jobs::Jobs;
use super::limits::Limiting;
use super::marks::Marks;
use super::metrics::Counts;
use super::nodes::Nodes;
use super::ready::LastReady;
use super::sessions::Sessions;
use super::shutdown::Closing;
use super::throttle::Throttle;
use super::tickets::Tickets;
use super::underway::Underway;
use super::unsure::Unsure;
use super::vouch::Vouch;
use crate::builtin::keys::{Keys, UserKey};
use crate::builtin::password::Passwords;
use crate::builtin::token::TokenSigner;
use crate::error::{Error, ErrorKind, Result};
use crate::irido::Rules;
use crate::policy::Conversation;
use crate::proto::{ConvId, Ctrl, Limits, UserId};
use crate::seam::keys::{KeyError, KeyErrorKind};
use crate::seam::{Authenticator, Directory, Env, Mailer, Store, StoreError, StoreErrorKind};
use crate::session::Now;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// When a client should try again after the store could not be reached.
const RETRY_UNAVAILABLE: Duration = Duration::from_secs(1);

/// A chat server without a network: cheap to clone, safe to share.
///
/// Transports hand connections to [`Chat::serve`]; the host itself speaks through [`Chat::act_as`] and listens
/// through [`Chat::events`], with the same checks and the same log.
#[derive(Clone)]
pub struct Chat(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) store: Arc<dyn Store>,
    /// What is measured.
    pub(super) counts: Arc<Counts>,
    /// What is done in the background.
    pub(super) jobs: Jobs,
    pub(super) env: Arc<dyn Env>,
    pub(super) mailer: Arc<dyn Mailer>,
    pub(super) limiting: Limiting,
    pub(super) authenticators: Vec<Box<dyn Authenticator>>,
    /// The headers that they look at.
    pub(super) auth_headers: Vec<String>,
    pub(super) directory: Option<Arc<dyn Directory>>,
    /// Whether names and passwords open accounts, and people make their own.
    pub(super) by_password: bool,
    /// How long access tokens are good where refresh tokens renew them; without those, as long as their session.
    pub(super) access_lifetime: Option<Duration>,
    /// How long guests stay, if there are any.
    pub(super) guests: Option<Duration>,
    pub(super) audit: Audit,
    pub(super) keys: Keys,
    pub(super) passwords: Passwords,
    pub(super) tokens: TokenSigner,
    pub(super) limits: Arc<Limits>,
    pub(super) rules: Rules,
    pub(super) build: Arc<str>,
    pub(super) caps: Arc<[String]>,
    pub(super) convs: ConvCache,
    pub(super) sessions: Sessions,
    pub(super) underway: Underway,
    pub(super) vouch: Vouch,
    pub(super) hub: Hub,
    pub(super) nodes: Arc<Nodes>,
    pub(super) committer: Committer,
    /// A shared store did not answer when the log was read last; written by the task that reads it.
    pub(super) store_lost: AtomicBool,
    pub(super) typing: Throttle,
    pub(super) tickets: Tickets,
    pub(super) ready: LastReady,
    pub(super) expiry: Expiry,
    pub(super) marks: Marks,
    pub(super) moves: Moves,
    pub(super) unsure: Unsure,
    pub(super) closing: Closing,
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat").field("connections", &self.0.hub.connections()).finish_non_exhaustive()
    }
}

impl Chat {
    /// Begins with the only plug point that has no default.
    pub fn builder(store: impl Store) -> ChatBuilder {
        ChatBuilder::new(Arc::new(store))
    }

    /// Returns the limits that this server keeps.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Returns the names of the headers that authenticators look at: transports put them into the
    /// [`Peer`](crate::seam::Peer).
    pub fn auth_headers(&self) -> &[String] {
        &self.0.auth_headers
    }

    /// Returns what a client is told of an error, outside of a connection.
    pub fn refusal(&self, error: &Error) -> Ctrl {
        Ctrl::error(None, error, self.0.env.now())
    }

    /// Returns the number of connections that are logged in.
    pub fn connections(&self) -> usize {
        self.0.hub.connections()
    }

    /// Returns the number of users with at least one connection to this node.
    pub fn online(&self) -> usize {
        self.0.hub.online()
    }

    /// Returns whether a user is connected, to this node or to another one on the same store.
    pub fn is_online(&self, user: UserId) -> bool {
        self.0.is_online(user)
    }

    /// Returns how many other nodes on the same store are known to be alive.
    pub fn other_nodes(&self) -> usize {
        self.0.nodes.others()
    }
}

impl Inner {
    pub(super) fn now(&self) -> Now {
        Now { mono: self.env.monotonic(), wall: self.env.now() }
    }

    /// Loads a conversation, from the cache if it is there. What it says may be stale: a change that was decided
    /// on it is refused by its epoch.
    pub(super) async fn conversation(&self, conv: ConvId) -> Result<Option<Arc<Conversation>>> {
        if let Some(found) = self.convs.get(conv) {
            return Ok(Some(found));
        }
        let found = self.store.conversation(conv).await?;
        Ok(found.map(|found| self.convs.put(found)))
    }

    /// Loads the key with which what a user writes is sealed.
    pub(super) async fn user_key(&self, user: UserId) -> Result<UserKey> {
        match self.keys.cached(user.0) {
            Some(key) => Ok(key),
            None => Ok(self.keys.user(user.0).await?),
        }
    }
}

/// The error for one conversation more than somebody may have.
fn too_many() -> Error {
    Error::new(ErrorKind::LimitReached, "too many conversations")
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let kind = match error.kind() {
            StoreErrorKind::Unavailable => ErrorKind::Unavailable,
            StoreErrorKind::NotFound => ErrorKind::NotFound,
            StoreErrorKind::Conflict => ErrorKind::Conflict,
            StoreErrorKind::AlreadyExists => ErrorKind::Exists,
            StoreErrorKind::Full => return too_many().with_source(error),
            StoreErrorKind::Internal => ErrorKind::Internal,
        };
        let mapped = Self::from(kind);
        let mapped = if kind.row().retry { mapped.retry_after(RETRY_UNAVAILABLE) } else { mapped };
        mapped.with_source(error)
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        match error.kind() {
            KeyErrorKind::Io | KeyErrorKind::Unavailable => {
                Self::from(ErrorKind::Unavailable).retry_after(RETRY_UNAVAILABLE).with_source(error)
            }
            _ => Self::from(ErrorKind::Internal).with_source(error),
        }
    }
}
