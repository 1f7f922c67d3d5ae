//! The change log: one row for each batch, under the position of its first entry.
//!
//! All entries of a batch become durable together, so a row of their own for each would only cost.

use crate::codec::{FORMAT, Field, In, Out, Unreadable, encode};
use crate::keys::{Key, LOG, last_number};
use crate::read::Rows;
use mvchat_core::proto::Position;
use mvchat_core::seam::{LogEntry, LogPage, StoreResult};

/// The entries that a batch adds, in their order, each written already: writing them can't fail any more.
#[derive(Default)]
pub(crate) struct Pending(Vec<(Position, Vec<u8>)>);

impl Pending {
    pub(crate) fn push(&mut self, entry: &LogEntry) -> StoreResult<()> {
        self.0.push((entry.position, encode(entry)?));
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// Returns the row with its key.
    pub(crate) fn row(&self) -> Option<(Key, Vec<u8>)> {
        let (first, _) = self.0.first()?;
        let mut bytes = vec![FORMAT];
        for (_, entry) in &self.0 {
            // The format stands at the beginning of the row.
            bytes.extend_from_slice(&entry[1..]);
        }
        Some((Key::of(LOG).number(first.0), bytes))
    }
}

/// The entries of a row, as they are read: as many as there are.
struct Entries(Vec<LogEntry>);

impl Field for Entries {
    fn put(&self, out: &mut Out) {
        self.0.iter().for_each(|entry| entry.put(out));
    }
    fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
        let mut entries = Vec::new();
        while !input.is_empty() {
            entries.push(LogEntry::take(input)?);
        }
        Ok(Self(entries))
    }
}

/// Returns the log after a position.
pub(crate) fn log(rows: &impl Rows, after: Position, limit: usize) -> StoreResult<LogPage> {
    let next = after.0.saturating_add(1);
    // The next entry may stand in the middle of a row.
    let start = rows.down(Key::of(LOG).between(0, next.saturating_add(1))).next().transpose()?;
    let start = start.map_or(next, |(key, _)| last_number(&key));
    let mut entries = Vec::new();
    let mut more = false;
    for item in rows.up(Key::of(LOG).starting(start)) {
        let (key, stored) = item?;
        let Entries(row) = rows.decoded(&key, &stored)?;
        entries.extend(row.into_iter().filter(|entry| entry.position > after));
        if entries.len() > limit {
            entries.truncate(limit);
            more = true;
            break;
        }
    }
    let last = entries.last().map_or(after, |entry| entry.position);
    let position = if more { last } else { crate::chat::position(rows)?.max(after) };
    Ok(LogPage { entries, position })
}
