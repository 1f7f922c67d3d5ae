//! A store in memory: the model that other stores are compared with.

mod chat;
mod commit;
mod contacts;
mod conversations;
mod expiry;
mod files;
mod invites;
mod links;
mod mentions;
mod messages;
mod portable;
mod sessions;
mod users;
mod views;

use crate::builtin::LocalBuses;
use crate::proto::{ConvId, FileId, InviteId, Position, UserId};
use crate::seam::{
    Bus, ContactRow, Credential, Durability, FileRow, InviteRow, LinkRow, LoadNote, LogEntry, Store,
    StoreError, StoreErrorKind, UserRow,
};
use async_trait::async_trait;
use chat::Chat;
use conversations::Found;
use expiry::{Due, Place};
use parking_lot::Mutex;
use sessions::Sessions;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use tokio::sync::Notify;

/// A store in memory, for tests, trials and whoever needs no history: it is simple rather than fast, and
/// everything is lost with the last clone.
///
/// Clones share what they hold. Every method is one critical section without an await.
#[derive(Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    /// Tells the other nodes that something was committed.
    stir: Arc<Notify>,
    buses: LocalBuses,
    shared: bool,
}

/// Everything, in the order of the keys, so that no order of a hash table can leak out.
#[derive(Default)]
struct State {
    /// The last one that was given out: to a log entry or to a private change.
    position: Position,
    log: Vec<LogEntry>,
    users: BTreeMap<UserId, UserRow>,
    /// By scheme and folded name.
    credentials: BTreeMap<(String, String), Credential>,
    sessions: Sessions,
    chats: BTreeMap<ConvId, Chat>,
    links: BTreeMap<String, LinkRow>,
    invites: BTreeMap<InviteId, InviteRow>,
    files: BTreeMap<FileId, FileRow>,
    /// By owner and contact.
    contacts: BTreeMap<(UserId, UserId), ContactRow>,
    /// What makes the creation of a conversation idempotent.
    found: BTreeMap<Found, ConvId>,
    due: BTreeMap<Place, Due>,
    /// How far another store's contents are in here.
    loading: Option<LoadNote>,
}

impl State {
    /// Gives out the next position.
    fn advance(&mut self) -> Position {
        self.position = self.position.next();
        self.position
    }
}

impl MemoryStore {
    /// Makes a store whose clones serve several engines of one process, as nodes.
    pub fn shared() -> Self {
        Self { shared: true, ..Self::default() }
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn durability(&self) -> Durability {
        Durability::Volatile
    }

    fn is_shared(&self) -> bool {
        self.shared
    }

    async fn stirred(&self) {
        self.stir.notified().await;
    }

    fn bus(&self) -> Option<Arc<dyn Bus>> {
        self.shared.then(|| Arc::new(self.buses.join()) as Arc<dyn Bus>)
    }
}

impl fmt::Debug for MemoryStore {
    /// Shows sizes only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        write!(f, "MemoryStore({} users, {} conversations)", state.users.len(), state.chats.len())
    }
}

fn not_found(what: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::NotFound, what)
}

fn full() -> StoreError {
    StoreError::new(StoreErrorKind::Full, "a user has too many conversations")
}

fn already_exists(what: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::AlreadyExists, what)
}

/// Returns where a page of at most so many rows ends: never between equals, which the next page would pass over, and
/// which come from stores that have some. If that leaves nothing, the equals stay together and the page is longer.
fn untied<T, P: PartialEq>(rows: &[T], most: usize, place: impl Fn(&T) -> P) -> usize {
    let Some(next) = rows.get(most).map(&place) else { return rows.len() };
    match rows[..most].iter().rposition(|row| place(row) != next) {
        Some(last) => last + 1,
        None => rows.iter().take_while(|row| place(row) == next).count(),
    }
}
