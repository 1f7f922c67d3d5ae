//! One end of a conversation of two, without a client's model: it talks, and writes down what it hears.

use super::dialect::{Dialect, Read};
use crate::driver::{Act, Happened, Party, Phase};
use crate::ledger::Ledger;
use crate::marker::Marker;
use crate::speaker::{Heard, Pace, Stage};
use std::collections::VecDeque;
use tokio::time::Instant;
use uuid::Uuid;

/// What somebody does in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Speaks by a schedule, or not at all.
    Keeps(Pace),
    /// Says the first word, and then answers everything.
    Begins,
    /// Answers everything: each delivery lets the pair send its next message.
    Answers,
}

/// A party that speaks a dialect.
pub(crate) struct Talker<D> {
    stage: Stage,
    index: u32,
    dialect: D,
    part: Part,
    said: u64,
    /// When to speak next.
    due: Option<Instant>,
    end: Option<Instant>,
    out: VecDeque<Act>,
    /// When the messages without an answer were due, the oldest first.
    waiting: VecDeque<u64>,
    ledger: Ledger,
    heard: Heard,
}

impl<D: Dialect> Talker<D> {
    pub(crate) fn new(stage: Stage, index: u32, dialect: D, part: Part) -> Self {
        Self {
            stage,
            index,
            dialect,
            part,
            said: 0,
            due: None,
            end: None,
            out: [Act::Connect].into(),
            waiting: VecDeque::new(),
            ledger: Ledger::default(),
            heard: Heard::default(),
        }
    }

    /// Returns what was measured.
    pub(crate) fn heard(self) -> Heard {
        Heard { faults: self.ledger.faults, ..self.heard }
    }

    fn begin(&mut self, start: Instant, end: Instant) {
        self.end = Some(end);
        self.due = match self.part {
            Part::Keeps(Pace::Open { offset, .. }) => Some(start + offset).filter(|due| *due < end),
            Part::Keeps(Pace::Closed) | Part::Begins => Some(start),
            Part::Keeps(Pace::Silent) | Part::Answers => None,
        };
    }

    fn read(&mut self, frame: &[u8], now: Instant) {
        match self.dialect.read(frame) {
            Read::Nothing => {}
            Read::Say(text) => self.out.push_back(Act::Send(text.into())),
            Read::Ready => self.stage.board.count_ready(),
            Read::Taken => self.taken(now),
            Read::Heard(marker) => self.hear(marker, now),
            Read::Wrong(what) => self.stage.board.error(what),
        }
    }

    fn taken(&mut self, now: Instant) {
        let Some(due) = self.waiting.pop_front() else { return };
        self.heard.acks.add(self.stage.clock.micros(now).saturating_sub(due));
        self.heard.last = Some(now);
        self.stage.board.count_acked();
    }

    fn hear(&mut self, marker: Marker, now: Instant) {
        if !self.ledger.enter(Uuid::nil(), marker) {
            return;
        }
        self.heard.deliveries.add(self.stage.clock.micros(now).saturating_sub(marker.due));
        self.heard.last = Some(now);
        if !D::ANSWERS {
            self.stage.board.count_acked();
        }
        self.stage.board.count_delivered();
        if matches!(self.part, Part::Begins | Part::Answers) && self.end.is_some_and(|end| now < end) {
            self.due = Some(now);
        }
    }

    fn speak(&mut self, now: Instant) {
        while let Some(due) = self.due.filter(|due| *due <= now) {
            let marker = Marker { due: self.stage.clock.micros(due), sender: self.index, number: self.said };
            self.said += 1;
            self.heard.lag.add(self.stage.clock.micros(now).saturating_sub(marker.due));
            self.stage.board.count_sent();
            if D::ANSWERS {
                self.waiting.push_back(marker.due);
            }
            let text = self.dialect.message(marker.number, &marker.text(self.stage.bytes));
            self.out.push_back(Act::Send(text.into()));
            self.due = match self.part {
                Part::Keeps(Pace::Open { every, .. }) => {
                    Some(due + every).filter(|due| self.end.is_some_and(|end| *due < end))
                }
                _ => None,
            };
        }
    }
}

impl<D: Dialect> Party for Talker<D> {
    fn step(&mut self, happened: Happened<'_>, now: Instant) {
        match happened {
            Happened::Opened => {
                self.out.extend(self.dialect.greeting().into_iter().map(|text| Act::Send(text.into())));
            }
            Happened::Text(text) => self.read(text, now),
            Happened::Closed(close) => self.stage.board.error(format!("connection lost: {close:?}")),
            Happened::Phase(Phase::Run(start, end)) => self.begin(start, end),
            Happened::Phase(_) | Happened::Time => {}
        }
        self.speak(now);
    }

    fn poll(&mut self, _now: Instant) -> Act {
        self.out.pop_front().unwrap_or(Act::Wait(self.due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marker::Clock;
    use std::sync::Arc;
    use std::time::Duration;

    /// Everything it hears is a message of the other one, with the number that the frame's length says.
    struct Plain;

    impl Dialect for Plain {
        const ANSWERS: bool = false;
        fn greeting(&mut self) -> Vec<String> {
            Vec::new()
        }
        fn read(&mut self, frame: &[u8]) -> Read {
            Read::Heard(Marker { due: 0, sender: 1, number: frame.len() as u64 })
        }
        fn message(&self, number: u64, _text: &str) -> String {
            number.to_string()
        }
    }

    fn stage() -> Stage {
        Stage { board: Arc::default(), clock: Clock::start(), bytes: 64 }
    }

    #[tokio::test]
    async fn a_delivery_lets_the_pair_send_its_next_message() {
        let (stage, now) = (stage(), Instant::now());
        let end = now + Duration::from_secs(1);
        let mut first = Talker::new(stage.clone(), 0, Plain, Part::Begins);
        let mut second = Talker::new(stage.clone(), 1, Plain, Part::Answers);
        for one in [&mut first, &mut second] {
            one.step(Happened::Phase(Phase::Run(now, end)), now);
        }
        assert_eq!(stage.board.sent(), 1, "only one begins");
        second.step(Happened::Text(b""), now);
        assert_eq!((stage.board.sent(), stage.board.acked(), stage.board.delivered()), (2, 1, 1));
        second.step(Happened::Text(b""), now);
        assert_eq!(stage.board.sent(), 2, "what comes again has no answer");
        first.step(Happened::Text(b""), end);
        assert_eq!(
            (stage.board.sent(), stage.board.delivered()),
            (2, 2),
            "after the end only the rest comes"
        );
        assert_eq!((first.heard().faults.repeated, second.heard().faults.repeated), (0, 1));
    }

    #[tokio::test]
    async fn a_schedule_waits_for_nobody() {
        let (stage, now) = (stage(), Instant::now());
        let every = Duration::from_millis(10);
        let pace = Pace::Open { every, offset: every / 2 };
        let mut one = Talker::new(stage.clone(), 0, Plain, Part::Keeps(pace));
        one.step(Happened::Phase(Phase::Run(now, now + every * 4)), now);
        one.step(Happened::Time, now + every * 9);
        assert_eq!(stage.board.sent(), 4);
        one.step(Happened::Text(b""), now + every * 9);
        assert_eq!(stage.board.sent(), 4, "no answer to what is heard");
    }
}
