//! Recordings of this server: what it says to the requests that the original does not have, and to some that it has.
//!
//! A file in `own` has a line for each frame: `{"from":"A","frame":…}` went to the server, `{"to":"B","frame":…}` came
//! back, to whom it was sent first the one who asked. Names are `<A>` for the user of a client, and `<id-1>`, `<code-1>`,
//! `<token>`, `<time>` for what differs from run to run. A client `A2` is another device of the user of `A`.
//! `{"to":"A","close":4003}` ended a connection, `{"pause":30}` are seconds that passed, and a first line
//! `{"limits":…}` says what differs from the limits, none of which throttles; with `{"access":900}` access tokens are
//! good for so many seconds, and there are refresh tokens.
//!
//! To record: write the lines that go to the server, run the test with `MVCHAT_GOLDEN=write`, and read what came back.

use super::folder;
use super::names::{is_id, is_time, is_token};
use super::server::Server;
use crate::door::Door;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mvchat_core::proto::{Close, Limits};
use mvchat_core::testkit::Wire;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// How often everybody is asked what they heard when time has passed: nobody waits for what a server does by itself.
const ROUNDS_AFTER_PAUSE: usize = 4;

/// The files, with their names.
pub(crate) fn files() -> Vec<(String, PathBuf)> {
    let paths = fs::read_dir(folder().join("own")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        paths.map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path)).collect();
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
    let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
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
    let server = Server::start_with::<D>(limits(recorded), access(recorded)).await;
    let mut stage = Stage::default();
    for who in recorded.iter().filter_map(|line| line["from"].as_str().or(line["to"].as_str())) {
        stage.enter(&server, who).await;
    }
    let mut said = String::new();
    for line in recorded.iter().filter(|line| line.get("to").is_none()) {
        writeln!(said, "{line}").unwrap();
        tokio::time::advance(Duration::from_millis(10)).await;
        let mut rounds = 1;
        if let Some(seconds) = line["pause"].as_u64() {
            tokio::time::advance(Duration::from_secs(seconds)).await;
            rounds = ROUNDS_AFTER_PAUSE;
        }
        let who = line["from"].as_str();
        if let Some(who) = who {
            let frame = stage.real(&line["frame"]);
            stage.clients.get_mut(who).unwrap().send_text(frame.to_string()).await;
        }
        let others = stage.clients.keys().map(String::as_str).filter(|other| Some(*other) != who);
        let listeners: Vec<_> = who.into_iter().chain(others).map(str::to_owned).collect();
        let mut heard: Vec<_> = listeners.into_iter().map(|listener| (listener, Vec::new())).collect();
        for _ in 0..rounds {
            for (listener, lines) in &mut heard {
                lines.extend(stage.hear(listener).await);
            }
        }
        for line in heard.iter().flat_map(|(_, lines)| lines) {
            writeln!(said, "{line}").unwrap();
        }
    }
    said
}

fn limits(recorded: &[Value]) -> Limits {
    let mut limits = serde_json::to_value(Limits::default().unthrottled()).unwrap();
    let other = recorded.first().and_then(|line| line["limits"].as_object()).cloned();
    limits.as_object_mut().unwrap().extend(other.unwrap_or_default());
    serde_json::from_value(limits).unwrap()
}

fn access(recorded: &[Value]) -> Option<Duration> {
    recorded.first().and_then(|line| line["access"].as_u64()).map(Duration::from_secs)
}

/// The clients, and what stands for what.
#[derive(Default)]
struct Stage {
    clients: BTreeMap<String, Wire>,
    tokens: BTreeMap<String, Value>,
    /// By what is there really.
    names: BTreeMap<String, String>,
    ids: usize,
    codes: usize,
    refreshes: usize,
    ended: BTreeSet<String>,
}

impl Stage {
    /// Brings a client in, once: the user of its letter signs up, or logs in again.
    async fn enter(&mut self, server: &Server, who: &str) {
        if self.clients.contains_key(who) {
            return;
        }
        // So that ids, which begin with the time, are in the order of the letters.
        tokio::time::advance(Duration::from_millis(10)).await;
        let user = &who[..1];
        let mut wire = server.connect().await;
        let ctrl = if let Some(token) = self.tokens.get(user) {
            wire.ask(json!({"login": {"scheme": "token", "secret": token}})).await
        } else {
            let secret = STANDARD.encode(format!("user-{user}:password"));
            let desc = json!({"public": {"fn": user}});
            let account =
                json!({"user": "new", "scheme": "basic", "secret": secret, "login": true, "desc": desc});
            wire.ask(json!({"acc": account})).await
        };
        let params = &ctrl["params"];
        self.names.insert(params["user"].as_str().unwrap().to_owned(), format!("<{user}>"));
        self.tokens.entry(user.to_owned()).or_insert_with(|| params["token"].clone());
        self.clients.insert(who.to_owned(), wire);
        for wire in self.clients.values_mut() {
            wire.settle().await;
        }
    }

    /// Returns everything that a client heard, with names, as lines.
    async fn hear(&mut self, who: &str) -> Vec<Value> {
        if self.ended.contains(who) {
            return Vec::new();
        }
        let wire = self.clients.get_mut(who).unwrap();
        let id = wire.begin(json!({"hi": {}})).await;
        let mut heard = Vec::new();
        let close = loop {
            match wire.next().await {
                Some(frame) if frame["ctrl"]["id"] == id.as_str() => break None,
                Some(frame) => heard.push(frame),
                None => break Some(wire.closed().await.map(Close::code)),
            }
        };
        let frames = heard.into_iter().map(|frame| json!({"to": who, "frame": self.named("", frame)}));
        let mut lines: Vec<_> = frames.collect();
        if let Some(code) = close {
            self.ended.insert(who.to_owned());
            lines.push(json!({"to": who, "close": code}));
        }
        lines
    }

    fn named(&mut self, key: &str, value: Value) -> Value {
        match value {
            // The book has the figures.
            Value::Object(_) if key == "limits" => Value::from("<limits>"),
            Value::Object(fields) => {
                fields.into_iter().map(|(key, value)| (key.clone(), self.named(&key, value))).collect()
            }
            Value::Array(items) => items.into_iter().map(|item| self.named(key, item)).collect(),
            Value::String(text) => Value::String(self.name(key, text)),
            other => other,
        }
    }

    fn name(&mut self, key: &str, text: String) -> String {
        if let Some(name) = self.names.get(&text) {
            return name.clone();
        }
        let name = if is_id(&text) {
            self.ids += 1;
            format!("<id-{}>", self.ids)
        } else if key == "code" {
            self.codes += 1;
            format!("<code-{}>", self.codes)
        } else if text.starts_with("mvr_") {
            self.refreshes += 1;
            format!("<refresh-{}>", self.refreshes)
        } else if is_token(&text) {
            return "<token>".to_owned();
        } else if is_time(&text) {
            return "<time>".to_owned();
        } else if matches!(key, "since" | "next") {
            return "<cursor>".to_owned();
        } else {
            return text;
        };
        self.names.insert(text, name.clone());
        name
    }

    fn real(&self, frame: &Value) -> Value {
        let mut text = frame.to_string();
        for (real, name) in &self.names {
            text = text.replace(&format!("\"{name}\""), &format!("\"{real}\""));
        }
        serde_json::from_str(&text).unwrap()
    }
}
