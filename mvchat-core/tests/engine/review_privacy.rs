//! What nobody may learn, also when the store fails or a request is repeated.

use crate::support::{User, flaky, server};
use mvchat_core::testkit::{Fault, Method};
use serde_json::json;

#[tokio::test]
async fn a_block_of_an_unknown_end_hides_typing_once_it_is_acknowledged() {
    let (chat, faults) = flaky().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.dm(&b).await;
    a.say(&conv, "hello").await;
    faults.script(Method::Configure, Fault::After);
    let block = json!({"dm": {"conv": conv, "blocked": true}});
    assert_eq!(b.fails(block.clone()).await.0, 503);
    b.ok(block).await;
    a.wire.settle().await;
    b.ok(json!({"read": {"conv": conv, "seq": 1}})).await;
    a.wire.send_text(json!({"typing": {"conv": conv}}).to_string()).await;
    a.wire.settle().await;
    assert!(!b.heard("info").await.iter().any(|info| info["what"] == "typing"));
    assert!(!a.heard("info").await.iter().any(|info| info["what"] == "read"));
}

#[tokio::test]
async fn a_repeated_creation_shows_nothing_to_who_has_left() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let create = json!({"group": {"action": "create", "cid": "g", "desc": {"public": {"fn": "old"}}}});
    let conv = a.ok(create.clone()).await["conv"].clone();
    a.ok(json!({"group": {"action": "invite", "id": conv, "user": b.id}})).await;
    a.ok(json!({"group": {"action": "transfer", "id": conv, "user": b.id}})).await;
    a.ok(json!({"group": {"action": "leave", "id": conv}})).await;
    b.ok(json!({"group": {"action": "update", "id": conv, "desc": {"public": {"fn": "secret"}}}})).await;
    let again = a.ok(create).await;
    assert_eq!((&again["conv"], &again["replay"]), (&conv, &json!(true)));
    assert_eq!(again["public"], json!({"fn": "old"}), "it echoes the request, not the group");
}

#[tokio::test]
async fn an_admin_who_has_left_has_no_rank_any_more() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let mut c = User::sign_up(&chat, "carol").await;
    let conv = a.group(&[&b, &c]).await;
    for user in [&b.id, &c.id] {
        a.ok(json!({"group": {"action": "role", "id": conv, "user": user, "role": "admin"}})).await;
    }
    let seq = b.say(&conv, "bye").await;
    let delete = json!({"delete": {"conv": conv, "seq": seq, "forEveryone": true}});
    assert_eq!(c.fails(delete.clone()).await.2, "not your message");
    b.ok(json!({"group": {"action": "leave", "id": conv}})).await;
    c.ok(delete).await;
}
