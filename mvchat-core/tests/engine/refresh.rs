//! Refresh tokens: used once, replaced by their use, and the end of the session when somebody else has one.

use crate::clock::Clock;
use crate::support::{secret, text};
use mvchat_core::builtin::MemoryStore;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::proto::{Limits, SessionId};
use mvchat_core::seam::audit::{AuditError, AuditEvent, AuditKind, AuditSink};
use mvchat_core::seam::{SessionStore, Store};
use mvchat_core::testkit::{Fault, Faults, Flaky, Method, Wire};
use mvchat_core::{Chat, Keys};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ACCESS: Duration = Duration::from_secs(900);

/// A server with refresh tokens, what it is made of, and what its audit log heard.
struct World {
    chat: Chat,
    store: MemoryStore,
    clock: Clock,
    keys: Keys,
    heard: Heard,
}

#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Vec<AuditEvent>>>);

#[async_trait::async_trait]
impl AuditSink for Heard {
    async fn write(&self, events: &[AuditEvent]) -> Result<(), AuditError> {
        self.0.lock().unwrap().extend_from_slice(events);
        Ok(())
    }
}

async fn chat(
    store: impl Store,
    clock: &Clock,
    keys: &Keys,
    heard: &Heard,
    access: Option<Duration>,
) -> Chat {
    let limits = Limits::default().unthrottled();
    let builder =
        Chat::builder(store).limits(limits).env(clock.clone()).keys(keys.clone()).audit(heard.clone());
    let builder = builder.passwords(PasswordParams::insecurely_fast());
    access.into_iter().fold(builder, |builder, access| builder.refresh_tokens(access)).build().await.unwrap()
}

impl World {
    async fn new() -> Self {
        let (store, clock, keys) = (MemoryStore::default(), Clock::default(), Keys::ephemeral());
        let heard = Heard::default();
        let chat = chat(store.clone(), &clock, &keys, &heard, Some(ACCESS)).await;
        Self { chat, store, clock, keys, heard }
    }

    /// Signs up; returns the connection and what the answer says.
    async fn sign_up(&self, name: &str) -> (Wire, Value) {
        let mut wire = Wire::connect(&self.chat);
        let new = json!({"acc": {"user": "new", "scheme": "basic", "secret": secret(name), "login": true}});
        let ctrl = wire.ask(new).await;
        assert_eq!(ctrl["code"], 201, "{ctrl}");
        (wire, ctrl["params"].clone())
    }

    /// Logs in with a token of either kind on a new connection.
    async fn log_in(&self, token: &Value) -> (Wire, Value) {
        let mut wire = Wire::connect(&self.chat);
        let ctrl = wire.ask(with(token)).await;
        (wire, ctrl)
    }

    /// Logs in with a token that is good; returns what the answer says.
    async fn renew(&self, token: &Value) -> Value {
        let (_, ctrl) = self.log_in(token).await;
        assert_eq!(ctrl["code"], 200, "{ctrl}");
        ctrl["params"].clone()
    }

    async fn told(&self, kind: AuditKind) -> Vec<AuditEvent> {
        assert!(self.chat.drain(Duration::from_secs(20)).await);
        self.heard.0.lock().unwrap().iter().filter(|event| event.event == kind).cloned().collect()
    }
}

fn with(token: &Value) -> Value {
    json!({"login": {"scheme": "token", "secret": token}})
}

fn refused(ctrl: &Value) -> (u64, &str) {
    (ctrl["code"].as_u64().unwrap(), ctrl["err"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_refresh_token_renews_the_session_and_is_replaced() {
    let world = World::new().await;
    let (mut wire, first) = world.sign_up("alice").await;
    let hi = wire.ask(json!({"hi": {}})).await;
    assert!(hi["params"]["caps"].as_array().unwrap().contains(&json!("refresh")));
    let (mut token, mut tokens) = (first["refresh"].clone(), Vec::new());
    for _ in 0..4 {
        world.clock.advance(600);
        let next = world.renew(&token).await;
        assert_eq!((&next["session"], &next["user"]), (&first["session"], &first["user"]));
        assert!(next["expires"].as_str() > first["expires"].as_str());
        tokens.push(text(&token));
        token = next["refresh"].clone();
    }
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 4, "a token came twice");
    let by_password = wire.ask(json!({"login": {"scheme": "basic", "secret": secret("alice")}})).await;
    assert!(text(&by_password["params"]["refresh"]).starts_with("mvr_"));
    assert_ne!(by_password["params"]["session"], first["session"]);
    let minted = world.chat.mint_token(serde_json::from_value(first["user"].clone()).unwrap(), "bot").await;
    assert!(minted.unwrap().refresh.is_some());
}

#[tokio::test]
async fn an_access_token_is_short_and_prolongs_nothing() {
    let world = World::new().await;
    let (_, first) = world.sign_up("alice").await;
    world.clock.advance(600);
    let again = world.renew(&first["token"]).await;
    assert!(again["refresh"].is_null());
    assert_eq!(again["expires"], first["expires"], "a token renewed itself");
    world.clock.advance(400);
    for token in [&first["token"], &again["token"]] {
        let (_, ctrl) = world.log_in(token).await;
        assert_eq!(refused(&ctrl), (401, "token_expired"));
    }
    let id: SessionId = serde_json::from_value(first["session"].clone()).unwrap();
    let before = world.store.session(id).await.unwrap().unwrap();
    let next = world.renew(&first["refresh"]).await;
    let after = world.store.session(id).await.unwrap().unwrap();
    assert!(after.expires_at >= before.expires_at + Duration::from_secs(1_000), "the session slides");
    world.renew(&next["token"]).await;
    assert_eq!(world.store.session(id).await.unwrap().unwrap().expires_at, after.expires_at);
    // It slides up to its end, and the tokens with it.
    world.clock.advance(20 * 86_400);
    let (_, ctrl) = world.log_in(&next["refresh"]).await;
    assert_eq!(refused(&ctrl), (401, "token_expired"));
}

#[tokio::test]
async fn a_spent_token_ends_the_session_wherever_it_is_used() {
    let world = World::new().await;
    let (mut wire, first) = world.sign_up("alice").await;
    let (mut other, other_first) = world.sign_up("bobby").await;
    let second = world.renew(&first["refresh"]).await;
    let (mut thief, third) = world.log_in(&second["refresh"]).await;
    assert_eq!(third["code"], 200);
    let (_, ctrl) = world.log_in(&first["refresh"]).await;
    assert_eq!(refused(&ctrl), (401, "bad_credentials"));
    for wire in [&mut wire, &mut thief] {
        assert_eq!(wire.closed().await.map(|close| close.code()), Some(4003));
    }
    for token in [&third["params"]["refresh"], &third["params"]["token"], &second["token"], &first["refresh"]]
    {
        let (_, ctrl) = world.log_in(token).await;
        assert_eq!(refused(&ctrl), (401, "bad_credentials"));
    }
    let id: SessionId = serde_json::from_value(first["session"].clone()).unwrap();
    assert_eq!(world.store.session(id).await.unwrap(), None);
    assert_eq!(other.ask(json!({"session": {"list": true}})).await["code"], 200);
    world.renew(&other_first["refresh"]).await;
    let told = world.told(AuditKind::AuthnTokenReuse).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].user.map(|user| user.to_string()), Some(text(&first["user"])));
    assert!(told[0].session.is_some());
    let heard = format!("{:?}", world.heard.0.lock().unwrap());
    assert!(!heard.contains("mvr_"), "a token is in the audit log");
}

#[tokio::test]
async fn whoever_lost_an_answer_asks_again_and_a_thief_is_found_all_the_same() {
    let world = World::new().await;
    // Three answers are lost; the fourth arrives, and what it says is good.
    let (_, first) = world.sign_up("alice").await;
    let lost = [
        world.renew(&first["refresh"]).await,
        world.renew(&first["refresh"]).await,
        world.renew(&first["refresh"]).await,
    ];
    let next = world.renew(&first["refresh"]).await;
    let last = world.renew(&next["refresh"]).await;
    world.renew(&last["refresh"]).await;
    let (_, ctrl) = world.log_in(&lost[1]["refresh"]).await;
    assert_eq!(refused(&ctrl), (401, "bad_credentials"), "a token that somebody may have caught is good");
    // Somebody has copied a token; the user and the thief both use it, in either order.
    for thief_first in [true, false] {
        let (mut wire, ctrl) = world.log_in_again("alice").await;
        let shared = ctrl["refresh"].clone();
        let (one, two) = (world.renew(&shared).await, world.renew(&shared).await);
        let (first, second) = if thief_first { (two, one) } else { (one, two) };
        world.renew(&first["refresh"]).await;
        let (_, ctrl) = world.log_in(&second["refresh"]).await;
        assert_eq!(refused(&ctrl), (401, "bad_credentials"));
        assert_eq!(wire.closed().await.map(|close| close.code()), Some(4003));
    }
}

impl World {
    async fn log_in_again(&self, name: &str) -> (Wire, Value) {
        let mut wire = Wire::connect(&self.chat);
        let ctrl = wire.ask(json!({"login": {"scheme": "basic", "secret": secret(name)}})).await;
        assert_eq!(ctrl["code"], 200, "{ctrl}");
        (wire, ctrl["params"].clone())
    }
}

#[tokio::test]
async fn what_ends_a_session_ends_its_refresh_token() {
    let world = World::new().await;
    let (mut wire, first) = world.sign_up("alice").await;
    let (mut kept, other) = world.log_in_again("alice").await;
    let change = json!({"acc": {"user": "me", "old": "password-alice", "new": "password-other"}});
    assert_eq!(kept.ask(change).await["code"], 200);
    assert_eq!(wire.closed().await.map(|close| close.code()), Some(4003));
    assert_eq!(refused(&world.log_in(&first["refresh"]).await.1), (401, "bad_credentials"));
    let other = world.renew(&other["refresh"]).await;
    assert_eq!(kept.ask(json!({"logout": {}})).await["code"], 200);
    assert_eq!(refused(&world.log_in(&other["refresh"]).await.1), (401, "bad_credentials"));
    let (_, bobby) = world.sign_up("bobby").await;
    let id = serde_json::from_value(bobby["user"].clone()).unwrap();
    world.chat.suspend_user(id).await.unwrap();
    assert_eq!(refused(&world.log_in(&bobby["refresh"]).await.1), (401, "bad_credentials"));
    world.chat.reinstate_user(id).await.unwrap();
    assert_eq!(refused(&world.log_in(&bobby["refresh"]).await.1), (401, "bad_credentials"));
    assert_eq!(world.told(AuditKind::AuthnTokenReuse).await, [], "nobody has used a token twice");
}

#[tokio::test]
async fn nobody_ends_a_session_by_knowing_its_id() {
    let world = World::new().await;
    let (mut wire, first) = world.sign_up("alice").await;
    let good = text(&first["refresh"]);
    let foreign = World::new().await;
    let (_, stranger) = foreign.sign_up("alice").await;
    // Of another server; cut; with another ending; nothing.
    let mut forged = vec![text(&stranger["refresh"]), good[..60].to_owned(), "mvr_".to_owned()];
    forged.push(format!("{}{}", &good[..80], "A".repeat(10)));
    for token in forged {
        let (_, ctrl) = world.log_in(&json!(token)).await;
        assert_eq!(refused(&ctrl), (401, "bad_credentials"));
    }
    assert_eq!(wire.ask(json!({"session": {"list": true}})).await["code"], 200);
    world.renew(&first["refresh"]).await;
}

#[tokio::test]
async fn many_uses_at_once_leave_one_session_that_goes_on() {
    let world = World::new().await;
    let (mut wire, first) = world.sign_up("alice").await;
    let uses = (0..8).map(|_| world.log_in(&first["refresh"]));
    let mut good = Vec::new();
    for (_, ctrl) in futures_util::future::join_all(uses).await {
        match ctrl["code"].as_u64() {
            Some(200) => good.push(ctrl["params"].clone()),
            Some(503) => assert!(ctrl["params"]["retryAfter"].is_u64()),
            _ => panic!("{ctrl}"),
        }
    }
    let newest = good.pop().expect("somebody was first");
    world.renew(&newest["refresh"]).await;
    assert_eq!(wire.ask(json!({"session": {"list": true}})).await["code"], 200);
}

#[tokio::test]
async fn an_answer_that_the_store_lost_costs_nothing() {
    let (clock, keys, heard, faults) =
        (Clock::default(), Keys::ephemeral(), Heard::default(), Faults::default());
    let store = Flaky::new(MemoryStore::default(), faults.clone());
    let chat = chat(store, &clock, &keys, &heard, Some(ACCESS)).await;
    let mut wire = Wire::connect(&chat);
    let new = json!({"acc": {"user": "new", "scheme": "basic", "secret": secret("alice"), "login": true}});
    let token = wire.ask(new).await["params"]["refresh"].clone();
    for fault in [Fault::After, Fault::Before] {
        faults.script(Method::RefreshSession, fault);
        let ctrl = Wire::connect(&chat).ask(with(&token)).await;
        assert_eq!(refused(&ctrl), (503, "unavailable"));
    }
    let ctrl = Wire::connect(&chat).ask(with(&token)).await;
    assert_eq!(ctrl["code"], 200, "{ctrl}");
    let ctrl = Wire::connect(&chat).ask(with(&ctrl["params"]["refresh"])).await;
    assert_eq!(ctrl["code"], 200, "{ctrl}");
}

#[tokio::test]
async fn sessions_from_before_get_their_first_token_and_without_the_option_there_is_none() {
    let world = World::new().await;
    let without = chat(world.store.clone(), &world.clock, &world.keys, &world.heard, None).await;
    let mut wire = Wire::connect(&without);
    let new = json!({"acc": {"user": "new", "scheme": "basic", "secret": secret("alice"), "login": true}});
    let first = wire.ask(new).await["params"].clone();
    assert!(first["refresh"].is_null());
    assert_eq!(wire.ask(json!({"hi": {}})).await["params"]["caps"], json!(["cid", "changes", "receipts"]));
    world.clock.advance(7 * 86_400);
    let next = world.renew(&first["token"]).await;
    assert_eq!(next["session"], first["session"]);
    assert!(next["expires"].as_str() < first["expires"].as_str(), "the new token is short");
    let last = world.renew(&next["refresh"]).await;
    // A session gets a first token once: after that its old token prolongs nothing.
    let again = world.renew(&first["token"]).await;
    assert!(again["refresh"].is_null());
    let ctrl = Wire::connect(&without).ask(with(&last["refresh"])).await;
    assert_eq!(refused(&ctrl), (401, "bad_credentials"));
    world.renew(&last["refresh"]).await;
}

#[tokio::test]
async fn the_store_knows_hashes_only() {
    let world = World::new().await;
    let (_, first) = world.sign_up("alice").await;
    let next = world.renew(&first["refresh"]).await;
    let id: SessionId = serde_json::from_value(first["session"].clone()).unwrap();
    let row = world.store.session(id).await.unwrap().unwrap();
    let kept = serde_json::to_string(&row).unwrap();
    for token in [&first["refresh"], &next["refresh"]] {
        use base64::Engine as _;
        let token = text(token);
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&token[4..]).unwrap();
        let random = serde_json::to_string(&bytes[16..48]).unwrap();
        assert!(!kept.contains(&token) && !kept.contains(random.trim_matches(['[', ']'])));
    }
    assert!(!format!("{row:?}").contains("live: [["), "hashes are not for logs");
}

#[tokio::test]
async fn tokens_that_are_too_short_are_refused_at_once() {
    let builder = Chat::builder(MemoryStore::default()).refresh_tokens(Duration::from_secs(60));
    let error = builder.build().await.unwrap_err();
    assert!(error.to_string().contains("refresh_tokens"), "{error}");
}
