//! The change log: one row for each batch, under the position of its first entry.
//!
//! All entries of a batch become durable together, so a row of their own for each would only cost.

use crate::chat::message_key;
use crate::codec::{FORMAT, Field, In, Out, Unreadable, encode};
use crate::keys::{CONV, Key, LOG, last_number};
use crate::read::Rows;
use crate::rows::Stored;
use mvchat_core::policy::Message;
use mvchat_core::proto::{ConvId, Position, Rev};
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
pub(crate) struct Entries(pub(crate) Vec<LogEntry>);

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

/// Returns where a page of at most so many ends: never between equals, which the next page would pass over, and which
/// come from stores that have some. If that leaves nothing, the equals stay together and the page is longer.
pub(crate) fn untied<T, P: PartialEq>(rows: &[T], most: usize, place: impl Fn(&T) -> P) -> usize {
    let Some(next) = rows.get(most).map(&place) else { return rows.len() };
    match rows[..most].iter().rposition(|row| place(row) != next) {
        Some(last) => last + 1,
        None => rows.iter().take_while(|row| place(row) == next).count(),
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
            // Equals stand in one row.
            let end = untied(&entries, limit, |entry: &LogEntry| entry.position);
            entries.truncate(end);
            more = true;
            break;
        }
    }
    let last = entries.last().map_or(after, |entry| entry.position);
    let position = if more { last } else { crate::chat::position(rows)?.max(after) };
    Ok(LogPage { entries, position })
}

/// Returns what happened in a conversation after one rev and up to another, each with the message it is about.
///
/// Walks the log back from its end: only nodes that share a store ask for what is long ago, and this one has one node.
pub(crate) fn happened(
    rows: &impl Rows,
    conv: ConvId,
    after: Rev,
    upto: Rev,
) -> StoreResult<Vec<(LogEntry, Option<Message>)>> {
    let mut found: Vec<LogEntry> = Vec::new();
    if !rows.has(&Key::conv(CONV, conv))? || after >= upto.min(crate::chat::tail(rows, conv)?.rev) {
        return Ok(Vec::new());
    }
    for item in rows.down(Key::of(LOG).starting(0)) {
        let (key, stored) = item?;
        let Entries(row) = rows.decoded(&key, &stored)?;
        let row: Vec<_> = row.into_iter().filter(|entry| entry.conv == conv).collect();
        let done = row.iter().any(|entry| entry.rev <= after.next());
        found.extend(row.into_iter().rev().filter(|entry| entry.rev > after && entry.rev <= upto));
        if done {
            break;
        }
    }
    found.reverse();
    let about = |entry: LogEntry| {
        let stored = entry.seq.map(|seq| rows.row::<Stored>(&message_key(conv, seq))).transpose()?;
        Ok((entry, stored.flatten().map(|stored| stored.message)))
    };
    found.into_iter().map(about).collect()
}
