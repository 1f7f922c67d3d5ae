//! The habit of going and coming back.

use crate::board::Board;
use crate::driver::Phase;
use crate::latency::Samples;
use crate::ledger::{Faults, Ledger};
use crate::marker::Marker;
use crate::member::Habit;
use mvchat_core::client::{Client, Event};
use mvchat_core::time::Instant as Time;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What somebody has seen who came back.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// From the instant of the return, or of the loss, until all was there, of every time.
    pub(crate) returns: Vec<Samples>,
    /// How many messages came.
    pub(crate) messages: u64,
    pub(crate) faults: Faults,
}

/// Somebody who reads, and comes back by plan or because the connection was lost.
pub(crate) struct Returner {
    board: Arc<Board>,
    /// How long after the others this one comes.
    offset: Duration,
    /// Since when this one is on the way back.
    since: Option<Instant>,
    /// The first time, everybody has just come.
    came: bool,
    /// Losses are part of what is measured.
    pub(crate) may_lose: bool,
    ledger: Ledger,
    seen: Seen,
}

impl Returner {
    pub(crate) fn new(board: &Arc<Board>, offset: Duration, may_lose: bool) -> Self {
        let board = board.clone();
        let (ledger, seen) = (Ledger::default(), Seen::default());
        Self { board, offset, since: None, came: false, may_lose, ledger, seen }
    }

    /// Returns what was seen.
    pub(crate) fn seen(self) -> Seen {
        Seen { faults: self.ledger.faults, ..self.seen }
    }
}

impl Habit for Returner {
    fn phase(&mut self, phase: Phase, _now: Instant) {
        match phase {
            Phase::Away => self.since = None,
            Phase::Back(from) => self.since = Some(from + self.offset),
            _ => {}
        }
    }

    fn due(&self) -> Option<Instant> {
        None
    }

    fn act(&mut self, _client: &mut Client, _time: Time, _now: Instant) {}

    fn event(&mut self, event: Event, _client: &mut Client, _time: Time, now: Instant) {
        match event {
            Event::Synced => {
                // Who was here all the time has nothing to come back from.
                let since = self.since.take();
                if let Some(since) = since {
                    let mut took = Samples::default();
                    let micros = now.saturating_duration_since(since).as_micros();
                    took.add(u64::try_from(micros).unwrap_or(u64::MAX));
                    self.seen.returns.push(took);
                }
                if since.is_some() || !self.came {
                    self.came = true;
                    self.board.count_ready();
                }
            }
            Event::Message { conv, message } => {
                let content = message.content.as_ref().map_or("", |content| content.as_str());
                if let Some(marker) = Marker::find(content.as_bytes())
                    && self.ledger.enter(conv.0, marker)
                {
                    self.seen.messages += 1;
                    self.board.count_delivered();
                }
            }
            Event::Disconnected { close, .. } => {
                if self.may_lose {
                    self.since.get_or_insert(now);
                } else {
                    self.board.error(format!("connection lost: {close:?}"));
                }
            }
            Event::Ended(_) => self.board.count_left(),
            Event::LoginFailed(error) => self.board.error(format!("login: {error}")),
            Event::Reset(_) => self.board.error("too much has changed to tell"),
            _ => {}
        }
    }

    fn back_at(&self, from: Instant) -> Instant {
        from + self.offset
    }
}
