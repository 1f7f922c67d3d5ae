//! Reading rows, the same for both sides: readers look at a [`Snapshot`](crate::snapshot::Snapshot), the writer
//! at what its [`Batch`](crate::batch::Batch) makes of the tree.

use crate::codec::{FORMAT, Field, decode};
use crate::error::{from_sled, internal};
use crate::keys::{Key, KeyRange};
use mvchat_core::seam::StoreResult;
use sled::{IVec, Tree};
use std::collections::BTreeMap;
use std::collections::btree_map::IntoIter;

/// The longest value that stands in one row; longer ones are cut into pieces of this size.
///
/// sled writes what takes more than 128 KiB to files of its own (`blobs/`), which a sync of `db` does not cover.
/// That limit is for a whole leaf, and a leaf holds up to 16 rows, for a moment 20. So even a leaf full of
/// pieces stays below it.
pub(crate) const PIECE: usize = 4 * 1024;
const _: () = assert!(PIECE + 512 <= 128 * 1024 / 24);

/// Marks, in the first byte of a value, that further pieces follow; the whole length comes next.
const IN_PIECES: u8 = 0x80;

/// Values that stand for those in the tree; `None` for a key that is not there.
pub(crate) type Corrections = BTreeMap<IVec, Option<IVec>>;

/// A consistent state of all rows: the tree with corrections.
pub(crate) trait Rows {
    fn tree(&self) -> &Tree;

    /// Returns one value as it is stored.
    fn stored(&self, key: &[u8]) -> StoreResult<Option<IVec>>;

    /// Returns what stands for the tree's values in a range.
    ///
    /// Always called after the tree was read: see [`Snapshot`](crate::snapshot::Snapshot).
    fn corrections(&self, from: &[u8], before: &[u8]) -> Corrections;

    /// Returns a row.
    fn row<R: Field>(&self, key: &Key) -> StoreResult<Option<R>>
    where
        Self: Sized,
    {
        self.stored(key.as_slice())?.map(|stored| self.decoded(key.as_slice(), &stored)).transpose()
    }

    /// Returns whether a row is there.
    fn has(&self, key: &Key) -> StoreResult<bool> {
        Ok(self.stored(key.as_slice())?.is_some())
    }

    /// Reads the value that a scan found.
    fn decoded<R: Field>(&self, key: &[u8], stored: &IVec) -> StoreResult<R>
    where
        Self: Sized,
    {
        let Some(length) = length_in_pieces(stored) else { return decode(stored) };
        let mut whole = Vec::with_capacity(length + 1);
        whole.push(FORMAT);
        whole.extend_from_slice(start(stored));
        for index in 1.. {
            if whole.len() > length {
                break;
            }
            let piece = self.stored(Key::chunk(key, index).as_slice())?;
            whole.extend_from_slice(&piece.ok_or_else(|| internal("a piece of a value is missing"))?);
        }
        decode(&whole)
    }

    /// Walks the rows of a range upwards.
    fn up(&self, range: KeyRange) -> Scan<'_, Self>
    where
        Self: Sized,
    {
        Scan::new(self, range, false)
    }

    /// Walks the rows of a range downwards.
    fn down(&self, range: KeyRange) -> Scan<'_, Self>
    where
        Self: Sized,
    {
        Scan::new(self, range, true)
    }
}

/// Cuts a value that was encoded into what stands in its row and the pieces that follow.
pub(crate) fn cut(encoded: Vec<u8>) -> (Vec<u8>, Vec<Vec<u8>>) {
    let Some(body) = encoded.get(1..).filter(|_| encoded.len() > PIECE) else { return (encoded, Vec::new()) };
    let mut pieces = body.chunks(PIECE);
    let mut first = vec![FORMAT | IN_PIECES];
    // A value has less than 4 GiB: it came in one frame.
    first.extend_from_slice(&(body.len() as u32).to_be_bytes());
    first.extend_from_slice(pieces.next().unwrap_or_default());
    (first, pieces.map(<[u8]>::to_vec).collect())
}

/// Returns the number of pieces that follow a stored value.
pub(crate) fn pieces_after(stored: &[u8]) -> u32 {
    // The length was written as 32 bits.
    length_in_pieces(stored).map_or(0, |length| (length.div_ceil(PIECE) - 1) as u32)
}

/// Returns the beginning of the fields of a stored value; at least the first [`PIECE`] bytes.
pub(crate) fn start(stored: &[u8]) -> &[u8] {
    let head = if length_in_pieces(stored).is_some() { 5 } else { 1 };
    stored.get(head..).unwrap_or_default()
}

fn length_in_pieces(stored: &[u8]) -> Option<usize> {
    let (mark, rest) = stored.split_first()?;
    let length = rest.first_chunk().filter(|_| mark & IN_PIECES != 0)?;
    usize::try_from(u32::from_be_bytes(*length)).ok()
}

/// A walk over the rows of a range.
///
/// It takes rows from the tree a few at a time and then corrects them. The first handful is small because most
/// callers want a few rows only.
pub(crate) struct Scan<'a, R: Rows> {
    rows: &'a R,
    tree: sled::Iter,
    /// What is not walked yet.
    rest: KeyRange,
    downwards: bool,
    take: usize,
    ready: IntoIter<IVec, Option<IVec>>,
    done: bool,
}

impl<'a, R: Rows> Scan<'a, R> {
    fn new(rows: &'a R, range: KeyRange, downwards: bool) -> Self {
        let done = range.from >= range.to;
        let to = if done { range.from.clone() } else { range.to.clone() };
        let tree = rows.tree().range(range.from.clone()..to);
        Self { rows, tree, rest: range, downwards, take: 8, ready: BTreeMap::new().into_iter(), done }
    }

    /// Takes the next rows from the tree and corrects them.
    fn refill(&mut self) -> StoreResult<()> {
        let mut some = Corrections::new();
        let mut last = None;
        for _ in 0..self.take {
            let item = if self.downwards { self.tree.next_back() } else { self.tree.next() };
            let Some(item) = item else {
                self.done = true;
                break;
            };
            let (key, value) = item.map_err(from_sled)?;
            last = Some(key.clone());
            some.insert(key, Some(value));
        }
        self.take = (self.take * 4).min(256);
        let KeyRange { from, to } = &mut self.rest;
        let covered = match last.filter(|_| !self.done) {
            // Everything that is left.
            None => KeyRange { from: from.clone(), to: to.clone() },
            Some(last) if self.downwards => {
                KeyRange { from: last.to_vec(), to: std::mem::replace(to, last.to_vec()) }
            }
            Some(last) => {
                let next = [&last[..], &[0]].concat();
                KeyRange { from: std::mem::replace(from, next.clone()), to: next }
            }
        };
        some.append(&mut self.rows.corrections(&covered.from, &covered.to));
        self.ready = some.into_iter();
        Ok(())
    }
}

impl<R: Rows> Iterator for Scan<'_, R> {
    type Item = StoreResult<(IVec, IVec)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let next = if self.downwards { self.ready.next_back() } else { self.ready.next() };
            match next {
                Some((key, Some(value))) => return Some(Ok((key, value))),
                Some((_, None)) => {}
                None if self.done => return None,
                None => {
                    if let Err(error) = self.refill() {
                        self.done = true;
                        return Some(Err(error));
                    }
                }
            }
        }
    }
}
