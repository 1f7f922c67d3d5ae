//! A party without a machine that opens a direct conversation and writes there by a schedule.

use super::order::Line;
use crate::driver::{Act, Happened, Party, Phase};
use crate::marker::Marker;
use crate::speaker::{Heard, Pace, Stage};
use mvchat_core::proto::ConvId;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use tokio::time::Instant;

/// What requests other than messages are called.
const LOGIN: &str = "login";
const DM: &str = "dm";

/// Somebody who writes to one other and hears what the server says to that. It tells apart what is acknowledged and does
/// nothing else, so that it costs next to nothing.
pub(super) struct Talker {
    stage: Stage,
    token: String,
    line: Line,
    pace: Pace,
    conv: Option<ConvId>,
    said: u64,
    due: Option<Instant>,
    end: Option<Instant>,
    /// When the messages on their way were due, by their requests.
    waiting: HashMap<String, u64>,
    out: VecDeque<Act>,
    heard: Heard,
}

impl Talker {
    pub(super) fn new(stage: &Stage, token: String, line: Line, pace: Pace) -> Self {
        Self {
            stage: stage.clone(),
            token,
            line,
            pace,
            conv: None,
            said: 0,
            due: None,
            end: None,
            waiting: HashMap::new(),
            out: [Act::Connect].into(),
            heard: Heard::default(),
        }
    }

    /// Returns what was measured.
    pub(super) fn heard(self) -> Heard {
        self.heard
    }

    fn opened(&mut self) {
        self.ask(&json!({"hi": {"ver": "0"}}));
        self.ask(&json!({"id": LOGIN, "login": {"scheme": "token", "secret": self.token}}));
    }

    fn ask(&mut self, request: &Value) {
        self.out.push_back(Act::Send(request.to_string().into()));
    }

    fn text(&mut self, text: &[u8], now: Instant) {
        let Ok(mut frame) = serde_json::from_slice::<Value>(text) else {
            return self.stage.board.error("no JSON");
        };
        let ctrl = frame["ctrl"].take();
        let Some(id) = ctrl["id"].as_str() else { return };
        let due = self.waiting.remove(id);
        match (id, ctrl["code"].as_u64(), due) {
            (LOGIN, Some(200..300), _) => self.ask(&json!({"id": DM, "dm": {"user": self.line.to}})),
            (DM, Some(200..300), _) => self.opened_dm(&ctrl),
            (_, Some(200..300), Some(due)) => self.acked(due, now),
            (_, _, None) if id != LOGIN && id != DM => self.stage.board.error("answered twice"),
            _ => self.stage.board.error(format!("refused: {} {}", ctrl["code"], ctrl["text"])),
        }
    }

    fn opened_dm(&mut self, ctrl: &Value) {
        self.conv = serde_json::from_value(ctrl["params"]["conv"].clone()).ok();
        match self.conv {
            Some(_) => self.stage.board.count_ready(),
            None => self.stage.board.error(format!("no conversation in {ctrl}")),
        }
    }

    fn acked(&mut self, due: u64, now: Instant) {
        self.heard.acks.add(self.stage.clock.micros(now).saturating_sub(due));
        self.heard.last = Some(now);
        self.stage.board.count_acked();
    }

    fn speak(&mut self, now: Instant) {
        let (Some(conv), Pace::Open { every, .. }) = (self.conv, self.pace) else { return };
        while let Some(due) = self.due.filter(|due| *due <= now) {
            self.due = Some(due + every).filter(|due| self.end.is_some_and(|end| *due < end));
            let number = self.said;
            self.said += 1;
            let due = self.stage.clock.micros(due);
            self.heard.lag.add(self.stage.clock.micros(now).saturating_sub(due));
            self.stage.board.count_sent();
            let text = Marker { due, sender: self.line.index, number }.text(self.stage.bytes);
            let content = json!({"v": 1, "text": text});
            let cid = number.to_string();
            self.ask(&json!({"id": cid, "send": {"conv": conv, "cid": cid, "content": content}}));
            self.waiting.insert(cid, due);
        }
    }
}

impl Party for Talker {
    fn step(&mut self, happened: Happened<'_>, now: Instant) {
        match happened {
            Happened::Opened => self.opened(),
            Happened::Text(text) => self.text(text, now),
            Happened::Closed(close) => self.stage.board.error(format!("connection lost: {close:?}")),
            Happened::Phase(Phase::Run(start, end)) => {
                self.end = Some(end);
                if let Pace::Open { offset, .. } = self.pace {
                    self.due = Some(start + offset).filter(|due| *due < end);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marker::Clock;
    use mvchat_core::proto::UserId;
    use std::sync::Arc;
    use std::time::Duration;
    use uuid::Uuid;

    fn talker() -> Talker {
        let stage = Stage { board: Arc::default(), clock: Clock::start(), bytes: 60 };
        let every = Duration::from_millis(10);
        let line = Line { index: 4, to: UserId(Uuid::from_u128(2)) };
        Talker::new(&stage, "t".to_owned(), line, Pace::Open { every, offset: Duration::ZERO })
    }

    /// Takes out what it wants sent.
    fn said(talker: &mut Talker, now: Instant) -> Vec<Value> {
        let mut said = Vec::new();
        loop {
            match talker.poll(now) {
                Act::Send(text) => said.push(serde_json::from_str(&text).unwrap()),
                Act::Wait(_) => return said,
                Act::Connect | Act::Disconnect(_) => {}
            }
        }
    }

    #[tokio::test]
    async fn what_is_due_is_said_once_the_conversation_is_open() {
        let (mut talker, now) = (talker(), Instant::now());
        let board = talker.stage.board.clone();
        talker.step(Happened::Opened, now);
        assert_eq!(said(&mut talker, now)[1]["login"]["secret"], "t");
        talker.step(Happened::Text(br#"{"ctrl":{"id":"login","code":200,"text":"ok"}}"#), now);
        assert_eq!(said(&mut talker, now)[0]["dm"]["user"], json!(Uuid::from_u128(2)));
        let conv = Uuid::from_u128(3);
        let opened = json!({"ctrl": {"id": "dm", "code": 201, "params": {"conv": conv}}}).to_string();
        talker.step(Happened::Text(opened.as_bytes()), now);
        assert_eq!(board.ready(), 1);

        talker.step(Happened::Phase(Phase::Run(now, now + Duration::from_millis(25))), now);
        talker.step(Happened::Time, now + Duration::from_secs(1));
        let sent = said(&mut talker, now);
        assert_eq!((sent.len(), board.sent()), (3, 3), "at 0, 10 and 20 ms");
        assert_eq!(sent[2]["send"]["conv"], json!(conv));
        let marker = Marker::find(sent[2].to_string().as_bytes()).unwrap();
        assert_eq!((marker.sender, marker.number), (4, 2));
        for ack in [r#"{"ctrl":{"id":"1","code":202}}"#, r#"{"ctrl":{"id":"0","code":429,"text":"slow"}}"#] {
            talker.step(Happened::Text(ack.as_bytes()), now + Duration::from_secs(1));
        }
        assert_eq!((board.acked(), board.errors().len()), (1, 1));
        talker.step(Happened::Text(br#"{"ctrl":{"id":"1","code":202}}"#), now);
        assert_eq!(board.errors()["answered twice"], 1);
    }
}
