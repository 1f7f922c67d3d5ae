//! Every connection of a member hears every `rev` once, in order, whatever happens at once.

use crate::support::{User, flaky};
use mvchat_core::Chat;
use mvchat_core::proto::Close;
use mvchat_core::testkit::{Chances, Faults, Method};
use serde_json::{Value, json};
use std::time::Duration;

/// One connection with what it has heard.
struct Listener {
    user: User,
    /// The last `rev`, while the user is a member.
    at: Option<u64>,
    log: Vec<String>,
    closed: bool,
}

impl Listener {
    fn new(user: User) -> Self {
        Self { user, at: None, log: Vec::new(), closed: false }
    }

    /// Hears everything up to now; a connection may only end to catch up.
    async fn settle(&mut self, conv: &str) {
        let id = self.user.wire.begin(json!({"hi": {}})).await;
        let mut frames = Vec::new();
        loop {
            match self.user.wire.next().await {
                Some(frame) if frame["ctrl"]["id"] == id.as_str() => break,
                Some(frame) => frames.push(frame),
                None => {
                    assert_eq!(self.user.wire.closed().await, Some(Close::Resync));
                    self.closed = true;
                    break;
                }
            }
        }
        self.hear(conv, &frames);
    }

    /// Checks the frames that came, in their order; what is said of another conversation is left out.
    fn hear(&mut self, conv: &str, frames: &[Value]) {
        for frame in frames {
            let (kind, body) = frame.as_object().and_then(|frame| frame.iter().next()).unwrap();
            let params = if kind == "ctrl" { &body["params"] } else { body };
            let Some(rev) = params["rev"].as_u64().filter(|_| params["conv"] == conv) else { continue };
            if kind == "ctrl" && (params["replay"] == true || params["messages"].is_array()) {
                continue;
            }
            self.log.push(frame.to_string());
            if body["what"] == "conv_added" {
                self.at = Some(rev);
                continue;
            }
            let Some(at) = self.at else { panic!("{} hears {frame} and is no member", self.user.id) };
            // The requester of some changes hears them besides its answer.
            let again = rev == at && kind == "info";
            assert!(again || rev == at + 1, "after {at}: {frame}\n{}", self.log.join("\n"));
            self.at = Some(rev);
            let gone = match body["what"].as_str() {
                Some("member_left") => body["from"] == json!(self.user.id),
                Some("member_kicked") => body["user"] == json!(self.user.id),
                _ => false,
            };
            if gone {
                self.at = None;
            }
        }
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

fn request(random: &mut Random, conv: &str, users: &[String]) -> Value {
    let user = &users[1 + random.below(users.len() as u64 - 1) as usize];
    let seq = 1 + random.below(6);
    match random.below(16) {
        0..=4 => json!({"send": {"conv": conv, "content": format!("{}", random.below(1_000))}}),
        5 => json!({"send": {"conv": conv, "content": "same", "cid": format!("{}", random.below(3))}}),
        6 => json!({"edit": {"conv": conv, "seq": seq, "content": format!("{}", random.below(1_000))}}),
        7 | 8 => json!({"react": {"conv": conv, "seq": seq, "emoji": "x"}}),
        9 => json!({"unsend": {"conv": conv, "seq": seq + 6}}),
        10 => json!({"pin": {"conv": conv, "seq": random.below(4)}}),
        11 => json!({"group": {"action": "kick", "id": conv, "user": user}}),
        12 | 13 => json!({"group": {"action": "invite", "id": conv, "user": user}}),
        14 => json!({"get": {"what": "messages", "conv": conv}}),
        _ => json!({"group": {"action": "role", "id": conv, "user": user,
            "role": if random.below(2) == 0 { "admin" } else { "member" }}}),
    }
}

async fn play(chat: &Chat, faults: &Faults, seed: u64, chances: Chances) -> u64 {
    let mut random = Random(seed);
    let mut a = User::sign_up(chat, &format!("alice{seed}")).await;
    let b = User::sign_up(chat, &format!("bobby{seed}")).await;
    let c = User::sign_up(chat, &format!("carol{seed}")).await;
    let users = [a.id.clone(), b.id.clone(), c.id.clone()];
    let second = [a.device(chat).await, b.device(chat).await];
    let conv = a.group(&[]).await;
    a.wire.settle().await;
    let mut all: Vec<_> = [a, b, c].into_iter().chain(second).map(Listener::new).collect();
    all[0].at = Some(0);
    for number in 0..6 {
        let said = json!({"send": {"conv": conv, "content": format!("{number}")}});
        all[0].user.wire.begin(said).await;
    }
    faults.seed(seed, chances, |method| method == Method::Commit);
    for _ in 0..30 {
        for listener in all.iter_mut().filter(|listener| !listener.closed) {
            for _ in 0..random.below(6) {
                listener.user.wire.begin(request(&mut random, &conv, &users)).await;
            }
        }
        for listener in all.iter_mut().filter(|listener| !listener.closed) {
            listener.settle(&conv).await;
        }
    }
    faults.heal();
    // All requests are answered, and what is in doubt is found out: nobody is behind.
    tokio::time::sleep(Duration::from_secs(3)).await;
    for _ in 0..2 {
        for listener in all.iter_mut().filter(|listener| !listener.closed) {
            listener.settle(&conv).await;
        }
    }
    let mut owner = all[0].user.device(chat).await;
    let view = owner.ok(json!({"get": {"what": "conversation", "conv": conv}})).await;
    let rev = view["conversation"]["rev"].as_u64();
    assert!(rev > Some(8), "{rev:?}");
    for listener in all.iter().filter(|listener| !listener.closed) {
        assert!(
            listener.at.is_none() || listener.at == rev,
            "{} is behind at {:?}",
            listener.user.id,
            listener.at
        );
    }
    all.iter().map(|listener| u64::from(listener.closed)).sum()
}

#[tokio::test(start_paused = true)]
async fn every_rev_is_heard_once_and_in_order() {
    for seed in 1..=12 {
        let (chat, faults) = flaky().await;
        let chances = Chances { delay: 400, ..Chances::default() };
        assert_eq!(play(&chat, &faults, seed * 0x9e37_79b9, chances).await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_stays_open_misses_nothing_while_the_store_fails() {
    let mut closed = 0;
    for seed in 1..=12 {
        let (chat, faults) = flaky().await;
        let chances = Chances { before: 10, after: 10, delay: 300 };
        closed += play(&chat, &faults, seed * 0x9e37_79b9, chances).await;
    }
    assert!(closed > 0, "some commits happened without an answer");
}
