//! Recordings of this server: what it says to the requests that the original does not have, and to some that it has.
//!
//! The files in `decisions` show one decision or addition of the protocol each, the files in `own` a longer story. The
//! first line can be `{"shows":["8"]}`, which names what is shown; with `"limits"` it says what differs from the limits,
//! none of which throttles, with `"access":900` that access tokens are good for so many seconds and that there are
//! refresh tokens, with `"paths":{"B":"/v0/channels"}` where a client connects, and with `"open":["time","limits"]` what
//! is shown as it is.
//!
//! Every other line is a frame or something that happens:
//!
//! * `{"from":"A","frame":…}` went to the server; `"text"` in place of `"frame"` is a message that is no JSON or must
//!   stay as it is written, `"binary"` the same in a binary message. With `"times":9` it is said nine times, and only
//!   what follows the last time is recorded; with `"late":600` the wall clock is ahead meanwhile.
//! * `{"to":"B","frame":…}` came back, to whom it was sent first the one who asked; `{"to":"A","close":4003}` ended a
//!   connection.
//! * `{"enter":"B"}` and `{"leave":"B"}`: a client comes late, or goes.
//! * `{"pause":30}`: seconds that passed.
//!
//! The user of a client is called like it and has the password `password`: `A2` is another device of the user of `A`. A
//! client in lower case has not logged in. Names are `<A>` for a user, and `<id-1>`, `<code-1>`, `<token>`, `<time>`
//! for what differs from run to run; [`placeholders`](super::placeholders) has those that only requests use.
//!
//! To record: write the lines that go to the server, run the test with `MVCHAT_GOLDEN=write`, and read what came back.

use super::folder;
use super::server::Server;
use super::stage::Stage;
use crate::door::Door;
use mvchat_core::proto::Limits;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// How often everybody is asked what they heard of what a server does by itself, when it is not known how much comes.
const ROUNDS: usize = 8;

/// How often they are asked for what has to come.
const PATIENCE: usize = 500;

/// How often something is said again before it is heard what comes of it.
const TOGETHER: u64 = 10;

/// The folders.
const FOLDERS: [&str; 2] = ["decisions", "own"];

/// The files, with their names.
pub(crate) fn files() -> Vec<(String, PathBuf)> {
    let list = |name: &str| {
        let paths = fs::read_dir(folder().join(name)).unwrap().map(|entry| entry.unwrap().path());
        let stem = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
        paths.map(|path| (format!("{name}/{}", stem(&path)), path)).collect::<Vec<_>>()
    };
    let mut files: Vec<_> = FOLDERS.into_iter().flat_map(list).collect();
    files.sort();
    files
}

/// Whether what is recorded is to be written anew.
pub(crate) fn writes() -> bool {
    std::env::var_os("MVCHAT_GOLDEN").is_some_and(|value| value == "write")
}

/// The lines of a file.
pub(crate) fn lines(path: &PathBuf) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    let read = |line| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}: {line}", path.display()))
    };
    text.lines().map(read).collect()
}

/// Plays all of them, each on a server of its own.
pub(crate) async fn play_all<D: Door>() {
    for (name, path) in files() {
        let said = play::<D>(&lines(&path)).await;
        if writes() {
            fs::write(&path, &said).unwrap();
            continue;
        }
        let expected = fs::read_to_string(&path).unwrap();
        for (at, (ours, expected)) in said.lines().zip(expected.lines()).enumerate() {
            assert_eq!(ours, expected, "{name}, line {}", at + 1);
        }
        assert_eq!(said.lines().count(), expected.lines().count(), "{name}");
    }
}

/// Sends what was sent; returns everything that was sent and that came back, as lines.
async fn play<D: Door>(recorded: &[Value]) -> String {
    let header = recorded.first().unwrap();
    let access = header["access"].as_u64().map(Duration::from_secs);
    let server = Server::start_with::<D>(limits(header), access).await;
    let mut stage = Stage::new(&server, header);
    let mut seen = BTreeSet::new();
    for line in recorded {
        let here = line["from"].as_str().or(line["to"].as_str()).or(line["leave"].as_str());
        if let Some(who) = here.filter(|who| seen.insert((*who).to_owned())) {
            stage.enter(who).await;
        }
        seen.extend(line["enter"].as_str().map(str::to_owned));
    }
    let mut said = String::new();
    for (at, line) in recorded.iter().enumerate().filter(|(_, line)| line.get("to").is_none()) {
        writeln!(said, "{line}").unwrap();
        let answers = recorded[at + 1..].iter().take_while(|line| line.get("to").is_some()).count();
        for heard in step(&server, &mut stage, line, answers).await {
            writeln!(said, "{heard}").unwrap();
        }
    }
    said
}

/// Lets happen what a line says; returns what is heard, of which so much is known to come.
async fn step(server: &Server, stage: &mut Stage<'_>, line: &Value, answers: usize) -> Vec<Value> {
    tokio::time::advance(Duration::from_millis(10)).await;
    // What a server does by itself has no answer after which everything is heard.
    let mut by_itself = true;
    let who = line["from"].as_str();
    if let Some(seconds) = line["pause"].as_u64() {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    } else if let Some(who) = line["enter"].as_str() {
        stage.enter_late(who).await;
    } else if let Some(who) = line["leave"].as_str() {
        stage.leave(who).await;
    } else {
        by_itself = false;
    }
    if let Some(who) = who {
        server.clock.set_ahead(line["late"].as_i64().unwrap_or_default());
        let times = line["times"].as_u64().unwrap_or(1);
        for time in 1..times {
            stage.say(who, line).await;
            if time % TOGETHER == 0 || time + 1 == times {
                stage.hear_all(Some(who)).await;
            }
        }
        stage.say(who, line).await;
    }
    let mut heard = stage.hear_all(who).await;
    let known = !writes();
    let mut rounds = 1;
    let count = |heard: &[(String, Vec<Value>)]| heard.iter().map(|(_, lines)| lines.len()).sum::<usize>();
    // What is told on the side can come after the answer to whatever was asked next.
    let least = if by_itself && !known { ROUNDS } else { 2 };
    while rounds < least || (count(&heard) < answers && rounds < PATIENCE) {
        rounds += 1;
        for ((_, lines), (_, more)) in heard.iter_mut().zip(stage.hear_all(who).await) {
            lines.extend(more);
        }
    }
    server.clock.set_ahead(0);
    heard.into_iter().flat_map(|(_, lines)| lines).collect()
}

fn limits(header: &Value) -> Limits {
    let mut limits = serde_json::to_value(Limits::default().unthrottled()).unwrap();
    for (name, value) in header["limits"].as_object().into_iter().flatten() {
        *limits.get_mut(name).unwrap_or_else(|| panic!("no limit is called {name}")) = value.clone();
    }
    serde_json::from_value(limits).unwrap()
}
