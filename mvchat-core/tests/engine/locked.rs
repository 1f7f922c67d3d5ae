//! Conversations that somebody else holds, such as a transaction of the host.

use crate::support::User;
use mvchat_core::builtin::MemoryStore;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::proto::{ConvId, Limits};
use mvchat_core::testkit::{Fault, Faults, Flaky, Method};
use mvchat_core::{Chat, Keys};
use serde_json::{Value, json};

/// A server with one shard, so that everything has the same way.
async fn server() -> (Chat, Faults) {
    let faults = Faults::default();
    let store = Flaky::new(MemoryStore::shared(), faults.clone());
    let builder = Chat::builder(store).limits(Limits::default().unthrottled()).keys(Keys::ephemeral());
    let builder = builder.commit_shards(1).passwords(PasswordParams::insecurely_fast());
    (builder.build().await.unwrap(), faults)
}

fn id(conv: &str) -> ConvId {
    conv.parse().unwrap()
}

fn say(conv: &str, words: &str) -> Value {
    json!({"send": {"conv": conv, "cid": words, "content": {"v": 1, "text": words}}})
}

#[tokio::test(start_paused = true)]
async fn what_is_held_holds_up_nobody_else_and_keeps_its_order() {
    let (chat, faults) = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let (held, free) = (a.dm(&b).await, a.group(&[&b]).await);
    let mut c = a.device(&chat).await;
    faults.hold(id(&held));
    let mut waiting = Vec::new();
    for number in 0..5 {
        waiting.push(a.wire.begin(say(&held, &format!("held {number}"))).await);
    }
    for number in 0..5 {
        let before = b.say(&free, "free").await;
        assert_eq!(before, number + 1);
    }
    assert!(c.heard("data").await.iter().all(|data| data["conv"] == free.as_str()));
    faults.let_go(id(&held));
    for (number, waiting) in (1..).zip(waiting) {
        let ctrl = a.wire.reply(&waiting).await;
        assert_eq!((&ctrl["code"], &ctrl["params"]["seq"]), (&json!(202), &json!(number)), "{ctrl}");
    }
    let heard = b.heard("data").await;
    let words: Vec<_> = heard.iter().map(|data| data["content"]["text"].as_str().unwrap()).collect();
    assert_eq!(words, ["held 0", "held 1", "held 2", "held 3", "held 4"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever_and_a_retry_is_no_second_message() {
    let (chat, faults) = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let b = User::sign_up(&chat, "bobby").await;
    let conv = a.dm(&b).await;
    faults.hold(id(&conv));
    let ctrl = a.wire.ask(say(&conv, "words")).await;
    assert_eq!((&ctrl["code"], &ctrl["err"]), (&json!(503), &json!("busy")));
    assert!(ctrl["params"]["retryAfter"].is_u64());
    faults.let_go(id(&conv));
    let ctrl = a.wire.ask(say(&conv, "words")).await;
    assert_eq!((&ctrl["code"], &ctrl["params"]["seq"]), (&json!(202), &json!(1)));
    assert_eq!(ctrl["params"].get("replay"), None);
}

#[tokio::test(start_paused = true)]
async fn what_is_decided_meanwhile_counts_for_what_waits() {
    let (chat, faults) = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.group(&[&b]).await;
    faults.hold(id(&conv));
    // The one who removes comes first, and so what the other says comes too late.
    let kick = a.wire.begin(json!({"group": {"action": "kick", "id": conv, "user": b.id}})).await;
    others_go_on().await;
    let late = b.wire.begin(say(&conv, "still here")).await;
    others_go_on().await;
    faults.let_go(id(&conv));
    assert_eq!(a.wire.reply(&kick).await["code"], 200);
    assert_eq!(b.wire.reply(&late).await["code"], 403);
}

/// Lets everybody else go on, without time passing.
async fn others_go_on() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_fails_beside_the_shard_lets_the_members_catch_up() {
    let (chat, faults) = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.dm(&b).await;
    b.wire.settle().await;
    faults.hold(id(&conv));
    let waits = a.wire.begin(say(&conv, "words")).await;
    others_go_on().await;
    faults.script(Method::Commit, Fault::After);
    faults.let_go(id(&conv));
    assert_eq!(a.wire.reply(&waits).await["code"], 503);
    assert!(b.wire.closed().await.is_some(), "who may have missed something is told to catch up");
}
