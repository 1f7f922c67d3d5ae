//! Runs written by hand, to see checks fail.

use super::Check;
use crate::proto::{ConvId, Position, Rev, Seq, UserId};
use crate::seam::{LogEntry, LogEvent};
use crate::testkit::sim::{Audit, History, Record, Seen};
use crate::time::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

pub(super) const CONV: ConvId = ConvId(Uuid::from_u128(0xc));

pub(super) fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(0x100 + number))
}

/// A run with three users and one group of the first two, each of whom has the connection of the same number.
pub(super) struct Story {
    records: Vec<Record>,
    pub(super) audit: Audit,
    now: u64,
}

impl Story {
    pub(super) fn new() -> Self {
        let audit = Audit { users: (0..3).map(user).collect(), ..Audit::default() };
        let mut story = Self { records: Vec::new(), audit, now: 0 };
        for number in 0..3 {
            story.seen(Seen::Opened { link: number, user: number, device: number, node: 0 });
        }
        story.log(0, LogEvent::Created, None).log(0, LogEvent::Joined(user(1)), None)
    }

    pub(super) fn seen(&mut self, seen: Seen) {
        self.now += 1;
        self.records.push(Record { at: self.now, seen });
    }

    pub(super) fn and(mut self, seen: Seen) -> Self {
        self.seen(seen);
        self
    }

    /// Lets time pass.
    pub(super) fn later(mut self, millis: u64) -> Self {
        self.now += millis;
        self
    }

    pub(super) fn up(self, link: usize, id: &str, kind: &str, body: Value) -> Self {
        let text = json!({"id": id, kind: body}).to_string();
        self.and(Seen::Up { link, text })
    }

    pub(super) fn down(self, link: usize, kind: &str, body: Value) -> Self {
        let text = json!({ kind: body }).to_string();
        self.and(Seen::Down { link, text })
    }

    pub(super) fn ok(self, link: usize, id: &str, params: Value) -> Self {
        self.down(link, "ctrl", json!({"id": id, "code": 200, "text": "ok", "params": params}))
    }

    /// A change that the store holds; its numbers follow from those before.
    pub(super) fn log(mut self, actor: u128, event: LogEvent, seq: Option<u64>) -> Self {
        let number = self.audit.log.len() as u64;
        self.audit.log.push(LogEntry {
            position: Position(number + 1),
            conv: CONV,
            rev: Rev(number),
            actor: user(actor),
            at: Timestamp::from_micros(0) + Duration::from_secs(number),
            seq: seq.map(Seq),
            event,
        });
        self
    }

    /// A message as the first two users read it in the end.
    pub(super) fn row(mut self, row: Value) -> Self {
        let seq = row["seq"].as_u64().unwrap();
        for reader in 0..2 {
            let rows = self.audit.histories.entry((user(reader), CONV)).or_default();
            rows.insert(seq, row.clone());
        }
        self
    }

    pub(super) fn history(self) -> History {
        History::new(self.records, self.audit)
    }

    pub(super) fn keeps(self, check: Check) {
        assert_eq!(check(&self.history()), Vec::<String>::new());
    }

    pub(super) fn breaks(self, check: Check) {
        assert!(!check(&self.history()).is_empty(), "the check does not see it");
    }
}

/// A sent message, as the story's requests and rows name it.
pub(super) fn send(cid: &str, text: &str) -> Value {
    json!({"conv": CONV, "cid": cid, "content": text})
}

pub(super) fn row(seq: u64, from: u128, cid: &str, text: &str) -> Value {
    json!({"seq": seq, "rev": seq + 1, "from": user(from), "ts": "2025-01-01T00:00:00.000000Z", "cid": cid,
        "content": {"v": 1, "text": text}})
}
