//! A party without a machine: it says what it is told to, and reads. What it costs is next to nothing, so that thousands
//! of them leave the processor to the server.

use crate::board::Board;
use crate::driver::{Act, Happened, Party, Phase};
use crate::ledger::Ledger;
use crate::marker::{Clock, Marker};
use crate::speaker::{Heard, Pace, Stage};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use uuid::Uuid;

/// Says as much as a login does to the system's network: from then on it takes this end for one that answers, and does
/// not acknowledge every segment at once. Otherwise the two ends of a floor's connection would share the work otherwise
/// than those of mvchat's.
const GREETING: &str = "hello";

/// How such a party gets in.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// By an mvchat login with this token.
    Token(String),
    /// By a greeting, which a floor's server sends back.
    Greeting,
}

/// A connection that listens, and may say ready-made frames.
pub(crate) struct Bare {
    board: Arc<Board>,
    clock: Clock,
    bytes: usize,
    entry: Entry,
    index: u32,
    pace: Pace,
    said: u64,
    due: Option<Instant>,
    end: Option<Instant>,
    out: VecDeque<Act>,
    ready: bool,
    ledger: Ledger,
    heard: Heard,
}

impl Bare {
    pub(crate) fn new(stage: &Stage, index: u32, entry: Entry, pace: Pace) -> Self {
        Self {
            board: stage.board.clone(),
            clock: stage.clock,
            bytes: stage.bytes,
            entry,
            index,
            pace,
            said: 0,
            due: None,
            end: None,
            out: [Act::Connect].into(),
            ready: false,
            ledger: Ledger::default(),
            heard: Heard::default(),
        }
    }

    /// Returns what was measured.
    pub(crate) fn heard(self) -> Heard {
        Heard { faults: self.ledger.faults, ..self.heard }
    }

    fn opened(&mut self) {
        match &self.entry {
            Entry::Token(token) => {
                let login = format!(r#"{{"id":"login","login":{{"scheme":"token","secret":"{token}"}}}}"#);
                self.out
                    .extend([r#"{"hi":{"ver":"0"}}"#.to_owned(), login].map(|text| Act::Send(text.into())));
            }
            Entry::Greeting => self.out.push_back(Act::Send(GREETING.into())),
        }
    }

    fn is_ready(&mut self) {
        self.ready = true;
        self.board.count_ready();
    }

    fn text(&mut self, text: &[u8], now: Instant) {
        if let Some(marker) = Marker::find(text) {
            if self.ledger.enter(Uuid::nil(), marker) {
                self.heard.deliveries.add(self.clock.micros(now).saturating_sub(marker.due));
                self.heard.last = Some(now);
                self.board.count_delivered();
            }
        } else if !self.ready {
            match self.entry {
                Entry::Greeting if text == GREETING.as_bytes() => self.is_ready(),
                Entry::Token(_) if holds(text, b"\"id\":\"login\"") => self.logged_in(text),
                _ => {}
            }
        }
    }

    fn logged_in(&mut self, text: &[u8]) {
        if holds(text, b"\"code\":200") {
            self.is_ready();
        } else {
            self.board.error(format!("login: {}", String::from_utf8_lossy(text)));
        }
    }

    fn speak(&mut self, now: Instant) {
        while let Some(due) = self.due.filter(|due| *due <= now) {
            let marker = Marker { due: self.clock.micros(due), sender: self.index, number: self.said };
            self.said += 1;
            self.heard.lag.add(self.clock.micros(now).saturating_sub(marker.due));
            self.board.count_sent();
            self.out.push_back(Act::Send(frame(marker, self.bytes)));
            self.due = match self.pace {
                Pace::Open { every, .. } => {
                    Some(due + every).filter(|due| self.end.is_some_and(|end| *due < end))
                }
                Pace::Silent | Pace::Closed => None,
            };
        }
    }
}

impl Party for Bare {
    fn step(&mut self, happened: Happened<'_>, now: Instant) {
        match happened {
            Happened::Opened => self.opened(),
            Happened::Text(text) => self.text(text, now),
            Happened::Closed(close) => self.board.error(format!("connection lost: {close:?}")),
            Happened::Phase(Phase::Run(start, end)) => {
                self.end = Some(end);
                if let Pace::Open { offset, .. } = self.pace {
                    self.due = Some(start + offset);
                }
            }
            Happened::Phase(_) | Happened::Time => {}
        }
        self.speak(now);
    }

    fn poll(&mut self, _now: Instant) -> Act {
        self.out.pop_front().unwrap_or(Act::Wait(self.due))
    }
}

/// A frame as long as the one in which mvchat delivers such a message.
fn frame(marker: Marker, bytes: usize) -> Utf8Bytes {
    let (conv, text) = (Uuid::nil(), marker.text(bytes));
    format!(
        r#"{{"data":{{"conv":"{conv}","seq":{n},"rev":{n},"from":"{conv}","ts":"2026-01-01T00:00:00.000000Z","content":{{"v":1,"text":"{text}"}}}}}}"#,
        n = marker.number
    )
    .into()
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ready_made_frame_carries_its_mark() {
        let marker = Marker { due: 5, sender: 6, number: 7 };
        assert_eq!(Marker::find(frame(marker, 100).as_bytes()), Some(marker));
    }

    #[tokio::test]
    async fn a_refused_login_is_told() {
        let stage = Stage { board: Arc::default(), clock: Clock::start(), bytes: 9 };
        let mut bare = Bare::new(&stage, 0, Entry::Token("x".to_owned()), Pace::Silent);
        let now = Instant::now();
        bare.step(Happened::Opened, now);
        bare.step(Happened::Text(br#"{"ctrl":{"id":"login","code":401,"text":"no"}}"#), now);
        assert_eq!((stage.board.ready(), stage.board.errors().len()), (0, 1));
        bare.step(Happened::Text(br#"{"ctrl":{"id":"login","code":200}}"#), now);
        assert_eq!(stage.board.ready(), 1);
    }
}
