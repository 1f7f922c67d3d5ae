//! What a flood of logins does to everybody else: offers 200 a second, with wrong passwords of everyday strength, and
//! prints how long messages between two others take, how long the logins wait for their answers, and how much memory
//! the process holds meanwhile.
//!
//! `cargo run --release -p mvchat-core --features testkit --example login_flood [seconds]`
//!
//! Twice: from everywhere, which only the queue of the hasher stops, and from one address, which the table of limits
//! stops before.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a measurement stops at the first surprise")]

#[path = "../benches/world/memory.rs"]
mod memory;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memory::resident;
use mvchat_core::Chat;
use mvchat_core::builtin::MemoryStore;
use mvchat_core::proto::{Act, Limits};
use mvchat_core::testkit::Wire;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;

/// How many logins a second are offered.
const OFFERED: u64 = 200;
/// How many people have accounts to guess at.
const ACCOUNTS: u32 = 50;
/// The pause between two messages whose way is timed.
const PAUSE: Duration = Duration::from_millis(10);

#[tokio::main]
async fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10);
    let time = Duration::from_secs(seconds);
    for (name, one_address) in [("from everywhere", false), ("from one address", true)] {
        let chat = server().await;
        let mut pair = Pair::open(&chat).await;
        let quiet = pair.talk(time).await;
        let before = resident();
        let flood = tokio::spawn(flood(chat.clone(), time, one_address));
        let (loaded, most) = tokio::join!(pair.talk(time), peak(time));
        let answers = flood.await.unwrap();
        report(name, &quiet, &loaded, most.saturating_sub(before), &answers);
    }
}

async fn server() -> Chat {
    let mut limits = Limits::default();
    (limits.rate_limit_messages, limits.rate_limit_burst) = (100_000, 100_000);
    // Everything but the speed of those who are timed.
    limits.rates.retain(|rate| rate.act != Act::Send && rate.act != Act::Register);
    Chat::builder(MemoryStore::default()).limits(limits).build().await.unwrap()
}

/// Two people who talk.
struct Pair {
    from: Wire,
    to: Wire,
    conv: String,
}

impl Pair {
    async fn open(chat: &Chat) -> Self {
        let mut from = Wire::connect(chat);
        let mut to = Wire::connect(chat);
        let mut ids = Vec::new();
        for (wire, name) in [(&mut from, "anna"), (&mut to, "bert")] {
            let account =
                json!({"user": "new", "scheme": "basic", "secret": secret(name, "password"), "login": true});
            ids.push(wire.ask(json!({"acc": account})).await["params"]["user"].take());
        }
        let dm = from.ask(json!({"dm": {"user": ids[1]}})).await;
        to.settle().await;
        Self { from, to, conv: dm["params"]["conv"].as_str().unwrap().to_owned() }
    }

    /// Sends messages for a while; returns how long each took to arrive, sorted.
    async fn talk(&mut self, time: Duration) -> Vec<Duration> {
        let (start, mut took) = (Instant::now(), Vec::new());
        while start.elapsed() < time {
            let sent = Instant::now();
            let message = json!({"send": {"conv": self.conv, "content": {"v": 1, "text": "still here?"}}});
            assert_eq!(self.from.ask(message).await["code"], 202);
            while self.to.next().await.unwrap().get("data").is_none() {}
            took.push(sent.elapsed());
            tokio::time::sleep(PAUSE).await;
        }
        took.sort_unstable();
        took
    }
}

/// Offers logins for a while; returns how often each code was answered, and the longest wait for one.
async fn flood(chat: Chat, time: Duration, one_address: bool) -> BTreeMap<u64, (usize, Duration)> {
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / OFFERED));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (start, mut tasks) = (Instant::now(), Vec::new());
    let mut n: u32 = 0;
    while start.elapsed() < time {
        ticks.tick().await;
        n += 1;
        let ip = Ipv4Addr::from(if one_address { 0xc633_6401 } else { 0x0a00_0000 + n });
        let chat = chat.clone();
        tasks.push(tokio::spawn(async move {
            let mut wire = Wire::connect_from(&chat, SocketAddr::from((IpAddr::from(ip), 4_000)));
            let secret = secret(&format!("victim{}", n % ACCOUNTS), "a wrong password");
            let asked = Instant::now();
            let ctrl: Value = wire.ask(json!({"login": {"scheme": "basic", "secret": secret}})).await;
            let code = ctrl["code"].as_u64().unwrap();
            assert_eq!(code == 429 || code == 503, ctrl["params"]["retryAfter"].is_u64(), "{ctrl}");
            (code, asked.elapsed())
        }));
    }
    let mut answers: BTreeMap<u64, (usize, Duration)> = BTreeMap::new();
    for task in tasks {
        let (code, took) = task.await.unwrap();
        let (count, longest) = answers.entry(code).or_default();
        *count += 1;
        *longest = took.max(*longest);
    }
    answers
}

/// Watches the memory for a while; returns the most that was resident.
async fn peak(time: Duration) -> u64 {
    let (start, mut most) = (Instant::now(), 0);
    while start.elapsed() < time {
        most = most.max(resident());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    most
}

fn secret(name: &str, password: &str) -> String {
    STANDARD.encode(format!("{name}:{password}"))
}

fn report(
    name: &str,
    quiet: &[Duration],
    loaded: &[Duration],
    grown: u64,
    answers: &BTreeMap<u64, (usize, Duration)>,
) {
    let at = |sorted: &[Duration], percent: usize| sorted[(sorted.len() - 1) * percent / 100];
    let mut out = std::io::stdout().lock();
    let mut say = |line: String| writeln!(out, "{line}").unwrap();
    say(format!("{OFFERED} logins a second {name}"));
    say(format!("  messages   quiet   p50 {:?}, p99 {:?}", at(quiet, 50), at(quiet, 99)));
    say(format!("             flooded p50 {:?}, p99 {:?}", at(loaded, 50), at(loaded, 99)));
    let ratio = at(loaded, 99).as_secs_f64() / at(quiet, 99).as_secs_f64();
    say(format!("             p99 grows {ratio:.2} times (goal: at most 2)"));
    say(format!("  memory     grows {:.1} MiB (goal: at most 64)", grown as f64 / 1_048_576.0));
    for (code, (count, longest)) in answers {
        say(format!("  answered   {count} with {code}, after {longest:?} at most (goal: 2.5 s)"));
    }
}
