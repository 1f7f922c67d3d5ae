//! The habit of saying things by a schedule, and of hearing what others say.

use crate::board::Board;
use crate::driver::Phase;
use crate::latency::Samples;
use crate::ledger::{Faults, Ledger};
use crate::marker::{Clock, Marker};
use crate::member::Habit;
use mvchat_core::client::{Client, Draft, Event, SendState};
use mvchat_core::proto::{ConvId, UserId};
use mvchat_core::time::Instant as Time;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// When somebody says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Never.
    Silent,
    /// Open loop: first after `offset`, then whenever `every` has passed, whatever the server does.
    Open { every: Duration, offset: Duration },
    /// Closed loop: whenever the last message was acknowledged. For what a server can do at most.
    Closed,
}

/// What people measure.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// From the planned instant to the acknowledgement.
    pub(crate) acks: Samples,
    /// From the planned instant to the arrival at somebody else.
    pub(crate) deliveries: Samples,
    /// From the planned instant to the moment at which the generator got to it.
    pub(crate) lag: Samples,
    pub(crate) faults: Faults,
    /// When the last of these happened.
    pub(crate) last: Option<Instant>,
}

impl Heard {
    pub(crate) fn append(&mut self, other: Self) {
        self.acks.append(other.acks);
        self.deliveries.append(other.deliveries);
        self.lag.append(other.lag);
        self.faults.repeated += other.faults.repeated;
        self.faults.skipped += other.faults.skipped;
        self.last = self.last.max(other.last);
    }
}

/// What all speakers of a run share.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) board: Arc<Board>,
    pub(crate) clock: Clock,
    /// How long messages are, in bytes of text.
    pub(crate) bytes: usize,
}

/// Somebody who speaks and listens.
pub(crate) struct Speaker {
    stage: Stage,
    index: u32,
    /// Where to speak, one conversation after the other, and how often that was done there.
    lines: Vec<(ConvId, u64)>,
    turn: usize,
    pace: Pace,
    /// When to speak next.
    due: Option<Instant>,
    end: Option<Instant>,
    /// When the messages on their way were due, by `cid`.
    waiting: HashMap<String, u64>,
    ledger: Ledger,
    heard: Heard,
    me: Option<UserId>,
    ready: bool,
}

impl Speaker {
    pub(crate) fn new(stage: Stage, index: u32, convs: &[ConvId], pace: Pace) -> Self {
        let lines = convs.iter().map(|conv| (*conv, 0)).collect();
        Self {
            stage,
            index,
            lines,
            turn: 0,
            pace,
            due: None,
            end: None,
            waiting: HashMap::new(),
            ledger: Ledger::default(),
            heard: Heard::default(),
            me: None,
            ready: false,
        }
    }

    /// Returns what was measured.
    pub(crate) fn heard(self) -> Heard {
        Heard { faults: self.ledger.faults, ..self.heard }
    }

    fn speak(&mut self, due: Instant, client: &mut Client, time: Time, now: Instant) {
        let turn = self.turn % self.lines.len().max(1);
        self.turn += 1;
        let Some((conv, number)) = self.lines.get_mut(turn) else { return };
        let marker = Marker { due: self.stage.clock.micros(due), sender: self.index, number: *number };
        *number += 1;
        self.heard.lag.add(self.stage.clock.micros(now).saturating_sub(marker.due));
        self.stage.board.count_sent();
        match client.send(Draft::text(*conv, &marker.text(self.stage.bytes)), time) {
            Ok(cid) => drop(self.waiting.insert(cid, marker.due)),
            Err(error) => self.stage.board.error(format!("not taken by the client: {error}")),
        }
    }

    fn acked(&mut self, cid: &str, now: Instant) {
        let Some(due) = self.waiting.remove(cid) else { return };
        self.heard.acks.add(self.stage.clock.micros(now).saturating_sub(due));
        self.heard.last = Some(now);
        self.stage.board.count_acked();
        if self.pace == Pace::Closed && self.end.is_some_and(|end| now < end) {
            self.due = Some(now);
        }
    }
}

impl Habit for Speaker {
    fn phase(&mut self, phase: Phase, _now: Instant) {
        if let Phase::Run(start, end) = phase {
            self.end = Some(end);
            self.due = match self.pace {
                Pace::Silent => None,
                Pace::Open { offset, .. } => Some(start + offset).filter(|due| *due < end),
                Pace::Closed => Some(start),
            };
        }
    }

    fn due(&self) -> Option<Instant> {
        self.due
    }

    fn act(&mut self, client: &mut Client, time: Time, now: Instant) {
        while let Some(due) = self.due.filter(|due| *due <= now) {
            self.due = match self.pace {
                Pace::Open { every, .. } => {
                    Some(due + every).filter(|due| self.end.is_some_and(|end| *due < end))
                }
                Pace::Silent | Pace::Closed => None,
            };
            self.speak(due, client, time, now);
        }
    }

    fn event(&mut self, event: Event, _client: &mut Client, _time: Time, now: Instant) {
        match event {
            Event::Connected(account) => self.me = Some(account.user),
            Event::Synced if !self.ready => {
                self.ready = true;
                self.stage.board.count_ready();
            }
            Event::SendState { cid, state: SendState::Sent { .. }, .. } => self.acked(&cid, now),
            Event::SendState { cid, state: SendState::Failed(error), .. } => {
                self.waiting.remove(&cid);
                self.stage.board.error(format!("refused: {} {}", error.code, error.text));
            }
            Event::Message { conv, message } if message.from != self.me => {
                let content = message.content.as_ref().map_or("", |content| content.as_str());
                if let Some(marker) = Marker::find(content.as_bytes())
                    && self.ledger.enter(conv.0, marker)
                {
                    self.heard.deliveries.add(self.stage.clock.micros(now).saturating_sub(marker.due));
                    self.heard.last = Some(now);
                    self.stage.board.count_delivered();
                }
            }
            Event::Disconnected { close, .. } => {
                self.stage.board.error(format!("connection lost: {close:?}"));
            }
            Event::LoginFailed(error) => self.stage.board.error(format!("login: {error}")),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_open_loop_does_not_wait_for_the_server() {
        let board = Arc::new(Board::default());
        let stage = Stage { board: board.clone(), clock: Clock::start(), bytes: 64 };
        let every = Duration::from_millis(10);
        let conv = ConvId(uuid::Uuid::from_u128(1));
        let mut speaker = Speaker::new(stage, 3, &[conv], Pace::Open { every, offset: every / 2 });
        let config = mvchat_core::client::ClientConfig::new(mvchat_core::client::Credentials::token("t"));
        let mut client = Client::new(config, 7, Time(0));
        let start = Instant::now();
        speaker.phase(Phase::Run(start, start + every * 4), start);
        assert_eq!(speaker.due(), Some(start + every / 2));
        // The generator comes late: all that is due is sent at once, as of when it was due.
        speaker.act(&mut client, Time(0), start + every * 10);
        assert_eq!((board.sent(), speaker.due()), (4, None));
        let late = speaker.heard.lag.latency().unwrap();
        assert!((late.max - 95.0).abs() < 0.5 && (late.p50 - 75.0).abs() < 0.5, "{late:?}");
    }
}
