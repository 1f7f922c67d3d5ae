//! An engine on the memory store with a group, and connections without a network: what benchmarks of the engine share.

use futures_util::{SinkExt, StreamExt};
use mvchat_core::Chat;
use mvchat_core::builtin::MemoryStore;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::engine::Peer;
use mvchat_core::policy::{ConvKind, ConvSettings};
use mvchat_core::proto::{ConvId, Frame, Json, Limits, Role, UserId};
use mvchat_core::seam::{ConversationStore, NewConversation};
use mvchat_core::testkit::Pipe;
use mvchat_core::time::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;
use uuid::Uuid;

/// Frames that may wait between the engine and a reader.
const QUEUE: usize = 64;
/// Who writes; this one has no connection.
pub(crate) const WRITER: UserId = UserId(Uuid::from_u128(1));
/// The group of the writer and all others.
pub(crate) const GROUP: ConvId = ConvId(Uuid::from_u128(2));

/// What everything runs on: one thread, so that a run is like the other.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A text of so many bytes, as people write them.
pub(crate) fn text(bytes: usize) -> Json {
    let words = "the quick brown fox jumps over the lazy dog, and nobody minds; ".repeat(bytes / 63 + 1);
    Json::of(&&words[..bytes])
}

/// An engine, and how much its connections have heard.
pub(crate) struct World {
    pub(crate) chat: Chat,
    pub(crate) heard: Arc<Heard>,
}

/// Frames that have arrived at readers.
#[derive(Default)]
pub(crate) struct Heard {
    count: AtomicU64,
    goal: AtomicU64,
    reached: Notify,
}

impl Heard {
    fn add(&self) {
        if self.count.fetch_add(1, Ordering::Relaxed) + 1 == self.goal.load(Ordering::Relaxed) {
            self.reached.notify_one();
        }
    }

    /// Waits until so many more have arrived than when `before` was looked at.
    pub(crate) async fn more(&self, before: u64, count: u64) {
        self.goal.store(before + count, Ordering::Relaxed);
        while self.count.load(Ordering::Relaxed) < before + count {
            self.reached.notified().await;
        }
    }

    /// How many have arrived.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

impl World {
    /// Makes a group of the writer and so many others, all of whom are connected and read.
    pub(crate) async fn of(readers: usize) -> Self {
        let store = MemoryStore::default();
        let builder = Chat::builder(store.clone()).passwords(PasswordParams::insecurely_fast());
        let chat = builder.limits(Limits::default().unthrottled()).build().await.expect("an engine");
        chat.add_user(WRITER, None).await.expect("a writer");
        let heard = Arc::new(Heard::default());
        let mut members = vec![(WRITER, Role::Owner)];
        for number in 0..readers {
            let mut line = Line::open(&chat);
            members.push((line.sign_up(number).await, Role::Member));
            let heard = heard.clone();
            tokio::spawn(async move {
                while line.frame().await.is_some() {
                    heard.add();
                }
            });
        }
        store.create_conversation(group(members)).await.expect("a group");
        Self { chat, heard }
    }
}

fn group(members: Vec<(UserId, Role)>) -> NewConversation {
    NewConversation {
        id: GROUP,
        kind: ConvKind::Group,
        members: members.into_iter().collect(),
        owner: Some(WRITER),
        cid: None,
        settings: ConvSettings::default(),
        max_per_user: None,
        at: Timestamp::from_micros(1),
    }
}

/// The client's end of a connection.
pub(crate) struct Line(Pipe);

impl Line {
    /// Connects.
    pub(crate) fn open(chat: &Chat) -> Self {
        let (ours, theirs) = Pipe::pair(QUEUE);
        let chat = chat.clone();
        tokio::spawn(async move { chat.serve(theirs, Peer::default()).await });
        Self(ours)
    }

    /// Sends a text.
    pub(crate) async fn send(&mut self, text: String) {
        self.0.send(Frame::Text(text.into())).await.expect("an open connection");
    }

    /// Gives a sign of life.
    pub(crate) async fn sign(&mut self) {
        self.0.send(Frame::Pong).await.expect("an open connection");
    }

    /// Returns the next text; `None` at the end.
    pub(crate) async fn frame(&mut self) -> Option<bytes::Bytes> {
        loop {
            match self.0.next().await? {
                Ok(Frame::Text(text)) => return Some(text),
                Ok(Frame::Ping) => self.0.send(Frame::Pong).await.ok()?,
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// Asks for something; returns the answer.
    pub(crate) async fn ask(&mut self, mut request: Value) -> Value {
        request["id"] = json!("asked");
        self.send(request.to_string()).await;
        loop {
            let frame = self.frame().await.expect("an answer");
            let mut frame: Value = serde_json::from_slice(&frame).expect("JSON");
            if frame["ctrl"]["id"] == "asked" {
                let code = frame["ctrl"]["code"].as_u64();
                assert!(code.is_some_and(|code| code < 300), "{frame}");
                return frame["ctrl"]["params"].take();
            }
        }
    }

    async fn sign_up(&mut self, number: usize) -> UserId {
        let account = self.account(number).await;
        serde_json::from_value(account["user"].clone()).expect("a user")
    }

    /// Makes an account; returns what the login brings.
    pub(crate) async fn account(&mut self, number: usize) -> Value {
        let secret = mvchat_core::wire::base64(format!("person-{number}:a password").as_bytes());
        self.ask(json!({"acc": {"user": "new", "scheme": "basic", "secret": secret, "login": true}})).await
    }
}
