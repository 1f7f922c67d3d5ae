//! A client and a scripted server: JSON in, JSON out, a clock that only moves when told.

mod connecting;
mod expiring;
mod hostile;
mod model;
mod sending;
mod syncing;

use super::*;
use crate::proto::{Close, ConvId, Seq, UserId};
use crate::time::Instant;
use serde_json::{Value, json};

const ME: &str = "00000000-0000-4000-8000-00000000000a";
const BOB: &str = "00000000-0000-4000-8000-00000000000b";
const CONV: &str = "00000000-0000-4000-8000-0000000000c1";
const OTHER: &str = "00000000-0000-4000-8000-0000000000c2";
const TS: &str = "2026-01-01T00:00:00.000000Z";

fn conv() -> ConvId {
    CONV.parse().unwrap()
}

fn other() -> ConvId {
    OTHER.parse().unwrap()
}

fn bob() -> UserId {
    BOB.parse().unwrap()
}

struct Rig {
    client: Client,
    now: u64,
    sent: Vec<Value>,
    events: Vec<Event>,
    connects: usize,
    disconnects: Vec<Close>,
    wait: Option<Instant>,
}

impl Rig {
    fn new() -> Self {
        Self::with(ClientConfig::new(Credentials::basic("alice", "correct horse")))
    }

    fn with(config: ClientConfig) -> Self {
        Self::seeded(config, 1)
    }

    fn seeded(config: ClientConfig, seed: u64) -> Self {
        let client = Client::new(config, seed, Instant(0));
        let mut rig = Self {
            client,
            now: 0,
            sent: Vec::new(),
            events: Vec::new(),
            connects: 0,
            disconnects: Vec::new(),
            wait: None,
        };
        rig.drain();
        rig
    }

    /// Logged in, with these conversations, all caught up.
    fn ready(conversations: Value) -> Self {
        let mut rig = Self::new();
        rig.log_in();
        rig.list(conversations);
        assert!(rig.client.is_synced());
        rig.events.clear();
        rig
    }

    fn drain(&mut self) {
        loop {
            match self.client.poll() {
                Output::Connect => self.connects += 1,
                Output::Send(text) => self.sent.push(serde_json::from_slice(&text).unwrap()),
                Output::Disconnect(close) => self.disconnects.push(close),
                Output::Event(event) => self.events.push(*event),
                Output::Wait(until) => {
                    self.wait = until;
                    return;
                }
            }
        }
    }

    fn input(&mut self, input: Input<'_>) {
        self.client.handle(input, Instant(self.now));
        self.drain();
    }

    fn act<T>(&mut self, act: impl FnOnce(&mut Client, Instant) -> T) -> T {
        let result = act(&mut self.client, Instant(self.now));
        self.drain();
        result
    }

    fn recv(&mut self, frame: Value) {
        self.input(Input::Text(frame.to_string().as_bytes()));
    }

    /// Lets time pass, stopping wherever the machine wants to be told.
    fn pass(&mut self, millis: u64) {
        let end = self.now + millis;
        let mut wakes = 0;
        while let Some(until) = self.wait.filter(|until| until.0 <= end) {
            wakes += 1;
            assert!(wakes < 1_000, "the machine spins at {until:?}: {:?}", self.client);
            self.now = self.now.max(until.0);
            self.input(Input::Timeout);
        }
        self.now = end;
        self.input(Input::Timeout);
    }

    /// Takes the next request with this key: its id and its fields.
    fn asked(&mut self, key: &str) -> (String, Value) {
        let at = self.sent.iter().position(|frame| frame.get(key).is_some());
        let frame = self.sent.remove(at.unwrap_or_else(|| panic!("no {key} in {:?}", self.sent)));
        (frame["id"].as_str().unwrap_or_default().to_owned(), frame[key].clone())
    }

    fn get(&mut self, what: &str) -> (String, Value) {
        let (id, fields) = self.asked("get");
        assert_eq!(fields["what"], what, "{fields}");
        (id, fields)
    }

    fn quiet(&self) -> bool {
        self.sent.is_empty()
    }

    fn reply(&mut self, id: &str, code: u16, params: Value) {
        self.recv(json!({"ctrl": {"id": id, "code": code, "text": "ok", "params": params, "ts": TS}}));
    }

    fn refuse(&mut self, id: &str, code: u16, err: &str, params: Value) {
        let text = format!("it is {err}");
        self.recv(
            json!({"ctrl": {"id": id, "code": code, "text": text, "err": err, "params": params, "ts": TS}}),
        );
    }

    fn log_in(&mut self) {
        self.input(Input::Opened);
        let (hi, _) = self.asked("hi");
        let (login, _) = self.asked("login");
        self.reply(&hi, 200, json!({}));
        self.reply(&login, 200, account("tok-1"));
        assert!(self.client.is_connected());
    }

    fn list(&mut self, conversations: Value) {
        let (id, _) = self.get("conversations");
        self.reply(&id, 200, json!({"conversations": conversations, "since": "s1"}));
    }

    /// The connection breaks, and a new one is logged in.
    fn break_and_log_in(&mut self) {
        self.input(Input::Closed(None));
        self.sent.clear();
        let connects = self.connects;
        self.pass(self.wait.unwrap().0 - self.now);
        assert_eq!(self.connects, connects + 1);
        self.log_in();
    }

    fn conversation(&self) -> &Conversation {
        self.client.state().conversation(conv()).unwrap()
    }

    fn texts(&self) -> Vec<String> {
        let text = |item: &crate::proto::MessageItem| item.content.as_ref().map(|it| it.as_str().to_owned());
        self.conversation().messages().values().filter_map(text).collect()
    }

    fn messages(&self) -> Vec<u64> {
        let seq = |event: &Event| match event {
            Event::Message { message, .. } => Some(message.seq.0),
            _ => None,
        };
        self.events.iter().filter_map(seq).collect()
    }

    fn states(&self) -> Vec<SendState> {
        let state = |event: &Event| match event {
            Event::SendState { state, .. } => Some(state.clone()),
            _ => None,
        };
        self.events.iter().filter_map(state).collect()
    }

    fn saw(&self, is: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(is)
    }
}

fn account(token: &str) -> Value {
    json!({"user": ME, "token": token, "expires": TS, "emailVerified": false, "desc": {"public": null}})
}

fn view(conv: &str, rev: u64, last: u64) -> Value {
    json!({
        "id": conv, "type": "group", "rev": rev, "own": 0, "lastSeq": last, "readSeq": last, "recvSeq": last,
        "clearSeq": 0, "unread": 0, "role": "member", "favorite": false, "muted": false, "archived": false,
        "blocked": false, "private": null, "public": null,
    })
}

fn data(conv: &str, seq: u64, rev: u64) -> Value {
    json!({"data": {"conv": conv, "seq": seq, "rev": rev, "from": BOB, "content": {"v": 1, "text": format!("m{seq}")}, "ts": TS}})
}

fn item(seq: u64, rev: u64) -> Value {
    json!({"rev": rev, "message": message(seq, rev)})
}

fn message(seq: u64, rev: u64) -> Value {
    json!({"seq": seq, "rev": rev, "from": BOB, "ts": TS, "content": {"v": 1, "text": format!("m{seq}")}})
}

fn info(what: &str, rev: u64, more: Value) -> Value {
    let mut info = json!({"conv": CONV, "from": BOB, "what": what, "rev": rev, "ts": TS});
    for (key, value) in more.as_object().unwrap() {
        info[key] = value.clone();
    }
    json!({"info": info})
}
