//! How many sessions one engine holds, and what each takes: `cargo run --release --features testkit --example
//! many_sessions -- 1000000`.
//!
//! Everything is in this process: the memory store, connections without a network, real logins. While all are there,
//! each gives signs of life, and messages go between random pairs of them; the program fails when one is lost.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement stops at the first surprise, and tells"
)]

#[path = "../benches/world/memory.rs"]
mod memory;
#[path = "../benches/world/mod.rs"]
#[expect(dead_code, reason = "other programs use the rest")]
mod world;

use memory::resident;
use mvchat_core::Chat;
use mvchat_core::proto::UserId;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;
use world::{Line, World};

/// How many sessions there are when nobody says otherwise.
const SESSIONS: usize = 100_000;
/// How many messages go between pairs.
const MESSAGES: usize = 1_000;
/// A connection that says nothing for a minute is ended; each says something so often.
const SIGN: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() {
    let count = std::env::args().nth(1).map_or(SESSIONS, |text| text.parse().expect("a number of sessions"));
    let chat = World::of(0).await.chat;
    let mut people = People { lines: Vec::with_capacity(count), signed: 0, round: Instant::now() };
    let tokens = tokens(&chat, count).await;
    let (before, begun) = (resident(), Instant::now());
    for token in &tokens {
        let mut line = Line::open(&chat);
        line.ask(json!({"hi": {"ver": "0", "ua": "many"}})).await;
        line.ask(json!({"login": {"scheme": "token", "secret": token}})).await;
        people.lines.push(line);
        people.give_signs().await;
    }
    let took = begun.elapsed().as_secs_f64();
    let each = (resident() - before) / count as u64;
    assert_eq!((chat.connections(), chat.online()), (count, count), "all are there");
    println!(
        "{count} sessions, each {each} bytes with both ends of its connection; logged in within {took:.1} s"
    );
    let latencies = people.talk().await;
    assert_eq!(chat.connections(), count, "all are still there");
    let at = |part: usize| latencies[(latencies.len() - 1) * part / 1_000].as_micros();
    println!(
        "{MESSAGES} messages between pairs, one after the other, none lost: p50 {} µs, p99 {} µs",
        at(500),
        at(990)
    );
}

/// Makes accounts with a session each.
async fn tokens(chat: &Chat, count: usize) -> Vec<String> {
    let mut tokens = Vec::with_capacity(count);
    for number in 0..count {
        chat.add_user(user(number), None).await.expect("an account");
        let login = chat.mint_token(user(number), "many").await.expect("a session");
        tokens.push(login.token.expect("a token"));
    }
    tokens
}

fn user(number: usize) -> UserId {
    UserId(Uuid::from_u128(1_000 + number as u128))
}

/// The clients of all sessions.
struct People {
    lines: Vec<Line>,
    /// How many of them have given a sign of life in this round, and when it began.
    signed: usize,
    round: Instant,
}

impl People {
    /// Lets those give a sign of life whose turn it is.
    async fn give_signs(&mut self) {
        let part = self.round.elapsed().as_secs_f64() / SIGN.as_secs_f64();
        let due = (self.lines.len() as f64 * part.min(1.0)) as usize;
        for line in self.lines.iter_mut().take(due).skip(self.signed) {
            line.sign().await;
        }
        self.signed = due.max(self.signed);
        if part >= 1.0 {
            (self.signed, self.round) = (0, Instant::now());
        }
    }

    /// Sends messages between pairs, and returns in order how long each took from one end to the other.
    async fn talk(&mut self) -> Vec<Duration> {
        let count = self.lines.len();
        let mut latencies = Vec::with_capacity(MESSAGES);
        for number in 0..MESSAGES {
            // Two that are far apart, others each time: 7,919 and 104,729 are primes.
            let (one, other) = (number * 7_919 % count, (number * 104_729 + count / 2) % count);
            if one == other {
                continue;
            }
            let conv = self.lines[one].ask(json!({"dm": {"user": user(other)}})).await["conv"].take();
            let content = format!("message {number}");
            let begun = Instant::now();
            self.lines[one].ask(json!({"send": {"conv": conv, "content": content}})).await;
            loop {
                let frame = self.lines[other].frame().await.expect("an open connection");
                let frame: Value = serde_json::from_slice(&frame).expect("JSON");
                if frame["data"]["content"]["text"] == content.as_str() {
                    break;
                }
            }
            latencies.push(begun.elapsed());
            self.give_signs().await;
        }
        latencies.sort();
        latencies
    }
}
