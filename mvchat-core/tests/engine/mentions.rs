//! `get mentions`.

use crate::support::{User, server};
use serde_json::{Value, json};

fn mentions() -> Value {
    json!({"get": {"what": "mentions"}})
}

fn mention(user: &User, text: &str) -> Value {
    json!({"v": 1, "text": text, "mentions": [{"userId": user.id, "offset": 0, "length": 2}]})
}

/// Returns the texts of what mentions the user.
async fn texts(user: &mut User) -> Vec<String> {
    let list = user.ok(mentions()).await;
    let texts = list["mentions"].as_array().unwrap().iter();
    texts.map(|item| item["content"]["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn mentions_come_from_everywhere_newest_first() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let (dm, group) = (a.dm(&b).await, a.group(&[&b]).await);
    assert_eq!(b.ok(mentions()).await, json!({"mentions": []}));
    let question = b.say(&dm, "who?").await;
    let sent =
        a.ok(json!({"send": {"conv": dm, "content": mention(&b, "@b one"), "replyTo": question}})).await;
    a.say(&dm, "no mention").await;
    a.ok(json!({"send": {"conv": group, "content": mention(&b, "@b two")}})).await;
    assert_eq!(texts(&mut b).await, ["@b two", "@b one"]);
    assert_eq!(texts(&mut a).await, [""; 0]);
    let list = b.ok(mentions()).await;
    let item = &list["mentions"][1];
    assert_eq!((&item["conv"], &item["seq"], &item["rev"]), (&json!(dm), &sent["seq"], &sent["rev"]));
    assert_eq!((&item["from"], &item["content"]), (&json!(a.id), &mention(&b, "@b one")));
    assert_eq!(item["head"]["mentions"], json!([{"userId": b.id, "offset": 0, "length": 2}]));
    assert_eq!(item["head"]["reply"]["preview"], "who?");
    assert!(item["ts"].is_string());
    let one = b.ok(json!({"get": {"what": "mentions", "limit": 1}})).await;
    assert_eq!(one["mentions"].as_array().unwrap().len(), 1);
    for limit in [0, -1, 51] {
        let all = b.ok(json!({"get": {"what": "mentions", "limit": limit}})).await;
        assert_eq!(all["mentions"].as_array().unwrap().len(), 2, "{limit}");
    }
}

#[tokio::test]
async fn mentions_follow_what_becomes_of_the_message() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.group(&[&b]).await;
    for text in ["@b 1", "@b 2", "@b 3", "@b 4", "@b 5"] {
        a.ok(json!({"send": {"conv": conv, "content": mention(&b, text)}})).await;
    }
    let plain = a.say(&conv, "@b 6").await;
    a.ok(json!({"edit": {"conv": conv, "seq": plain, "content": mention(&b, "@b six")}})).await;
    a.ok(json!({"edit": {"conv": conv, "seq": 5, "content": "nobody"}})).await;
    assert_eq!(texts(&mut b).await, ["@b six", "@b 4", "@b 3", "@b 2", "@b 1"]);
    b.ok(json!({"clear": {"conv": conv, "seq": 1}})).await;
    b.ok(json!({"delete": {"conv": conv, "seq": 3}})).await;
    a.ok(json!({"unsend": {"conv": conv, "seq": 4}})).await;
    assert_eq!(texts(&mut b).await, ["@b six", "@b 2"]);
    a.ok(json!({"delete": {"conv": conv, "seq": 2, "forEveryone": true}})).await;
    assert_eq!(texts(&mut b).await, ["@b six"]);
    a.ok(json!({"group": {"action": "kick", "id": conv, "user": b.id}})).await;
    assert_eq!(texts(&mut b).await, [""; 0]);
}
