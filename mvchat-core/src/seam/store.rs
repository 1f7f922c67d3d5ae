//! The umbrella over the stores, and how they fail.

use super::{
    Bus, Change, ContactStore, ConversationStore, ExpiryStore, FileStore, InviteStore, LinkStore,
    MessageStore, Outcome, SessionStore, UserStore,
};
use async_trait::async_trait;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// Everything the engine keeps, in one store.
///
/// # Contract
/// * A method is one atomic unit of work: it happens wholly or not at all, also when the process dies
///   (law `an_interrupted_commit_is_whole_or_absent`).
/// * `Ok` of a method that writes means that the write survives what [`Store::durability`] promises
///   (law `what_was_acknowledged_survives_reopening`).
/// * What one call wrote the next call reads, from any clone or task (law `reads_follow_writes`).
/// * An error of kind `Unavailable` or `Internal` says nothing about whether the write happened; every other
///   error means that nothing was written.
/// * Nobody who holds a conversation holds up those who write to others (test
///   `an_open_transaction_of_the_host_stalls_nobody_else` of the PostgreSQL store).
/// * Content arrives sealed and leaves as it came, byte for byte (law `content_is_returned_byte_for_byte`).
#[async_trait]
pub trait Store:
    UserStore
    + SessionStore
    + ConversationStore
    + MessageStore
    + LinkStore
    + ContactStore
    + InviteStore
    + FileStore
    + ExpiryStore
    + Any
{
    /// Returns what an acknowledged write survives.
    fn durability(&self) -> Durability;

    /// Says why writes are refused for now, if that is known: a full disk, or one that failed. For health checks, so it
    /// asks nobody else and never waits for a write.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Returns whether others write to what this store keeps: then the engine follows the log and tells its clients
    /// what others have committed.
    fn is_shared(&self) -> bool {
        false
    }

    /// Like [`MessageStore::commit`], but waits for nobody who holds a conversation, such as a transaction of the host:
    /// what they hold is [`Locked`](Outcome::Locked), and the rest of the batch is carried out.
    async fn commit_free(&self, changes: Vec<Change>) -> StoreResult<Vec<Outcome>> {
        self.commit(changes).await
    }

    /// Waits until others may have committed something. A hint: it may be late, doubled or missing.
    async fn stirred(&self) {
        std::future::pending().await
    }

    /// Returns a bus to the other nodes on the same store, if it has one: what an engine takes whose builder was given
    /// no other. Each call makes a handle of its own.
    fn bus(&self) -> Option<Arc<dyn Bus>> {
        None
    }
}

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// Nothing: everything is lost when the process ends.
    Volatile,
    /// A crash of the process, but perhaps not one of the machine.
    Process,
    /// A power cut.
    Sync,
}

/// The result of a store.
pub type StoreResult<T> = Result<T, StoreError>;

/// A failure of a store.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// How a store failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// What should change is not there.
    NotFound,
    /// It is not in the state that was expected.
    Conflict,
    /// It is there already.
    AlreadyExists,
    /// There are as many as may be.
    Full,
    /// The store can't be reached, is full or is overloaded; a retry may succeed.
    Unavailable,
    /// A defect, or data that can't be read.
    Internal,
}

impl StoreError {
    /// Makes an error; `source` goes to logs only and must hold no content.
    pub fn new(kind: StoreErrorKind, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind, source: source.into() }
    }

    /// Returns how it failed.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.source)
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.source.as_ref())
    }
}
