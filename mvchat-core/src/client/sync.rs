//! What the client still has to find out.

use super::apply::Change;
use crate::map::Map;
use crate::proto::{ConvId, Own, Rev};
use crate::time::Instant;
use std::time::Duration;

/// Where the catch-up is.
#[derive(Debug)]
pub(super) enum Stage {
    /// Live frames wait until it is known which conversations have changed.
    List(Listing),
    /// Every conversation is live or has work of its own.
    Live {
        /// The app was told that everything is there.
        announced: bool,
    },
}

/// Which conversations have changed, page by page.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Where the next page of all conversations begins.
    pub(super) before: Option<String>,
    /// The cursor for the next catch-up, from the first page of all conversations.
    pub(super) since: Option<String>,
    /// The conversations of a full list, to find those that are gone.
    pub(super) listed: Map<ConvId, ()>,
    pub(super) not_before: Option<Instant>,
    pub(super) failures: u32,
}

/// What has to be found out about one conversation; its live frames wait meanwhile.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) buffer: Map<Rev, (Change, usize)>,
    /// The highest numbers that the server has mentioned.
    pub(super) seen: Rev,
    pub(super) seen_own: Own,
    /// Ask for the view.
    pub(super) view: bool,
    /// Ask for changes, from there or from the last applied one.
    pub(super) changes: bool,
    pub(super) from: Option<Rev>,
    /// Forget the messages and ask for the newest page.
    pub(super) page: bool,
    /// A question is on its way.
    pub(super) busy: bool,
    /// How often the server's answers did not reach what it had mentioned.
    pub(super) stalls: u32,
    pub(super) failures: u32,
}

impl Work {
    pub(super) fn asks(&self) -> bool {
        self.view || self.changes || self.page
    }
}

/// The catch-up's state. `runnable` and `delayed` hold exactly the conversations whose work asks something and
/// is not on its way; `bytes` is the size of all buffers.
#[derive(Debug)]
pub(super) struct Sync {
    pub(super) stage: Stage,
    pub(super) cursor: Option<String>,
    work: Map<ConvId, Work>,
    runnable: Map<ConvId, ()>,
    delayed: Map<(Instant, ConvId), ()>,
    bytes: usize,
}

impl Sync {
    pub(super) fn new() -> Self {
        Self {
            stage: Stage::List(Listing::default()),
            cursor: None,
            work: Map::new(),
            runnable: Map::new(),
            delayed: Map::new(),
            bytes: 0,
        }
    }

    pub(super) fn forget(&mut self) {
        *self = Self::new();
    }

    /// A connection begins: first find out what has changed.
    pub(super) fn opened(&mut self) {
        self.stage = Stage::List(Listing::default());
    }

    /// A connection has ended. What was not finished stays to be done: the cursor may already be behind it.
    pub(super) fn disconnected(&mut self, known: impl Fn(ConvId) -> bool) {
        for (conv, work) in self.work.iter_mut() {
            let known = known(*conv);
            // A change that did not say everything counts as applied: what it left open is asked about from before it.
            let from = work.from.filter(|_| known);
            *work = Work { page: work.page && known, changes: known, view: !known, from, ..Work::default() };
        }
        self.bytes = 0;
        self.delayed.clear();
        self.runnable = self.work.keys().map(|conv| (*conv, ())).collect();
    }

    pub(super) fn is_idle(&self) -> bool {
        self.work.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.work.len()
    }

    pub(super) fn convs(&self) -> Vec<ConvId> {
        self.work.keys().copied().collect()
    }

    pub(super) fn get(&mut self, conv: ConvId) -> Option<&mut Work> {
        self.work.get_mut(&conv)
    }

    pub(super) fn has(&self, conv: ConvId) -> bool {
        self.work.contains_key(&conv)
    }

    pub(super) fn entry(&mut self, conv: ConvId) -> &mut Work {
        self.work.or_default(conv)
    }

    pub(super) fn remove(&mut self, conv: ConvId) {
        if let Some(work) = self.work.remove(&conv) {
            let bytes: usize = work.buffer.values().map(|(_, bytes)| bytes).sum();
            self.bytes = self.bytes.saturating_sub(bytes);
            self.runnable.remove(&conv);
            self.delayed.retain(|(_, other), ()| *other != conv);
        }
    }

    /// Keeps a live frame for later. If there is no room, the conversation's frames are dropped; that they were
    /// seen is remembered, so the changes are asked for.
    pub(super) fn keep(&mut self, conv: ConvId, rev: Rev, change: Change, bytes: usize, most: usize) {
        let full = self.bytes.saturating_add(bytes) > most;
        let work = self.work.or_default(conv);
        work.seen = work.seen.max(rev);
        if full {
            let freed: usize = work.buffer.values().map(|(_, bytes)| bytes).sum();
            work.buffer.clear();
            self.bytes = self.bytes.saturating_sub(freed);
        } else if let Some((_, replaced)) = work.buffer.insert(rev, (change, bytes)) {
            self.bytes = self.bytes.saturating_sub(replaced).saturating_add(bytes);
        } else {
            self.bytes = self.bytes.saturating_add(bytes);
        }
    }

    /// Takes the first waiting frame.
    pub(super) fn pop(&mut self, conv: ConvId) -> Option<(Rev, Change)> {
        let (rev, (change, bytes)) = self.work.get_mut(&conv)?.buffer.pop_first()?;
        self.bytes = self.bytes.saturating_sub(bytes);
        Some((rev, change))
    }

    /// Puts a conversation's work in its place: removed when nothing is left, otherwise in line.
    pub(super) fn queue(&mut self, conv: ConvId, delay_until: Option<Instant>) {
        let Some(work) = self.work.get(&conv) else { return };
        if work.busy {
            return;
        }
        if !work.asks() {
            if work.buffer.is_empty() {
                self.remove(conv);
            }
            self.runnable.remove(&conv);
            return;
        }
        match delay_until {
            Some(at) => {
                self.runnable.remove(&conv);
                self.delayed.add((at, conv));
            }
            None if self.delayed.keys().any(|(_, other)| *other == conv) => {}
            None => {
                self.runnable.add(conv);
            }
        }
    }

    /// Takes the next conversation whose question can be asked now.
    pub(super) fn next(&mut self, now: Instant) -> Option<ConvId> {
        while let Some((at, conv)) =
            self.delayed.first_key_value().map(|(first, ())| *first).filter(|(at, _)| *at <= now)
        {
            self.delayed.remove(&(at, conv));
            self.runnable.add(conv);
        }
        self.runnable.pop_first().map(|(conv, ())| conv)
    }

    /// Returns when something that had to wait can be asked.
    pub(super) fn deadline(&self, now: Instant) -> Option<Instant> {
        match &self.stage {
            Stage::List(listing) => listing.not_before.filter(|at| *at > now),
            Stage::Live { .. } => self.delayed.keys().map(|(at, _)| *at).find(|at| *at > now),
        }
    }
}

/// How long to wait after a number of failed or useless answers: a second, doubling up to half a minute.
pub(super) fn pause(failures: u32) -> Duration {
    Duration::from_secs((1 << failures.min(5)).min(30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_change_left_open_is_asked_about_on_the_next_connection() {
        let (mut sync, conv) = (Sync::new(), ConvId(uuid::Uuid::from_u128(1)));
        let work = sync.entry(conv);
        (work.changes, work.from, work.busy) = (true, Some(Rev(3)), true);
        sync.disconnected(|_| true);
        let work = sync.get(conv).unwrap();
        assert_eq!((work.changes, work.from, work.busy), (true, Some(Rev(3)), false));
        sync.disconnected(|_| false);
        let work = sync.get(conv).unwrap();
        assert_eq!((work.view, work.from), (true, None));
    }
}
