//! The clients of a recording, and what stands for what.

use super::names::{is_id, is_time, is_token};
use super::placeholders;
use super::server::Server;
use crate::door::SOCKET;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mvchat_core::proto::{Close, Frame};
use mvchat_core::testkit::Wire;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The clients of a recording.
pub(crate) struct Stage<'a> {
    server: &'a Server,
    /// The first line of the recording.
    header: &'a Value,
    clients: BTreeMap<String, Wire>,
    /// The newest token that each client was given.
    tokens: BTreeMap<String, String>,
    /// By what is there really.
    names: BTreeMap<String, String>,
    ids: usize,
    codes: usize,
    refreshes: usize,
    cursors: usize,
    ended: BTreeSet<String>,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(server: &'a Server, header: &'a Value) -> Self {
        Self {
            server,
            header,
            clients: BTreeMap::new(),
            tokens: BTreeMap::new(),
            names: BTreeMap::new(),
            ids: 0,
            codes: 0,
            refreshes: 0,
            cursors: 0,
            ended: BTreeSet::new(),
        }
    }

    /// Brings a client in, once, before the recording begins.
    pub(crate) async fn enter(&mut self, who: &str) {
        if !self.clients.contains_key(who) {
            self.enter_late(who).await;
            for wire in self.clients.values_mut() {
                wire.settle().await;
            }
        }
    }

    /// Brings a client in: the user of its letter signs up, or logs in again.
    pub(crate) async fn enter_late(&mut self, who: &str) {
        // So that ids, which begin with the time, are in the order of the letters.
        tokio::time::advance(Duration::from_millis(10)).await;
        self.ended.remove(who);
        let path = self.header["paths"][who].as_str().unwrap_or(SOCKET);
        let mut wire = self.server.connect(path).await;
        let user = &who[..1];
        if user == user.to_uppercase() {
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
            let token = params["token"].as_str().unwrap();
            self.tokens.entry(user.to_owned()).or_insert_with(|| token.to_owned());
        }
        self.clients.insert(who.to_owned(), wire);
    }

    /// Ends a client's connection.
    pub(crate) async fn leave(&mut self, who: &str) {
        let mut wire = self.clients.remove(who).unwrap();
        wire.send_frame(Frame::Close(Close::Normal)).await;
        assert_eq!(wire.closed().await, Some(Close::Normal));
    }

    /// Says what a line says.
    pub(crate) async fn say(&mut self, who: &str, line: &Value) {
        let text = |key: &str| line[key].as_str().map(placeholders::filled);
        let frame = if let Some(text) = text("binary") {
            Frame::Binary(text.into())
        } else if let Some(text) = text("text") {
            Frame::Text(text.into())
        } else {
            let known = placeholders::Known { names: &self.names, tokens: &self.tokens, server: self.server };
            Frame::Text(known.real(&line["frame"]).to_string().into())
        };
        self.clients.get_mut(who).unwrap().send_frame(frame).await;
    }

    /// Returns everything that everybody heard, with names, as lines: first the one who asked.
    pub(crate) async fn hear_all(&mut self, first: Option<&str>) -> Vec<(String, Vec<Value>)> {
        let others = self.clients.keys().map(String::as_str).filter(|other| Some(*other) != first);
        let listeners: Vec<_> = first.into_iter().chain(others).map(str::to_owned).collect();
        let mut heard = Vec::new();
        for listener in listeners {
            let lines = self.hear(&listener).await;
            heard.push((listener, lines));
        }
        heard
    }

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
        for token in heard.iter().filter_map(|frame| frame["ctrl"]["params"]["token"].as_str()) {
            self.tokens.insert(who.to_owned(), token.to_owned());
        }
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
            Value::Object(_) if key == "limits" && !self.is_open(key) => Value::from("<limits>"),
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
            return if self.is_open("time") { text } else { "<time>".to_owned() };
        } else if matches!(key, "since" | "next") {
            self.cursors += 1;
            format!("<cursor-{}>", self.cursors)
        } else {
            return text;
        };
        self.names.insert(text, name.clone());
        name
    }

    /// Returns whether the recording shows what others replace.
    fn is_open(&self, what: &str) -> bool {
        self.header["open"].as_array().is_some_and(|open| open.iter().any(|name| name == what))
    }
}
