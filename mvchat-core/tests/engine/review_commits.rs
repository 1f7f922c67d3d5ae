//! What is decided, committed and told when things happen at once, late, or to an unknown end.

use crate::support::{User, flaky, text};
use mvchat_core::proto::Close;
use mvchat_core::testkit::{Fault, Faults, Method};
use serde_json::{Value, json};
use std::time::Duration;

/// Begins requests that all wait for the same commit, and returns their answers.
async fn together(user: &mut User, faults: &Faults, requests: &[Value]) -> Vec<Value> {
    faults.script(Method::Commit, Fault::Delay(1_000));
    let before = faults.met();
    let mut ids = vec![user.wire.begin(requests[0].clone()).await];
    while faults.met() == before {
        tokio::task::yield_now().await;
    }
    for request in &requests[1..] {
        ids.push(user.wire.begin(request.clone()).await);
    }
    let mut answers = Vec::new();
    for id in &ids {
        answers.push(user.wire.reply(id).await);
    }
    answers
}

#[tokio::test]
async fn changes_of_one_connection_are_decided_in_their_order() {
    let (chat, faults) = flaky().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let b = User::sign_up(&chat, "bobby").await;
    let c = User::sign_up(&chat, "carol").await;
    let conv = a.group(&[&b]).await;
    a.say(&conv, "one").await;
    let group = |action: &str, user: &User| json!({"group": {"action": action, "id": conv, "user": user.id}});
    let mention = json!({"v": 1, "text": "@c", "mentions": [{"userId": c.id, "offset": 0, "length": 2}]});
    let answers = together(
        &mut a,
        &faults,
        &[
            json!({"send": {"conv": conv, "content": "two"}}),
            group("kick", &b),
            group("invite", &b),
            json!({"pin": {"conv": conv, "seq": 1}}),
            json!({"pin": {"conv": conv}}),
            group("invite", &c),
            json!({"send": {"conv": conv, "content": mention}}),
            group("kick", &c),
        ],
    )
    .await;
    let revs: Vec<_> = answers.iter().map(|ctrl| ctrl["params"]["rev"].as_u64()).collect();
    assert_eq!(revs, (3..=10).map(Some).collect::<Vec<_>>(), "{answers:?}");
    let members = a.ok(json!({"get": {"what": "members", "conv": conv}})).await;
    assert_eq!(members["members"].as_array().unwrap().len(), 2);
    let view = a.ok(json!({"get": {"what": "conversation", "conv": conv}})).await;
    assert_eq!(view["conversation"].get("pinnedSeq"), None);
}

#[tokio::test]
async fn reactions_of_many_to_one_message_are_decided_on_each_other() {
    let (chat, faults) = flaky().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let conv = a.group(&[]).await;
    a.say(&conv, "one").await;
    let react = |emoji: &str| json!({"react": {"conv": conv, "seq": 1, "emoji": emoji}});
    let requests = ["a", "b", "a", "c", "a"].map(react);
    let answers = together(&mut a, &faults, &requests).await;
    let ops: Vec<_> = answers.iter().map(|ctrl| text(&ctrl["params"]["op"])).collect();
    assert_eq!(ops, ["add", "add", "remove", "add", "add"]);
}

#[tokio::test]
async fn a_store_that_panics_wedges_nothing() {
    let (chat, faults) = flaky().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let conv = a.group(&[]).await;
    let mut first = true;
    faults.choose(move |method| {
        assert!(method != Method::Commit || !std::mem::take(&mut first), "this store panics");
        None
    });
    let ctrl = a.wire.ask(json!({"send": {"conv": conv, "content": "one", "cid": "1"}})).await;
    assert_eq!((&ctrl["code"], &ctrl["err"]), (&json!(503), &json!("unavailable")));
    assert!(ctrl["params"]["retryAfter"].is_u64(), "{ctrl}");
    a.say(&conv, "two").await;
}

#[tokio::test(start_paused = true)]
async fn a_change_that_comes_after_its_answer_is_told_to_who_asked_for_it() {
    let (chat, faults) = flaky().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.dm(&b).await;
    faults.script(Method::Commit, Fault::Delay(2_000));
    let before = faults.met();
    let id = a.wire.begin(json!({"send": {"conv": conv, "content": "late"}})).await;
    while faults.met() == before {
        tokio::task::yield_now().await;
    }
    tokio::time::advance(Duration::from_secs(6)).await;
    let ctrl = a.wire.reply(&id).await;
    assert_eq!((&ctrl["code"], ctrl["params"].get("rev")), (&json!(503), None));
    while b.heard("data").await.is_empty() {}
    let told: Vec<_> = a.heard("data").await.iter().map(|data| data["rev"].clone()).collect();
    assert_eq!(told, [1], "no rev is missing on the connection that asked");
}

#[tokio::test(start_paused = true)]
async fn a_commit_to_an_unknown_end_is_never_kept_from_those_it_concerns() {
    let (chat, faults) = flaky().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let mut c = User::sign_up(&chat, "carol").await;
    let conv = a.group(&[&b]).await;
    let other = a.group(&[&c]).await;
    let send = |conv: &str| json!({"send": {"conv": conv, "content": "x", "cid": "1"}});
    // Nothing happened: nobody is disturbed.
    faults.script(Method::Commit, Fault::Before);
    assert_eq!(c.fails(send(&other)).await.0, 503);
    assert_eq!(c.ok(send(&other)).await["seq"], 1);
    tokio::time::sleep(Duration::from_secs(5)).await;
    // It happened, and nobody was told.
    faults.script(Method::Commit, Fault::After);
    assert_eq!(a.wire.ask(send(&conv)).await["code"], 503);
    assert_eq!(b.wire.closed().await, Some(Close::Resync));
    let mut a = a.device(&chat).await;
    let again = a.ok(send(&conv)).await;
    assert_eq!((&again["seq"], &again["replay"]), (&json!(1), &json!(true)));
    c.ok(json!({"hi": {}})).await;
}

#[tokio::test]
async fn what_was_unsent_meanwhile_is_not_pinned() {
    let (chat, faults) = flaky().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.dm(&b).await;
    a.say(&conv, "one").await;
    // The pin reads the message while the commit that unsends it is under way.
    faults.script(Method::Commit, Fault::Delay(2_000));
    let before = faults.met();
    let unsent = a.wire.begin(json!({"unsend": {"conv": conv, "seq": 1}})).await;
    while faults.met() == before {
        tokio::task::yield_now().await;
    }
    let id = b.wire.begin(json!({"pin": {"conv": conv, "seq": 1}})).await;
    assert_eq!(a.wire.reply(&unsent).await["code"], 200);
    let ctrl = b.wire.reply(&id).await;
    assert_eq!((&ctrl["code"], &ctrl["text"]), (&json!(410), &json!("message deleted")), "{ctrl}");
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_takes_too_long_or_fails_is_shown_all_the_same() {
    let (chat, faults) = flaky().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let open = json!({"dm": {"user": b.id}});
    faults.script(Method::CreateConversation, Fault::After);
    assert_eq!(a.fails(open.clone()).await.0, 503);
    let conv = a.ok(open).await["conv"].clone();
    tokio::time::sleep(Duration::from_secs(2)).await;
    for user in [&mut a, &mut b] {
        let heard = user.heard("info").await;
        let added = heard.iter().filter(|info| info["what"] == "conv_added" && info["conv"] == conv);
        assert_eq!(added.count(), 1, "{heard:?}");
    }
    faults.script(Method::CreateConversation, Fault::Delay(2_000));
    let before = faults.met();
    let id = a.wire.begin(json!({"group": {"action": "create"}})).await;
    while faults.met() == before {
        tokio::task::yield_now().await;
    }
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(a.wire.reply(&id).await["code"], 503);
    loop {
        if a.heard("info").await.iter().any(|info| info["what"] == "conv_added") {
            break;
        }
    }
}
