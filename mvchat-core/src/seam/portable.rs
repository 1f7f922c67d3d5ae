//! Stores whose contents can move to another store.

use super::{Item, Part, StoreResult};
use crate::proto::Position;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A store that gives everything away, and takes everything from another one.
///
/// Nobody else uses either of the two meanwhile, but a store may keep others away by itself.
///
/// # Contract
/// * What was loaded is dumped again, item by item, and every read answers as it did where it came from; so does what
///   is done then (laws `what_was_loaded_is_dumped_again`, `a_copy_goes_on_like_its_source`).
/// * A store that holds something is not loaded into (law `only_an_empty_store_is_loaded`).
/// * A load is repeatable: what is loaded twice is there once (law `loading_twice_is_loading_once`).
/// * What is not released is not opened for other use: opening fails, for stores that are opened.
#[async_trait]
pub trait Portable: fmt::Debug + Send + Sync {
    /// Returns by which name this store is known again, for example the address of what it is kept in; without secrets.
    async fn identity(&self) -> StoreResult<String>;

    /// Begins to read everything, as it is now.
    async fn dump(&self) -> StoreResult<Box<dyn Dump>>;

    /// Returns how far loading this store is.
    async fn loading(&self) -> StoreResult<Loading>;

    /// Writes items of one part with the note how far that is, in one step or so that a repetition does no harm.
    /// Parts come in their order; entries of the log come in theirs, and equals in one call.
    async fn load(&self, items: Vec<Item>, note: &LoadNote) -> StoreResult<()>;

    /// Makes of what was loaded a store that can be read; may be repeated.
    async fn settle(&self, note: &LoadNote) -> StoreResult<()>;

    /// Opens what was loaded for use: forgets the note.
    async fn release(&self) -> StoreResult<()>;
}

/// A reading of everything that a store keeps: one state of it.
///
/// # Contract
/// * Pages of a part have every item once, as many as are counted, and asked again they have the same (laws
///   `loading_twice_is_loading_once`, `a_begun_copy_goes_on`).
/// * Entries of the log come in its order, equals in one page (law `equals_of_the_log_stay_together`).
#[async_trait]
pub trait Dump: Send {
    /// Returns the place that nothing has gone beyond: neither what was committed, nor what was answered to anybody.
    fn position(&self) -> Position;

    /// Counts the items of a part.
    async fn count(&mut self, part: Part) -> StoreResult<u64>;

    /// Returns items of a part that follow a place, about `limit` of them, and the place of the last one; none at the
    /// end. Their order is the store's own, but the log comes in its order, and a page never ends between equals.
    async fn page(&mut self, part: Part, after: Option<String>, limit: usize) -> StoreResult<DumpPage>;
}

/// Some items of a part.
#[derive(Debug, Default)]
pub struct DumpPage {
    /// The items.
    pub items: Vec<Item>,
    /// Where to go on; absent at the end.
    pub next: Option<String>,
}

/// How far loading a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loading {
    /// There is nothing in it.
    Empty,
    /// It was begun.
    Begun(LoadNote),
    /// It is a store in use.
    Taken,
}

/// What a store that is loaded knows of that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadNote {
    /// The store that it comes from: see [`Portable::identity`].
    pub from: String,
    /// How many items of each part that had.
    pub counts: BTreeMap<Part, u64>,
    /// See [`Dump::position`].
    pub position: Position,
    /// The part that is underway; absent when all were loaded.
    pub part: Option<Part>,
    /// Where in that part it is; absent at its beginning.
    pub after: Option<String>,
}
