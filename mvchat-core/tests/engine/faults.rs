//! What the engine does when what it stands on fails.

use crate::support::{User, flaky, server, server_on};
use mvchat_core::builtin::MemoryStore;
use mvchat_core::proto::Close;
use mvchat_core::seam::MessageStore;
use mvchat_core::testkit::{Fault, Faults, Flaky, Method};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn an_erased_key_makes_its_messages_unavailable_and_no_others() {
    use mvchat_core::builtin::password::PasswordParams;
    use mvchat_core::{Chat, Keys};
    let keys = Keys::ephemeral();
    let builder = Chat::builder(MemoryStore::default()).keys(keys.clone());
    let chat = builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap();
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.dm(&b).await;
    a.say(&conv, "of alice").await;
    b.say(&conv, "of bobby").await;
    keys.erase_user(a.id.parse::<mvchat_core::proto::UserId>().unwrap().0).await.unwrap();
    let page = b.ok(json!({"get": {"what": "messages", "conv": conv}})).await;
    assert_eq!(page["messages"][0]["content"]["text"], "of bobby");
    assert_eq!(
        (&page["messages"][1]["unavailable"], page["messages"][1].get("content")),
        (&json!(true), None)
    );
}

#[tokio::test]
async fn a_token_of_another_server_opens_nothing() {
    let (here, there) = (server().await, server().await);
    let a = User::sign_up(&there, "alice").await;
    let mut wire = mvchat_core::testkit::Wire::connect(&here);
    let ctrl = wire.ask(json!({"login": {"scheme": "token", "secret": a.token}})).await;
    assert_eq!((&ctrl["code"], &ctrl["err"]), (&json!(401), &json!("bad_credentials")));
}

#[tokio::test(start_paused = true)]
async fn a_private_change_that_fails_after_the_write_lets_the_devices_catch_up() {
    for method in [Method::Mark, Method::Hide, Method::Configure] {
        let (chat, faults) = flaky().await;
        let mut a = User::sign_up(&chat, "alice").await;
        let b = User::sign_up(&chat, "bobby").await;
        let conv = a.group(&[&b]).await;
        let mut phone = b.device(&chat).await;
        let mut laptop = b.device(&chat).await;
        a.say(&conv, "hello").await;
        laptop.wire.settle().await;
        faults.script(method, Fault::After);
        let request = match method {
            Method::Mark => json!({"read": {"conv": conv, "seq": 1}}),
            Method::Hide => json!({"delete": {"conv": conv, "seq": 1}}),
            _ => json!({"group": {"action": "settings", "id": conv, "muted": true}}),
        };
        assert_eq!(phone.fails(request).await.0, 503);
        // Nobody was told of the change that happened: this device would show the old state.
        assert_eq!(laptop.wire.closed().await, Some(Close::Resync));
        let view = b.device(&chat).await.ok(json!({"get": {"what": "conversation", "conv": conv}})).await;
        assert_eq!(view["conversation"]["own"], 1);
        a.wire.settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_shown_a_new_conversation_catches_up() {
    let (chat, faults) = flaky().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    faults.choose(|method| (method == Method::Views).then_some(Fault::Before));
    a.ok(json!({"dm": {"user": b.id}})).await;
    assert_eq!(b.wire.closed().await, Some(Close::Resync));
}

/// The store may still write what was answered with 503.
#[tokio::test(start_paused = true)]
async fn draining_waits_for_what_the_store_has_in_its_hands() {
    let store = MemoryStore::default();
    let faults = Faults::default();
    let chat = server_on(Flaky::new(store.clone(), faults.clone())).await;
    let mut a = User::sign_up(&chat, "alice").await;
    let conv = a.group(&[]).await;
    faults.choose(|method| (method == Method::Commit).then_some(Fault::Slow(Duration::from_secs(8))));
    let late = a.fails(json!({"send": {"conv": conv, "content": "late", "cid": "late"}})).await;
    assert_eq!(late.0, 503);
    assert!(chat.drain(Duration::from_secs(20)).await);
    let sent = store.sent(conv.parse().unwrap(), a.id.parse().unwrap(), "late").await.unwrap();
    assert!(sent.is_some(), "nothing is written any more");
}

/// That others can't be told of a mark does not undo it.
#[tokio::test]
async fn a_mark_that_cannot_be_announced_is_answered_all_the_same() {
    let (chat, faults) = flaky().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.group(&[&b]).await;
    a.say(&conv, "hello").await;
    b.wire.settle().await;
    for (kind, place) in [("recv", "recvSeq"), ("read", "readSeq")] {
        let met = faults.met();
        faults.script(Method::BlockedWith, Fault::Before);
        let marked = b.ok(json!({kind: {"conv": conv, "seq": 1}})).await;
        assert_eq!(marked["seq"], 1);
        assert_eq!(faults.met(), met + 1, "the announcement was to fail");
        let heard = a.heard("info").await;
        assert!(heard.iter().all(|info| info["what"] != kind), "{heard:?}");
        let view = b.ok(json!({"get": {"what": "conversation", "conv": conv}})).await;
        assert_eq!(view["conversation"][place], 1);
    }
}
