//! Several engines on one store.

use crate::support::{User, text};
use mvchat_core::builtin::MemoryStore;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::proto::Limits;
use mvchat_core::{Chat, Keys};
use serde_json::{Value, json};

/// Two nodes with one store and one ring.
async fn nodes() -> (Chat, Chat) {
    let (store, keys) = (MemoryStore::shared(), Keys::ephemeral());
    let node = async || {
        let limits = Limits::default().unthrottled();
        let builder = Chat::builder(store.clone()).keys(keys.clone()).limits(limits);
        builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap()
    };
    (node().await, node().await)
}

/// Reads on until a frame of a kind satisfies a condition; returns all frames of that kind.
async fn until(user: &mut User, kind: &str, done: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut heard = Vec::new();
    loop {
        let mut frame = user.wire.next().await.unwrap();
        if let Some(found) = frame.get_mut(kind).map(Value::take) {
            let last = done(&found);
            heard.push(found);
            if last {
                return heard;
            }
        }
    }
}

#[tokio::test]
async fn members_on_another_node_see_everything() {
    let (one, two) = nodes().await;
    let mut a = User::sign_up(&one, "alice").await;
    let mut b = User::sign_up(&two, "bobby").await;
    let conv = a.dm(&b).await;
    let added = until(&mut b, "info", |info| info["what"] == "conv_added").await;
    assert_eq!(text(&added[0]["conv"]), conv);

    a.say(&conv, "first").await;
    let data = until(&mut b, "data", |_| true).await;
    assert_eq!(
        (&data[0]["seq"], &data[0]["rev"], &data[0]["content"]["text"]),
        (&json!(1), &json!(1), &json!("first"))
    );
    assert_eq!(data[0].get("cid"), None);

    a.ok(json!({"edit": {"conv": conv, "seq": 1, "content": {"v": 1, "text": "better"}}})).await;
    let edit = until(&mut b, "info", |info| info["what"] == "edit").await;
    assert_eq!(edit.last().unwrap()["content"]["text"], "better");
    b.ok(json!({"react": {"conv": conv, "seq": 1, "emoji": "👍"}})).await;
    let react = until(&mut a, "info", |info| info["what"] == "react").await;
    assert_eq!((&react.last().unwrap()["rev"], &react.last().unwrap()["count"]), (&json!(3), &json!(1)));
    a.ok(json!({"unsend": {"conv": conv, "seq": 1}})).await;
    until(&mut b, "info", |info| info["what"] == "unsend" && info["rev"] == 4).await;
}

#[tokio::test]
async fn who_is_removed_on_one_node_sends_nothing_on_the_other() {
    let (one, two) = nodes().await;
    let mut a = User::sign_up(&one, "alice").await;
    let mut b = User::sign_up(&two, "bobby").await;
    let conv = a.group(&[&b]).await;
    until(&mut b, "info", |info| info["what"] == "member_joined").await;
    b.say(&conv, "hello").await;
    until(&mut a, "data", |_| true).await;
    a.ok(json!({"group": {"action": "kick", "id": conv, "user": b.id}})).await;
    let denied = b.fails(json!({"send": {"conv": conv, "content": {"v": 1, "text": "still"}}})).await;
    assert_eq!(denied.0, 403);
    let kicked = until(&mut b, "info", |info| info["what"] == "member_kicked").await;
    assert_eq!(text(&kicked.last().unwrap()["user"]), b.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn revs_come_in_their_order_on_every_node() {
    const EACH: u64 = 100;
    let (one, two) = nodes().await;
    let mut a = User::sign_up(&one, "alice").await;
    let mut b = User::sign_up(&two, "bobby").await;
    let conv = a.group(&[&b]).await;
    until(&mut b, "info", |info| info["what"] == "member_joined").await;
    let (mut watch_a, mut watch_b) = (a.device(&one).await, b.device(&two).await);
    let talk = async |user: &mut User| {
        for i in 0..EACH {
            user.say(&conv, &format!("{i}")).await;
        }
    };
    tokio::join!(talk(&mut a), talk(&mut b));
    // The invitation was the first change.
    let last = 2 * EACH + 1;
    for watch in [&mut watch_a, &mut watch_b] {
        let data = until(watch, "data", |data| data["rev"] == last).await;
        let revs: Vec<_> = data.iter().map(|data| data["rev"].as_u64().unwrap()).collect();
        assert_eq!(revs, (2..=last).collect::<Vec<_>>());
    }
}
