//! The log, as the host reads it.

use super::chat::Chat;
use crate::error::Result;
use crate::proto::Position;
use crate::seam::LogEntry;
use std::collections::VecDeque;
use tokio::sync::watch;

const PAGE: usize = 256;

/// Follows the store-wide log of changes from a position on: see [`Chat::events`].
#[derive(Debug)]
pub struct Events {
    chat: Chat,
    bell: watch::Receiver<()>,
    position: Position,
    page: VecDeque<LogEntry>,
}

impl Chat {
    /// Follows the log of everything that is committed, after a position; [`Position`] 0 is the beginning of
    /// what is kept. Each entry is there once, in commit order, however often the process was restarted: keep
    /// the position of the last entry that was dealt with.
    pub fn events(&self, after: Position) -> Events {
        Events { bell: self.0.hub.bell(), chat: self.clone(), position: after, page: VecDeque::new() }
    }

    /// Returns the position after everything that was committed so far.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn position(&self) -> Result<Position> {
        Ok(self.0.store.position().await?)
    }
}

impl Events {
    /// Returns the next entry, waiting for it if need be.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`; the next call tries again at the same place.
    pub async fn next(&mut self) -> Result<LogEntry> {
        loop {
            if let Some(entry) = self.page.pop_front() {
                self.position = entry.position;
                return Ok(entry);
            }
            // The bell is heard from before the log is read, so that nothing falls in between.
            self.bell.borrow_and_update();
            let page = self.chat.0.store.log(self.position, PAGE).await?;
            if page.entries.is_empty() {
                self.position = self.position.max(page.position);
                // The bell belongs to the engine that this holds: it can't be gone.
                drop(self.bell.changed().await);
            }
            self.page.extend(page.entries);
        }
    }

    /// Returns the position of the entry that was returned last.
    pub fn position(&self) -> Position {
        self.position
    }
}
