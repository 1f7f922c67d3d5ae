//! What the audit log hears, and what it never hears.

use crate::support::{User, secret, text};
use async_trait::async_trait;
use mvchat_core::Chat;
use mvchat_core::builtin::MemoryStore;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::engine::{MakeUser, Opening};
use mvchat_core::proto::{Limits, Password};
use mvchat_core::seam::audit::{AuditError, AuditEvent, AuditKind, AuditResult, AuditSink};
use mvchat_core::testkit::Wire;
use mvchat_core::time::Timestamp;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Keeps events in memory; writes only while there are permits.
#[derive(Clone, Debug)]
struct Sink {
    events: Arc<Mutex<Vec<AuditEvent>>>,
    gate: Arc<Semaphore>,
    failures: Arc<Mutex<u32>>,
    closed: Arc<Mutex<u32>>,
}

impl Sink {
    fn new(permits: usize) -> Self {
        let gate = Arc::new(Semaphore::new(permits));
        Self { events: Arc::default(), gate, failures: Arc::default(), closed: Arc::default() }
    }

    fn kinds(&self) -> Vec<AuditKind> {
        self.events.lock().unwrap().iter().map(|event| event.event).collect()
    }

    fn only(&self, kind: AuditKind) -> Vec<AuditEvent> {
        self.events.lock().unwrap().iter().filter(|event| event.event == kind).cloned().collect()
    }
}

#[async_trait]
impl AuditSink for Sink {
    async fn write(&self, events: &[AuditEvent]) -> Result<(), AuditError> {
        let _permit = self.gate.acquire().await?;
        let mut failures = self.failures.lock().unwrap();
        if *failures > 0 {
            *failures -= 1;
            return Err("not now".into());
        }
        self.events.lock().unwrap().extend_from_slice(events);
        Ok(())
    }

    async fn close(&self) -> Result<(), AuditError> {
        *self.closed.lock().unwrap() += 1;
        Ok(())
    }
}

async fn server(sink: &Sink) -> Chat {
    let limits = Limits::default().unthrottled();
    let builder = Chat::builder(MemoryStore::default()).limits(limits).audit(sink.clone());
    builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap()
}

async fn drain(chat: &Chat) {
    assert!(chat.drain(Duration::from_secs(20)).await);
}

#[tokio::test]
async fn what_matters_is_told_once_and_in_order() {
    let sink = Sink::new(1);
    let chat = server(&sink).await;
    let (mut a, mut b) = (User::sign_up(&chat, "alice").await, User::sign_up(&chat, "bobby").await);
    let conv = a.group(&[&b]).await;
    a.ok(json!({"group": {"action": "role", "id": conv, "user": b.id, "role": "admin"}})).await;
    a.ok(json!({"group": {"action": "role", "id": conv, "user": b.id, "role": "member"}})).await;
    let seq = b.say(&conv, "hello").await;
    a.ok(json!({"delete": {"conv": conv, "seq": seq, "forEveryone": true}})).await;
    a.ok(json!({"group": {"action": "kick", "id": conv, "user": b.id}})).await;
    b.fails(json!({"send": {"conv": conv, "content": {"v": 1, "text": "me again"}}})).await;
    let mut wire = Wire::connect(&chat);
    let wrong = wire.ask(json!({"login": {"scheme": "basic", "secret": secret("alicia")}})).await;
    assert_eq!(wrong["code"], 401);
    let right = wire.ask(json!({"login": {"scheme": "basic", "secret": secret("alice")}})).await;
    assert_eq!(right["code"], 200);
    a.ok(json!({"acc": {"user": "me", "old": "password-alice", "new": "password-other"}})).await;
    a.ok(json!({"logout": {}})).await;
    drain(&chat).await;
    use AuditKind::*;
    let expected = [
        UserCreated,
        UserCreated,
        AuthzChange,
        AuthzChange,
        PrivilegePermissionsChanged,
        PrivilegePermissionsChanged,
        SensitiveDelete,
        AuthzChange,
        AuthzFail,
        AuthnLoginFail,
        AuthnLoginSuccess,
        AuthnPasswordChange,
        AuthnTokenRevoked,
    ];
    assert_eq!(sink.kinds(), expected);
    assert_eq!(*sink.closed.lock().unwrap(), 1);
    assert_eq!(chat.audit_stats().written, expected.len() as u64);
    let deleted = serde_json::to_value(&sink.only(SensitiveDelete)[0]).unwrap();
    assert_eq!(deleted["actor"], a.id);
    assert_eq!((&deleted["conv"], &deleted["seq"]), (&json!(conv), &json!(seq)));
    let denied = &sink.only(AuthzFail)[0];
    assert_eq!(serde_json::to_value(denied.actor).unwrap(), json!(b.id));
    assert_eq!((denied.result, denied.reason.as_deref()), (AuditResult::Failure, Some("send: not_member")));
    let kicked = serde_json::to_value(&sink.only(AuthzChange)[2]).unwrap();
    assert_eq!((&kicked["user"], &kicked["reason"]), (&json!(b.id), &json!("group kick")));
}

#[tokio::test]
async fn the_log_holds_no_content_no_password_no_token_and_no_name() {
    let sink = Sink::new(1);
    let chat = server(&sink).await;
    let mut canaries: Vec<String> = ["alice", "bobby"].map(str::to_owned).into();
    let (mut a, b) = (User::sign_up(&chat, "alice").await, User::sign_up(&chat, "bobby").await);
    canaries.extend([a.token.clone(), "password-alice".to_owned(), secret("alice")]);
    let conv = a.group(&[&b]).await;
    let seq = a.say(&conv, "canary-text").await;
    a.ok(json!({"edit": {"conv": conv, "seq": seq, "content": {"v": 1, "text": "canary-edit"}}})).await;
    a.ok(json!({"unsend": {"conv": conv, "seq": seq}})).await;
    let link = a.ok(json!({"group": {"action": "link", "id": conv, "create": true}})).await;
    canaries.push(text(&link["code"]));
    a.ok(json!({"group": {"action": "link", "id": conv, "revoke": link["code"]}})).await;
    let sessions = a.ok(json!({"session": {"list": true}})).await;
    let session = sessions["sessions"][0]["id"].clone();
    canaries.push(text(&session));
    for request in [
        json!({"send": {"conv": b.id, "content": {"v": 1, "text": "canary-refused"}}}),
        json!({"group": {"action": "join", "link": "canary-code"}}),
        json!({"login": {"scheme": "token", "secret": "canary-token"}}),
        json!({"login": {"scheme": "basic", "secret": secret("canary-name")}}),
        json!({"acc": {"user": "me", "old": "canary-old", "new": "canary-new"}}),
        json!({"nonsense": "canary-nonsense"}),
    ] {
        a.fails(request).await;
    }
    a.ok(json!({"session": {"revoke": session}})).await;
    drain(&chat).await;
    let log = serde_json::to_string(&*sink.events.lock().unwrap()).unwrap();
    canaries.push("canary".to_owned());
    canaries.push("password-".to_owned());
    assert!(log.contains("authn_login_fail") && log.contains("sensitive_delete"), "{log}");
    for canary in canaries {
        assert!(!log.contains(&canary), "{canary} in {log}");
    }
}

#[tokio::test]
async fn a_sink_that_hangs_delays_nobody_and_what_found_no_room_is_counted() {
    let sink = Sink::new(0);
    let chat = server(&sink).await;
    let (mut a, b) = (User::sign_up(&chat, "alice").await, User::sign_up(&chat, "bobby").await);
    let conv = a.dm(&b).await;
    let own = |n: i64| AuditEvent::new(AuditKind::KeyRotated, Timestamp::from_micros(n));
    for n in 0..10_000 {
        chat.audit(own(n));
    }
    assert_eq!(a.say(&conv, "still here").await, 1);
    let dropped = chat.audit_stats().dropped;
    assert!(dropped > 5_000, "{dropped}");
    sink.gate.add_permits(1);
    drain(&chat).await;
    let told: u64 = sink.only(AuditKind::AuditDropped).iter().filter_map(|event| event.count).sum();
    assert_eq!(told, dropped);
    let kept = sink.only(AuditKind::KeyRotated);
    assert!(kept.windows(2).all(|pair| pair[0].at < pair[1].at));
    assert_eq!(kept.len() as u64 + dropped, 10_000);
}

#[tokio::test]
async fn a_sink_that_fails_is_asked_again() {
    let sink = Sink::new(1);
    *sink.failures.lock().unwrap() = 1;
    let chat = server(&sink).await;
    User::sign_up(&chat, "alice").await;
    drain(&chat).await;
    assert_eq!(sink.kinds(), [AuditKind::UserCreated]);
}

#[tokio::test]
async fn strangers_cannot_flood_the_log() {
    let sink = Sink::new(1);
    let chat = server(&sink).await;
    let noise = || AuditEvent::new(AuditKind::AuthnLoginFail, Timestamp::from_micros(5));
    for _ in 0..1_000 {
        chat.audit(noise());
    }
    chat.audit(AuditEvent::new(AuditKind::KeyRotated, Timestamp::from_micros(5)));
    drain(&chat).await;
    assert_eq!(sink.only(AuditKind::AuthnLoginFail).len(), 50);
    assert_eq!(sink.only(AuditKind::KeyRotated).len(), 1);
    let told: u64 = sink.only(AuditKind::AuditDropped).iter().filter_map(|event| event.count).sum();
    assert_eq!(told, 950);
}

/// The address is the one that the transport names, cut down to its network.
#[tokio::test]
async fn events_name_the_network_they_came_from() {
    let sink = Sink::new(1);
    let chat = server(&sink).await;
    let (ours, theirs) = mvchat_core::testkit::Pipe::pair(8);
    let addr: std::net::SocketAddr = "203.0.113.77:1234".parse().unwrap();
    let serving = tokio::spawn({
        let chat = chat.clone();
        async move { chat.serve(theirs, addr.into()).await }
    });
    use futures_util::{SinkExt, StreamExt};
    use mvchat_core::proto::Frame;
    let mut ours = ours;
    let request: Value = json!({"login": {"scheme": "basic", "secret": secret("nobody")}});
    ours.send(Frame::Text(request.to_string().into())).await.unwrap();
    ours.next().await.unwrap().unwrap();
    drop(ours);
    serving.await.unwrap();
    drain(&chat).await;
    let failed = &sink.only(AuditKind::AuthnLoginFail)[0];
    assert_eq!(failed.ip, Some("203.0.113.0".parse().unwrap()));
    assert!(failed.object.is_some() && failed.actor.is_none());
}

#[tokio::test]
async fn what_the_operator_does_is_told_as_the_operator_s() {
    let sink = Sink::new(1);
    let chat = server(&sink).await;
    let made = MakeUser::new("alice", Opening::Password(Password("password-alice".to_owned())));
    let user = chat.make_user(made).await.unwrap();
    chat.demand_password_change(user).await.unwrap();
    chat.set_password(user, Password("password-other".to_owned()), true).await.unwrap();
    chat.mint_token(user, "a script").await.unwrap();
    assert_eq!(chat.end_sessions(user).await.unwrap(), 1);
    chat.suspend_user(user).await.unwrap();
    chat.reinstate_user(user).await.unwrap();
    chat.export_user(user, &mut |_: &[u8]| Ok(())).await.unwrap();
    chat.erase_user(user).await.unwrap();
    let refused = chat.set_password(user, Password("short".to_owned()), false).await;
    assert!(refused.is_err(), "what was not done is not told");
    drain(&chat).await;
    use AuditKind::*;
    let expected = [
        UserCreated,
        UserUpdated,
        AuthnPasswordChange,
        UserUpdated,
        AuthnTokenCreated,
        AuthnTokenRevoked,
        UserUpdated,
        UserUpdated,
        ExportMade,
        UserDeleted,
        UserDeleted,
    ];
    assert_eq!(sink.kinds(), expected);
    for event in sink.events.lock().unwrap().iter() {
        assert!(event.operator && event.actor.is_none() && event.user == Some(user), "{event:?}");
        assert_eq!(event.result, AuditResult::Success);
    }
}
