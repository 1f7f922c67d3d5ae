//! Moves everything that a store keeps into another store.

use crate::seam::keys::{KeyError, Vault};
use crate::seam::{Dump, DumpPage, Item, LoadNote, Loading, Part, Portable, StoreError};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// So many items are read in one go.
const PAGE: usize = 256;
/// So many keys are listed in one go.
const KEYS: usize = 1_000;

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyProgress {
    /// What is done.
    pub stage: CopyStage,
    /// With which part.
    pub part: Part,
    /// With so many items of all parts.
    pub done: u64,
    /// Of so many.
    pub total: u64,
}

/// What a copy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CopyStage {
    /// Writes the target.
    Copying,
    /// Reads both and compares them.
    Checking,
}

/// What a copy came to: what was found in both stores in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyReport {
    /// The parts, in their order.
    pub parts: Vec<PartReport>,
    /// Whether an earlier run had begun it.
    pub resumed: bool,
}

/// One part of two stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartReport {
    /// The part.
    pub part: Part,
    /// What the source has.
    pub source: PartDigest,
    /// What the target has.
    pub target: PartDigest,
}

/// What a part holds, whatever the order.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartDigest {
    /// How many items.
    pub items: u64,
    /// The sum of the SHA-256 hashes of their JSON, as two numbers of 128 bits, each modulo 2^128.
    pub sum: [u128; 2],
}

impl PartDigest {
    fn add(&mut self, item: &Item) -> Result<(), StoreError> {
        let json = serde_json::to_vec(item);
        let json = json.map_err(|error| StoreError::new(crate::seam::StoreErrorKind::Internal, error))?;
        let hash = Sha256::digest(json);
        for (sum, half) in self.sum.iter_mut().zip(hash.chunks_exact(16)) {
            let half = half.iter().fold(0, |number, byte| number << 8 | u128::from(*byte));
            *sum = sum.wrapping_add(half);
        }
        self.items += 1;
        Ok(())
    }
}

impl PartDigest {
    /// Returns the beginning of the sum in hex.
    pub fn short(&self) -> String {
        format!("{:016x}", self.sum[0] >> 64)
    }
}

impl fmt::Debug for PartDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for PartDigest {
    /// Shows the number of items and the beginning of the sum.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.items, self.short())
    }
}

/// Why a copy was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The source can't be read.
    #[error("the source can't be read: {0}")]
    Source(#[source] StoreError),
    /// The target can't be written.
    #[error("the target can't be written: {0}")]
    Target(#[source] StoreError),
    /// The target is in use, or was.
    #[error("the target holds something already: a copy needs an empty store")]
    Taken,
    /// The target is a copy of another store that was begun.
    #[error("the target is an unfinished copy of {0}: go on with that, or empty the target")]
    OtherSource(String),
    /// The source was written since the copy was begun.
    #[error("the source was written since the copy was begun: empty the target and begin anew")]
    Changed,
    /// The two are not alike.
    #[error("the copy differs from its source: empty the target and begin anew")]
    Differs(CopyReport),
    /// One of the two vaults failed.
    #[error("a vault failed: {0}")]
    Vault(#[from] KeyError),
    /// The target's vault has another key for a user.
    #[error("the target's vault has another key of user {0}")]
    OtherKey(uuid::Uuid),
}

/// Copies everything that a store keeps into an empty one, or goes on with such a copy that was not finished; compares
/// the two, and then opens the target for use. Nobody else may use one of them meanwhile.
///
/// The target answers every read as the source did, and goes on with its numbers. It is not opened for other use until
/// the comparison has found both alike. The users' keys are copied by [`copy_keys`].
///
/// # Errors
/// See [`CopyError`]. After `Source` and `Target` another call goes on where this one ended.
pub async fn copy(
    from: &dyn Portable,
    to: &dyn Portable,
    mut tell: impl FnMut(CopyProgress) + Send,
) -> Result<CopyReport, CopyError> {
    let mut source = from.dump().await.map_err(CopyError::Source)?;
    let identity = from.identity().await.map_err(CopyError::Source)?;
    let counts = count_all(&mut *source).await?;
    let fresh = LoadNote {
        from: identity,
        counts,
        position: source.position(),
        part: Some(Part::Users),
        after: None,
    };
    let (note, resumed) = load(&mut *source, fresh, to, &mut tell).await?;
    let total = note.counts.values().sum();
    let mut target = to.dump().await.map_err(CopyError::Target)?;
    let mut report = CopyReport { parts: Vec::new(), resumed };
    let mut done = 0;
    for part in Part::ALL {
        let source = digest(&mut *source, part).await.map_err(CopyError::Source)?;
        let target = digest(&mut *target, part).await.map_err(CopyError::Target)?;
        report.parts.push(PartReport { part, source, target });
        done += source.items;
        tell(CopyProgress { stage: CopyStage::Checking, part, done, total });
    }
    drop((source, target));
    if report.parts.iter().any(|part| part.source != part.target) {
        return Err(CopyError::Differs(report));
    }
    // Not everybody can keep others away.
    let mut source = from.dump().await.map_err(CopyError::Source)?;
    if count_all(&mut *source).await? != note.counts {
        return Err(CopyError::Changed);
    }
    to.release().await.map_err(CopyError::Target)?;
    Ok(report)
}

/// Loads what a dump gives into an empty store, or goes on with that, and opens it for use. Like [`copy`], but only the
/// numbers of items are compared in the end: for sources whose items are made as they are read, from what another
/// server keeps. `from` names that, to know it again.
///
/// # Errors
/// See [`CopyError`]. After `Source` and `Target` another call goes on where this one ended.
pub async fn import(
    source: &mut dyn Dump,
    from: String,
    to: &dyn Portable,
    mut tell: impl FnMut(CopyProgress) + Send,
) -> Result<CopyReport, CopyError> {
    let counts = count_all(source).await?;
    let fresh = LoadNote { from, counts, position: source.position(), part: Some(Part::Users), after: None };
    let (note, resumed) = load(source, fresh, to, &mut tell).await?;
    let mut target = to.dump().await.map_err(CopyError::Target)?;
    let mut report = CopyReport { parts: Vec::new(), resumed };
    for (part, items) in note.counts {
        let source = PartDigest { items, ..PartDigest::default() };
        let items = target.count(part).await.map_err(CopyError::Target)?;
        report.parts.push(PartReport { part, source, target: PartDigest { items, ..source } });
    }
    drop(target);
    if report.parts.iter().any(|part| part.source != part.target) {
        return Err(CopyError::Differs(report));
    }
    to.release().await.map_err(CopyError::Target)?;
    Ok(report)
}

/// Loads everything, or what an earlier call has left, and settles it; returns the note with whether there was an
/// earlier call.
async fn load(
    source: &mut dyn Dump,
    fresh: LoadNote,
    to: &dyn Portable,
    tell: &mut (impl FnMut(CopyProgress) + Send),
) -> Result<(LoadNote, bool), CopyError> {
    let (mut note, resumed) = match to.loading().await.map_err(CopyError::Target)? {
        Loading::Empty => (fresh, false),
        Loading::Begun(note) if note.from != fresh.from => return Err(CopyError::OtherSource(note.from)),
        Loading::Begun(note) if note.counts != fresh.counts => return Err(CopyError::Changed),
        // Places may have moved on without a change.
        Loading::Begun(note) => (LoadNote { position: fresh.position.max(note.position), ..note }, true),
        Loading::Taken => return Err(CopyError::Taken),
    };
    let total = note.counts.values().sum();
    let mut done = note.counts.range(..note.part.unwrap_or(Part::Users)).map(|(_, count)| count).sum();
    // An empty store makes an empty one, which nobody may fill meanwhile either.
    to.load(Vec::new(), &note).await.map_err(CopyError::Target)?;
    while let Some(part) = note.part {
        let DumpPage { items, next } =
            source.page(part, note.after.take(), PAGE).await.map_err(CopyError::Source)?;
        done += items.len() as u64;
        if next.is_none() {
            note.part = part.next();
        }
        note.after = next;
        to.load(items, &note).await.map_err(CopyError::Target)?;
        tell(CopyProgress { stage: CopyStage::Copying, part, done, total });
    }
    to.settle(&note).await.map_err(CopyError::Target)?;
    Ok((note, resumed))
}

async fn count_all(source: &mut dyn Dump) -> Result<BTreeMap<Part, u64>, CopyError> {
    let mut counts = BTreeMap::new();
    for part in Part::ALL {
        counts.insert(part, source.count(part).await.map_err(CopyError::Source)?);
    }
    Ok(counts)
}

/// Reads a part to its end.
async fn digest(dump: &mut dyn Dump, part: Part) -> Result<PartDigest, StoreError> {
    let (mut digest, mut after) = (PartDigest::default(), None);
    loop {
        let page = dump.page(part, after, PAGE).await?;
        page.items.iter().try_for_each(|item| digest.add(item))?;
        after = page.next;
        if after.is_none() {
            return Ok(digest);
        }
    }
}

/// Copies the users' wrapped keys from one vault to another, and compares them; returns how many there are. May be
/// repeated. The key-encryption keys that they are wrapped by stay where they are.
///
/// # Errors
/// `Vault`; `OtherKey` if the target has another key of a user already, which is then left alone.
pub async fn copy_keys(
    from: &dyn Vault,
    to: &dyn Vault,
    mut tell: impl FnMut(u64) + Send,
) -> Result<u64, CopyError> {
    let (mut after, mut copied) = (None, 0);
    loop {
        let users = from.list(after, KEYS).await?;
        let Some(last) = users.last() else { return Ok(copied) };
        after = Some(*last);
        for user in users {
            // Whoever was erased meanwhile has no key any more.
            let Some(key) = from.load(user).await? else { continue };
            let there = to.create(user, &key).await?;
            let there = if there.is_some() { there } else { to.load(user).await? };
            if there.as_ref() != Some(&key) {
                return Err(CopyError::OtherKey(user));
            }
            copied += 1;
        }
        tell(copied);
    }
}
