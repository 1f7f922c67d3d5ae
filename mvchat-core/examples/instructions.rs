//! The script whose instructions are counted, so that a change that makes the engine slower is seen on any machine.
//!
//! `cargo xtask bench instructions` runs each part under callgrind and holds the counts against those in
//! `mvchat-core/benches/instructions.txt`. Everything is in this process and on one thread: the memory store,
//! connections without a network, no password.
#![expect(clippy::expect_used, reason = "a measurement stops at the first surprise")]

#[path = "../benches/world/mod.rs"]
#[expect(dead_code, reason = "other programs use the rest")]
mod world;

use serde_json::json;
use std::pin::Pin;
use tokio::runtime::Runtime;
use world::{GROUP, Line, WRITER, World, runtime, text};

/// How many messages one connection sends; so many are on their way at once.
const SENDS: usize = 10_000;
const AT_ONCE: usize = 16;
/// How many messages go to a group of a thousand.
const FANOUTS: usize = 20;
const READERS: usize = 1_000;
/// How many people log in, and how many pages of history they read.
const LOGINS: usize = 200;
const PAGES: usize = 200;

type Work<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

fn main() -> Result<(), String> {
    let part = std::env::args().nth(1).unwrap_or_default();
    let runtime = runtime();
    match part.as_str() {
        "sends" => sends(&runtime),
        "fanout" => fanout(&runtime),
        "login" => login(&runtime),
        "history" => history(&runtime),
        other => return Err(format!("there is no part `{other}`: sends, fanout, login, history")),
    }
    Ok(())
}

/// What is counted: callgrind is told to count within this function only.
#[inline(never)]
fn measured(runtime: &Runtime, work: Work<'_>) {
    runtime.block_on(work);
}

fn sends(runtime: &Runtime) {
    let (world, mut line, conv) = runtime.block_on(note_to_self());
    let frame = |number: usize| {
        let content = text(120);
        let content = content.as_str();
        format!(r#"{{"id":"{number}","send":{{"conv":"{conv}","content":{content},"cid":"c{number}"}}}}"#)
    };
    let work = async {
        let mut sent = 0;
        for answered in 0..SENDS {
            while sent < SENDS.min(answered + AT_ONCE) {
                line.send(frame(sent)).await;
                sent += 1;
            }
            line.frame().await.expect("an answer");
        }
    };
    measured(runtime, Box::pin(work));
    drop(world);
}

fn fanout(runtime: &Runtime) {
    let world = runtime.block_on(World::of(READERS));
    let actor = world.chat.act_as(WRITER);
    // The first message loads what the others find.
    for (count, counted) in [(1, false), (FANOUTS, true)] {
        let work = async {
            for _ in 0..count {
                let before = world.heard.count();
                actor.send(GROUP, text(120)).await.expect("a place");
                world.heard.more(before, READERS as u64).await;
            }
        };
        if counted { measured(runtime, Box::pin(work)) } else { runtime.block_on(work) }
    }
}

fn login(runtime: &Runtime) {
    let (world, _line, _) = runtime.block_on(note_to_self());
    let tokens: Vec<String> = runtime.block_on(async {
        let mut tokens = Vec::new();
        for number in 1..=LOGINS {
            let account = Line::open(&world.chat).account(number).await;
            tokens.push(account["token"].as_str().expect("a token").to_owned());
        }
        tokens
    });
    let work = async {
        for token in &tokens {
            let mut line = Line::open(&world.chat);
            line.ask(json!({"hi": {"ver": "0", "ua": "script"}})).await;
            line.ask(json!({"login": {"scheme": "token", "secret": token}})).await;
            line.ask(json!({"get": {"what": "conversations", "limit": 100}})).await;
        }
    };
    measured(runtime, Box::pin(work));
}

fn history(runtime: &Runtime) {
    let (world, mut line, conv) = runtime.block_on(note_to_self());
    runtime.block_on(async {
        for _ in 0..100 {
            line.ask(json!({"send": {"conv": conv, "content": "a message of the past"}})).await;
        }
    });
    let work = async {
        for _ in 0..PAGES {
            line.ask(json!({"get": {"what": "messages", "conv": conv, "limit": 50}})).await;
        }
    };
    measured(runtime, Box::pin(work));
    drop(world);
}

/// An engine with somebody who is connected, and a conversation that nobody else hears.
async fn note_to_self() -> (World, Line, String) {
    let world = World::of(0).await;
    let mut line = Line::open(&world.chat);
    line.account(0).await;
    let opened = line.ask(json!({"dm": {"self": true}})).await;
    let conv = opened["conv"].as_str().expect("a conversation").to_owned();
    (world, line, conv)
}
