//! Guests: let in for a while, with fewer rights.

use crate::support::{User, text};
use mvchat_core::Chat;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::builtin::{MemoryStore, SystemEnv};
use mvchat_core::seam::Env;
use mvchat_core::testkit::Wire;
use mvchat_core::time::{Instant, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A clock that can be put ahead.
#[derive(Clone, Debug, Default)]
struct Clock {
    system: Arc<SystemEnv>,
    ahead: Arc<AtomicU64>,
}

impl Env for Clock {
    fn now(&self) -> Timestamp {
        self.system.now() + Duration::from_secs(self.ahead.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Instant {
        self.system.monotonic()
    }

    fn fill(&self, buffer: &mut [u8]) {
        self.system.fill(buffer);
    }
}

async fn chat() -> (Chat, Clock) {
    let clock = Clock::default();
    let builder = Chat::builder(MemoryStore::default()).env(clock.clone()).guests(Duration::from_secs(3_600));
    (builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap(), clock)
}

async fn guest(chat: &Chat, name: &str) -> (User, Value) {
    let mut wire = Wire::connect(chat);
    let ctrl = wire.ask(json!({"login": {"scheme": "anonymous", "secret": name}})).await;
    assert_eq!(ctrl["code"], 200, "{ctrl}");
    let params = ctrl["params"].clone();
    (User { wire, id: text(&params["user"]), token: text(&params["token"]) }, params)
}

#[tokio::test]
async fn guests_take_part_where_a_link_leads() {
    let (chat, _) = chat().await;
    let mut ana = User::sign_up(&chat, "anna").await;
    let conv = ana.group(&[]).await;
    let link = ana.ok(json!({"group": {"action": "link", "id": conv, "create": true}})).await["code"].clone();
    let (mut visitor, params) = guest(&chat, "Visitor").await;
    assert_eq!((&params["guest"], &params["desc"]["public"]), (&json!(true), &json!({"fn": "Visitor"})));
    visitor.ok(json!({"group": {"action": "join", "link": link}})).await;
    visitor.say(&conv, "hello").await;
    ana.say(&conv, "welcome").await;
    assert_eq!(
        visitor.ok(json!({"get": {"what": "messages", "conv": conv}})).await["messages"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    visitor.ok(json!({"react": {"conv": conv, "seq": 2, "emoji": "👍"}})).await;
    visitor.ok(json!({"acc": {"user": "me", "desc": {"public": {"fn": "Vera"}}, "status": "here"}})).await;
    assert_eq!(visitor.device(&chat).await.id, visitor.id);
    // Somebody who knows the guest may write; the guest answers.
    let dm = ana.dm(&visitor).await;
    visitor.say(&dm, "thanks").await;
    let refusal = (403, "forbidden".to_owned(), "guests cannot do that".to_owned());
    for request in [
        json!({"search": {"query": "a"}}),
        json!({"dm": {"user": ana.id}}),
        json!({"contact": {"add": ana.id}}),
        json!({"invite": {"create": {"email": "a@b.c"}}}),
        json!({"invite": {"redeem": "abcdefghij"}}),
        json!({"group": {"action": "create"}}),
        json!({"group": {"action": "invite", "id": conv, "user": ana.id}}),
        json!({"group": {"action": "link", "id": conv, "create": true}}),
        json!({"acc": {"user": "me", "secret": {"old": "password", "new": "password2"}}}),
        json!({"acc": {"user": "me", "username": "visitor"}}),
        json!({"acc": {"user": "me", "email": "a@b.c"}}),
    ] {
        assert_eq!(visitor.fails(request.clone()).await, refusal, "{request}");
    }
    visitor.ok(json!({"group": {"action": "leave", "id": conv}})).await;
    visitor.ok(json!({"logout": {}})).await;
}

#[tokio::test]
async fn guests_go() {
    let (chat, clock) = chat().await;
    let mut ana = User::sign_up(&chat, "anna").await;
    let (visitor, params) = guest(&chat, "").await;
    assert_eq!(params["desc"]["public"], Value::Null);
    let dm = ana.dm(&visitor).await;
    ana.ok(json!({"get": {"what": "user", "user": visitor.id}})).await;
    clock.ahead.store(3_601, Ordering::SeqCst);
    let mut wire = Wire::connect(&chat);
    let back = wire.ask(json!({"login": {"scheme": "token", "secret": visitor.token}})).await;
    assert_eq!(back["err"], "token_expired");
    assert_eq!(ana.fails(json!({"get": {"what": "user", "user": visitor.id}})).await.0, 404);
    let listed = ana.ok(json!({"get": {"what": "conversations"}})).await;
    assert_eq!(
        (&listed["conversations"][0]["id"], &listed["conversations"][0]["user"]["public"]),
        (&json!(dm), &Value::Null)
    );
    let (again, _) = guest(&chat, "").await;
    assert_ne!(again.id, visitor.id);
}

#[tokio::test]
async fn guests_are_an_option() {
    let chat = crate::support::server().await;
    let mut wire = Wire::connect(&chat);
    let ctrl = wire.ask(json!({"login": {"scheme": "anonymous"}})).await;
    assert_eq!((&ctrl["code"], &ctrl["text"]), (&json!(400), &json!("unknown auth scheme")));
    let (chat, _) = self::chat().await;
    let mut wire = Wire::connect(&chat);
    for bad in ["a".repeat(65), "a\nb".to_owned()] {
        let ctrl = wire.ask(json!({"login": {"scheme": "anonymous", "secret": bad}})).await;
        assert_eq!((&ctrl["code"], &ctrl["text"]), (&json!(400), &json!("invalid guest name")));
    }
}
