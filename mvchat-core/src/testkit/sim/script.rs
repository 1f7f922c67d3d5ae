//! What the user of a device does, by chance.

use super::host::Host;
use super::world::Written;
use crate::client::Draft;
use crate::proto::{ConvId, Envelope, Json, Request, Seq};
use serde_json::{Value, json};

/// How many messages a user may send again.
const REMEMBERED: usize = 12;
/// What a flood is made of: more than the outbox and all that a connection holds besides.
const FLOOD: u64 = 260;
const FLOOD_BYTES: usize = 4_000;

/// Reads a request that the simulation wrote.
pub(super) fn request(value: &Value) -> Request {
    let text = value.to_string();
    Envelope::decode(text.as_bytes())
        .map(|envelope| envelope.request)
        .expect("the simulation knows the protocol")
}

impl Host {
    /// Does one thing.
    pub(super) fn act(&mut self) {
        let convs: Vec<ConvId> = self.client.state().conversations().keys().copied().collect();
        let Some(conv) = self.rng.pick(&convs).copied() else { return };
        if self.rng.chance(self.world.scenario.floods) {
            return self.flood(conv);
        }
        let id = conv.to_string();
        let any = self.target(conv, false);
        let own = self.target(conv, true);
        let seq = any.unwrap_or(1);
        let mine = own.unwrap_or(seq);
        // Mostly about one's own messages, because most else is refused.
        let edited = if self.rng.chance(900) { mine } else { seq };
        let other = self.other();
        match self.rng.below(100) {
            0..=29 => self.write(conv, any),
            30..=34 => self.write_again(),
            35..=41 => {
                let content = self.words("edit");
                let mut edit = json!({"conv": id, "seq": edited, "content": content});
                if self.rng.chance(300) {
                    edit["cid"] = format!("e{}", self.rng.below(4)).into();
                }
                self.ask(json!({ "edit": edit }));
            }
            42..=45 => self.ask(json!({"unsend": {"conv": id, "seq": mine}})),
            46..=47 => self.ask(json!({"delete": {"conv": id, "seq": edited, "forEveryone": true}})),
            48..=49 => {
                self.ask(json!({"delete": {"conv": id, "seq": seq}}));
                self.walk(conv);
            }
            50..=58 => {
                let emoji = ["👍", "❤", "x"][usize::try_from(self.rng.below(3)).unwrap_or(0)];
                let mut react = json!({"conv": id, "seq": seq, "emoji": emoji});
                match self.rng.below(3) {
                    0 => react["op"] = "add".into(),
                    1 => react["op"] = "remove".into(),
                    _ => {}
                }
                self.ask(json!({ "react": react }));
            }
            59..=60 => {
                let pinned = if self.rng.chance(300) { 0 } else { seq };
                self.ask(json!({"pin": {"conv": id, "seq": pinned}}));
            }
            61..=68 => self.ask(json!({"read": {"conv": id, "seq": seq}})),
            69..=70 => self.ask(json!({"recv": {"conv": id, "seq": seq}})),
            71 => self.ask(json!({"clear": {"conv": id, "seq": seq / 2}})),
            72..=73 => {
                let now = self.now();
                self.client.typing(conv, now);
            }
            74..=75 => self.ask(json!({"group": {"action": "kick", "id": id, "user": other}})),
            76..=79 => self.ask(json!({"group": {"action": "invite", "id": id, "user": other}})),
            80 => self.ask(json!({"group": {"action": "leave", "id": id}})),
            81 => {
                let action = if self.rng.chance(300) { "ban" } else { "unban" };
                self.ask(json!({"group": {"action": action, "id": id, "user": other}}));
            }
            82..=83 => {
                let role = if self.rng.chance(500) { "admin" } else { "member" };
                self.ask(json!({"group": {"action": "role", "id": id, "user": other, "role": role}}));
            }
            84 => {
                self.ask(json!({"group": {"action": "update", "id": id, "desc": {"public": {"fn": other}}}}))
            }
            85..=86 => {
                let blocked = self.rng.chance(400);
                self.ask(json!({"dm": {"conv": id, "blocked": blocked}}));
            }
            87..=88 => {
                let key = ["favorite", "muted", "archived"][usize::try_from(self.rng.below(3)).unwrap_or(0)];
                let on = self.rng.chance(500);
                self.ask(json!({"dm": {"conv": id, key: on}}));
            }
            89 => self.ask(json!({"get": {"what": "members", "conv": id}})),
            90 => self.ask(json!({"get": {"what": "receipts", "conv": id, "limit": 3}})),
            91..=94 => self.walk(conv),
            95 => {
                let conv = self.any_conv();
                self.ask(json!({"get": {"what": "messages", "conv": conv, "limit": 20}}));
            }
            96 => self.ask(json!({"dm": {"user": other}})),
            97 => self.restart(),
            98 => self.log_out(),
            _ => self.ask(json!({"get": {"what": "conversations"}})),
        }
    }

    /// Says something in every conversation, so that there is something to agree on after the faults.
    pub(super) fn say_goodbye(&mut self) {
        let convs: Vec<ConvId> = self.client.state().conversations().keys().copied().collect();
        for conv in convs {
            self.write(conv, None);
        }
    }

    pub(super) fn ask(&mut self, value: Value) {
        let now = self.now();
        self.client.request(request(&value), now);
    }

    /// Ends this session, another one, all of them, or leaves the connection in the air.
    fn log_out(&mut self) {
        match self.rng.below(4) {
            3 => {
                let logins = self.world.logins.lock()[self.user].clone();
                // The newest ones are in use.
                let newest = &logins[logins.len().saturating_sub(3)..];
                if let Some(session) = self.rng.pick(newest).copied() {
                    self.ask(json!({"session": {"revoke": session}}));
                }
            }
            0 => self.ask(json!({"logout": {}})),
            1 => self.ask(json!({"logout": {"all": true}})),
            _ => {
                let now = self.now();
                self.client.close(now);
            }
        }
    }

    fn write(&mut self, conv: ConvId, answers: Option<u64>) {
        let content = Json::from_value(&self.words("sent"));
        let cid = format!("{}-{}", self.device, self.rng.next());
        let mut draft = Draft::new(conv, content.clone()).with_cid(&cid);
        if let Some(seq) = answers.filter(|_| self.rng.chance(200)) {
            draft = draft.in_reply_to(Seq(seq));
        } else {
            // Only what is sent the same again is remembered.
            let mut written = self.world.written.lock();
            let mine = &mut written[self.user];
            mine.push(Written { conv, cid, content });
            if mine.len() > REMEMBERED {
                mine.remove(0);
            }
        }
        let now = self.now();
        drop(self.client.send(draft, now));
    }

    /// Sends what this or another device of the user has sent before; seldom under the same name something else.
    fn write_again(&mut self) {
        let written = self.world.written.lock()[self.user].clone();
        let Some(Written { conv, cid, content }) = self.rng.pick(&written).cloned() else { return };
        let content = if self.rng.chance(150) { Json::from_value(&self.words("other")) } else { content };
        let now = self.now();
        drop(self.client.send(Draft::new(conv, content).with_cid(cid), now));
    }

    /// Writes much at once, while somebody does not read, a little shorter than a server waits for that.
    fn flood(&mut self, conv: ConvId) {
        super::chaos::stall_link(&self.world, self.rng.next(), 9_000);
        for _ in 0..FLOOD {
            let words = format!("{} {}", self.words("flood"), "x".repeat(FLOOD_BYTES));
            let cid = format!("{}-{}", self.device, self.rng.next());
            let now = self.now();
            drop(self.client.send(Draft::text(conv, &words).with_cid(cid), now));
        }
    }

    /// Returns a text that nobody else ever writes, so that it can be found wherever it gets to.
    fn words(&mut self, kind: &str) -> String {
        format!("{kind} canary-{}-{:016x}.", self.user, self.rng.next())
    }

    fn other(&mut self) -> String {
        let users = self.world.users.clone();
        self.rng.pick(&users).map(ToString::to_string).unwrap_or_default()
    }

    /// Returns a conversation that somebody else may be in.
    fn any_conv(&mut self) -> String {
        let written = self.world.written.lock();
        let convs: Vec<ConvId> = written.iter().flatten().map(|written| written.conv).collect();
        drop(written);
        self.rng.pick(&convs).map(ToString::to_string).unwrap_or_default()
    }

    /// Returns one of the newest messages.
    fn target(&mut self, conv: ConvId, own: bool) -> Option<u64> {
        let me = self.client.state().me();
        let known = self.client.state().conversation(conv)?;
        let newest = known.messages().values().rev().filter(|message| !own || message.from == me);
        let newest: Vec<_> = newest.take(if own { 3 } else { 8 }).collect();
        let place = self.rng.below(newest.len() as u64);
        newest.get(usize::try_from(place).unwrap_or(0)).map(|message| message.seq.0)
    }
}
