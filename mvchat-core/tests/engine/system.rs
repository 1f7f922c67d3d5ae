//! System messages, reports, and the most conversations of a user.

use crate::support::{User, server, text};
use async_trait::async_trait;
use mvchat_core::Chat;
use mvchat_core::builtin::MemoryStore;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::proto::Limits;
use mvchat_core::seam::audit::{AuditError, AuditEvent, AuditKind, AuditSink};
use serde_json::{Value, json};
use tokio::sync::mpsc;

fn group(action: &str, conv: &str, more: Value) -> Value {
    let mut fields = json!({"action": action, "id": conv});
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"group": fields})
}

#[tokio::test]
async fn a_group_tells_of_itself_if_it_shall() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let mut c = User::sign_up(&chat, "carol").await;
    let conv = a.group(&[&b]).await;
    a.ok(group("kick", &conv, json!({"user": b.id}))).await;
    a.ok(group("invite", &conv, json!({"user": b.id}))).await;
    let on = a.ok(group("update", &conv, json!({"systemMessages": true}))).await;
    assert_eq!(on["systemMessages"], true);
    let view = b.ok(json!({"get": {"what": "conversation", "conv": conv}})).await;
    assert_eq!(
        (&view["conversation"]["systemMessages"], &view["conversation"]["lastSeq"]),
        (&json!(true), &json!(0))
    );
    for user in [&mut a, &mut b, &mut c] {
        user.wire.settle().await;
    }
    let invited = a.ok(group("invite", &conv, json!({"user": c.id}))).await;
    let rev = invited["rev"].as_u64().unwrap();
    let event = json!({"what": "member_joined", "by": a.id, "user": c.id});
    for user in [&mut a, &mut b, &mut c] {
        let heard = user.heard("data").await;
        let [data] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!(
            (&data["head"]["event"], &data["rev"], &data["seq"]),
            (&event, &json!(rev + 1), &json!(1))
        );
        assert!(data.get("from").is_none());
    }
    a.ok(group("role", &conv, json!({"user": c.id, "role": "admin"}))).await;
    a.ok(group("kick", &conv, json!({"user": c.id}))).await;
    assert!(c.heard("data").await.iter().all(|it| it["head"]["event"]["what"] != "member_kicked"));
    assert_eq!(c.fails(json!({"get": {"what": "messages", "conv": conv}})).await.1, "not_member");
    a.ok(group("update", &conv, json!({"desc": {"public": {"fn": "new"}}}))).await;
    let page = b.ok(json!({"get": {"what": "messages", "conv": conv}})).await;
    let whats: Vec<_> =
        page["messages"].as_array().unwrap().iter().map(|it| text(&it["head"]["event"]["what"])).collect();
    assert_eq!(whats, ["room_updated", "member_kicked", "role_changed", "member_joined"]);
    let first = &page["messages"][3];
    assert_eq!(first["content"], json!({"v": 1, "text": "member_joined"}));
    assert!(first.get("unavailable").is_none() && first.get("from").is_none());
    let view = b.ok(json!({"get": {"what": "conversation", "conv": conv}})).await;
    assert_eq!((&view["conversation"]["unread"], &view["conversation"]["lastSeq"]), (&json!(0), &json!(4)));
    assert_eq!(
        b.fails(json!({"edit": {"conv": conv, "seq": 1, "content": "x"}})).await.2,
        "not your message"
    );
    a.ok(group("update", &conv, json!({"systemMessages": false}))).await;
    a.ok(group("invite", &conv, json!({"user": c.id}))).await;
    assert_eq!(a.say(&conv, "quiet").await, 5);
}

#[derive(Debug)]
struct Sink(mpsc::UnboundedSender<AuditEvent>);

#[async_trait]
impl AuditSink for Sink {
    async fn write(&self, events: &[AuditEvent]) -> Result<(), AuditError> {
        for event in events {
            self.0.send(event.clone())?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_report_reaches_the_operators_and_nobody_else() {
    let (sender, mut events) = mpsc::unbounded_channel();
    let builder = Chat::builder(MemoryStore::default()).audit(Sink(sender));
    let chat = builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap();
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let mut c = User::sign_up(&chat, "carol").await;
    let conv = a.dm(&b).await;
    a.say(&conv, "spam").await;
    b.wire.settle().await;
    a.wire.settle().await;
    let report = |seq: u64, reason: &str| json!({"report": {"conv": conv, "seq": seq, "reason": reason}});
    let ctrl = b.wire.ask(report(1, "it is spam")).await;
    assert_eq!((&ctrl["code"], &ctrl["params"]["seq"]), (&json!(202), &json!(1)));
    let event = loop {
        let event = events.recv().await.unwrap();
        if event.event == AuditKind::Report {
            break event;
        }
    };
    assert_eq!(event.reason.as_deref(), Some("it is spam"));
    assert_eq!(event.actor.map(|it| it.to_string()), Some(b.id.clone()));
    assert_eq!(event.user.map(|it| it.to_string()), Some(a.id.clone()));
    assert!(a.wire.settle().await.is_empty());
    assert_eq!(c.fails(report(1, "x")).await.1, "not_member");
    assert_eq!(b.fails(report(2, "x")).await.0, 404);
    for bad in ["", "  ", &"x".repeat(201)] {
        assert_eq!(b.fails(report(1, bad)).await.2, "invalid reason");
    }
    assert_eq!(b.fails(json!({"report": {"conv": conv}})).await.2, "missing report data");
}

/// Where nobody would read it, nobody is told that it was accepted.
#[tokio::test]
async fn a_report_that_nobody_keeps_is_refused() {
    let chat = crate::support::server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let mut c = User::sign_up(&chat, "carol").await;
    let conv = a.dm(&b).await;
    a.say(&conv, "spam").await;
    let report = |seq: u64| json!({"report": {"conv": conv, "seq": seq, "reason": "spam"}});
    let refused = (501, "unsupported".to_owned(), "this server keeps no reports".to_owned());
    assert_eq!(b.fails(report(1)).await, refused);
    // Outsiders learn no more than otherwise.
    assert_eq!(c.fails(report(1)).await.1, "not_member");
    assert_eq!(b.fails(report(2)).await.0, 404);
}

#[tokio::test]
async fn nobody_gets_into_too_many_conversations() {
    let mut limits = Limits::default();
    limits.max_conversations = 2;
    let builder = Chat::builder(MemoryStore::default()).limits(limits);
    let chat = builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap();
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let mut c = User::sign_up(&chat, "carol").await;
    let dm = a.dm(&b).await;
    let full = (403, "limit_reached".to_owned(), "too many conversations".to_owned());
    let conv = a.group(&[]).await;
    assert_eq!(a.fails(json!({"group": {"action": "create"}})).await, full);
    assert_eq!(a.fails(json!({"dm": {"self": true}})).await, full);
    assert_eq!(c.fails(json!({"dm": {"user": a.id}})).await, full);
    assert_eq!(a.dm(&b).await, dm, "what is there is opened");
    b.group(&[]).await;
    assert_eq!(a.fails(group("invite", &conv, json!({"user": b.id}))).await, full);
    let code = a.ok(group("link", &conv, json!({"create": true}))).await["code"].clone();
    assert_eq!(b.fails(json!({"group": {"action": "join", "link": code}})).await, full);
    c.ok(json!({"group": {"action": "join", "link": code}})).await;
}
