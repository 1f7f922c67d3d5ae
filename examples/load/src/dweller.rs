//! The habit of a day of chat: a bit of everything, by a schedule.

use crate::driver::Phase;
use crate::latency::Samples;
use crate::ledger::Ledger;
use crate::marker::{Clock, Marker};
use crate::member::Habit;
use crate::speaker::{Heard, Stage};
use mvchat_core::client::{Client, Draft, Event, RequestId, SendState};
use mvchat_core::proto::{ConvId, GetRequest, Int, Mark, Request, UserId};
use mvchat_core::time::Instant as Time;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use tokio::time::Instant;

/// What people do, and how often of a hundred times.
const DAY: [(Deed, u32); 7] = [
    (Deed::Send, 55),
    (Deed::Read, 15),
    (Deed::Typing, 12),
    (Deed::History, 8),
    (Deed::List, 5),
    (Deed::Online, 3),
    (Deed::Login, 2),
];
/// How many messages a page of history has.
const PAGE: i64 = 50;

/// One thing that people do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deed {
    Send,
    Read,
    Typing,
    History,
    List,
    Online,
    Login,
}

impl Deed {
    /// What the latency is of.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Send => "send to ack",
            Self::Read => "read mark",
            Self::Typing => "typing",
            Self::History => "page of history",
            Self::List => "list of conversations",
            Self::Online => "who is here",
            Self::Login => "coming back",
        }
    }
}

/// What somebody has done and heard.
#[derive(Debug, Default)]
pub(crate) struct Lived {
    pub(crate) heard: Heard,
    pub(crate) took: BTreeMap<Deed, Samples>,
    /// How many deliveries the messages that were acknowledged make.
    pub(crate) audience: u64,
}

/// Somebody who uses a chat.
pub(crate) struct Dweller {
    stage: Stage,
    index: u32,
    /// The conversations, how many others are in each, and how often something was said there.
    convs: Vec<(ConvId, u64, u64)>,
    every: Duration,
    due: Option<Instant>,
    end: Option<Instant>,
    random: u64,
    sends: HashMap<String, (Instant, u64)>,
    asked: BTreeMap<RequestId, (Deed, Instant)>,
    /// Since when this one is on the way back.
    coming: Option<Instant>,
    ready: bool,
    ledger: Ledger,
    lived: Lived,
    me: Option<UserId>,
}

impl Dweller {
    pub(crate) fn new(stage: Stage, index: u32, convs: &[(ConvId, u64)], every: Duration) -> Self {
        Self {
            stage,
            index,
            convs: convs.iter().map(|(conv, others)| (*conv, *others, 0)).collect(),
            every,
            due: None,
            end: None,
            random: u64::from(index) + 1,
            sends: HashMap::new(),
            asked: BTreeMap::new(),
            coming: None,
            ready: false,
            ledger: Ledger::default(),
            lived: Lived::default(),
            me: None,
        }
    }

    /// Returns what was done and heard.
    pub(crate) fn lived(mut self) -> Lived {
        self.lived.heard.faults = self.ledger.faults;
        self.lived
    }

    /// A number below another one. It is the same in every run, so that runs can be compared.
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }

    fn choose(&mut self) -> Deed {
        let mut left = self.below(100);
        for (deed, share) in DAY {
            match left.checked_sub(u64::from(share)) {
                Some(rest) => left = rest,
                None => return deed,
            }
        }
        Deed::Send
    }

    fn take(&mut self, deed: Deed, since: Instant, now: Instant) {
        let micros = now.saturating_duration_since(since).as_micros();
        self.lived.took.entry(deed).or_default().add(u64::try_from(micros).unwrap_or(u64::MAX));
    }

    fn act_out(&mut self, deed: Deed, due: Instant, client: &mut Client, time: Time) {
        let at = usize::try_from(self.below(self.convs.len() as u64)).unwrap_or_default();
        let Some((conv, others, said)) = self.convs.get_mut(at) else { return };
        let (conv, others) = (*conv, *others);
        let named = Some(conv.to_string());
        let get = |what: &str, fields| Request::Get(GetRequest { what: Some(what.to_owned()), ..fields });
        let request = match deed {
            Deed::Send => {
                let marker = Marker { due: self.stage.clock.micros(due), sender: self.index, number: *said };
                *said += 1;
                self.stage.board.count_sent();
                match client.send(Draft::text(conv, &marker.text(self.stage.bytes)), time) {
                    Ok(cid) => drop(self.sends.insert(cid, (due, others))),
                    Err(error) => self.stage.board.error(format!("not taken by the client: {error}")),
                }
                return;
            }
            Deed::Typing => return client.typing(conv, time),
            Deed::Login => {
                self.coming = Some(due);
                client.close(time);
                return client.reopen(None, time);
            }
            Deed::Read => {
                let last = client.state().conversation(conv).map_or(0, |known| known.view().last_seq.0);
                // Where nothing was said yet, the mark stays where it is.
                Request::Read(Mark { conv: named, seq: Some(Int::from_counter(last.max(1))) })
            }
            Deed::History => {
                get("messages", GetRequest { conv: named, limit: Some(Int(PAGE)), ..GetRequest::default() })
            }
            Deed::List => {
                get("conversations", GetRequest { limit: Some(Int(PAGE)), ..GetRequest::default() })
            }
            Deed::Online => get("online", GetRequest::default()),
        };
        self.asked.insert(client.request(request, time), (deed, due));
    }

    fn heard(&mut self, conv: ConvId, content: &str, now: Instant) {
        let clock: Clock = self.stage.clock;
        if let Some(marker) = Marker::find(content.as_bytes())
            && self.ledger.enter(conv.0, marker)
        {
            self.lived.heard.deliveries.add(clock.micros(now).saturating_sub(marker.due));
            self.lived.heard.last = Some(now);
            self.stage.board.count_delivered();
        }
    }
}

impl Habit for Dweller {
    fn phase(&mut self, phase: Phase, _now: Instant) {
        if let Phase::Run(start, end) = phase {
            let offset = self.every.mul_f64(self.below(1_000) as f64 / 1_000.0);
            (self.due, self.end) = (Some(start + offset), Some(end));
        }
    }

    fn due(&self) -> Option<Instant> {
        self.due
    }

    fn act(&mut self, client: &mut Client, time: Time, now: Instant) {
        while let Some(due) = self.due.filter(|due| *due <= now) {
            self.due = Some(due + self.every).filter(|due| self.end.is_some_and(|end| *due < end));
            let late = now.saturating_duration_since(due).as_micros();
            self.lived.heard.lag.add(u64::try_from(late).unwrap_or(u64::MAX));
            let deed = self.choose();
            self.act_out(deed, due, client, time);
        }
    }

    fn event(&mut self, event: Event, _client: &mut Client, _time: Time, now: Instant) {
        match event {
            Event::Connected(account) => self.me = Some(account.user),
            Event::Synced => {
                if !std::mem::replace(&mut self.ready, true) {
                    self.stage.board.count_ready();
                }
                if let Some(since) = self.coming.take() {
                    self.take(Deed::Login, since, now);
                }
            }
            Event::SendState { cid, state: SendState::Sent { .. }, .. } => {
                if let Some((since, others)) = self.sends.remove(&cid) {
                    self.take(Deed::Send, since, now);
                    self.lived.audience += others;
                    self.lived.heard.last = Some(now);
                    self.stage.board.count_acked();
                }
            }
            Event::SendState { cid, state: SendState::Failed(error), .. } => {
                self.sends.remove(&cid);
                self.stage.board.error(format!("refused: {} {}", error.code, error.text));
            }
            Event::Reply { id, result } => match (self.asked.remove(&id), result) {
                (Some((deed, since)), Ok(_)) => self.take(deed, since, now),
                // Who goes home in the middle of a question gets no answer.
                (_, Err(error)) if error.err == "disconnected" || error.err == "ended" => {}
                (_, Err(error)) => self.stage.board.error(format!("refused: {} {}", error.code, error.text)),
                (None, Ok(_)) => {}
            },
            Event::Message { conv, message } if message.from != self.me => {
                self.heard(conv, message.content.as_ref().map_or("", |content| content.as_str()), now);
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
    use crate::board::Board;
    use std::sync::Arc;

    #[tokio::test]
    async fn a_day_has_everything_in_it_and_is_always_the_same() {
        assert_eq!(DAY.iter().map(|(_, share)| share).sum::<u32>(), 100);
        let day = || {
            let stage = Stage { board: Arc::new(Board::default()), clock: Clock::start(), bytes: 9 };
            let mut dweller = Dweller::new(stage, 5, &[], Duration::from_secs(1));
            (0..2_000).map(|_| dweller.choose()).collect::<Vec<_>>()
        };
        let deeds = day();
        for (deed, share) in DAY {
            let count = deeds.iter().filter(|done| **done == deed).count();
            let wanted = f64::from(share) * 20.0;
            assert!((count as f64 - wanted).abs() < wanted.sqrt() * 5.0, "{deed:?}: {count}");
        }
        assert_eq!(deeds, day());
    }
}
