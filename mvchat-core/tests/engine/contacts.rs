//! Contacts, and who of them is here.

use crate::support::{User, server};
use mvchat_core::proto::{Close, Frame};
use serde_json::{Value, json};

fn contact(fields: Value) -> Value {
    json!({ "contact": fields })
}

fn contacts() -> Value {
    json!({"get": {"what": "contacts"}})
}

#[tokio::test]
async fn contacts_are_made_both_ways_and_ended_both_ways() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let added = a.ok(contact(json!({"add": b.id}))).await;
    assert_eq!(added, json!({"user": b.id, "public": {"fn": "bobby"}}));
    assert_eq!(a.ok(contact(json!({"add": b.id}))).await, added);
    let list = b.ok(contacts()).await;
    let [of_a] = &list["contacts"].as_array().unwrap()[..] else { panic!("{list}") };
    assert_eq!((&of_a["user"], &of_a["source"]), (&json!(a.id), &json!("manual")));
    assert_eq!((&of_a["public"], &of_a["online"]), (&json!({"fn": "alice"}), &json!(true)));
    assert!(of_a["createdAt"].is_string() && of_a.get("nickname").is_none());
    assert_eq!(b.ok(contact(json!({"remove": a.id}))).await, json!({"user": a.id}));
    assert_eq!(a.ok(contacts()).await, json!({"contacts": []}));
    assert_eq!(b.ok(contacts()).await, json!({"contacts": []}));
    b.ok(contact(json!({"remove": a.id}))).await;
}

#[tokio::test]
async fn a_contact_request_has_a_precedence_and_refuses_nonsense() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let b = User::sign_up(&chat, "bobby").await;
    let nobody = "00000000-0000-0000-0000-000000000009";
    for (fields, text) in [
        (json!({}), "invalid contact request"),
        (json!({"user": b.id}), "invalid contact request"),
        (json!({"nickname": "x"}), "invalid contact request"),
        (json!({"add": "x"}), "invalid user id"),
        (json!({"remove": "x"}), "invalid user id"),
        (json!({"user": "x", "nickname": "y"}), "invalid user id"),
        (json!({"add": a.id}), "cannot add yourself as contact"),
        (json!({"user": b.id, "nickname": "é".repeat(65)}), "failed to update nickname"),
    ] {
        assert_eq!(a.fails(contact(fields)).await, (400, "invalid".into(), text.into()));
    }
    let unknown = a.fails(contact(json!({"add": nobody}))).await;
    assert_eq!(unknown, (404, "not_found".into(), "user not found".into()));
    a.ok(contact(json!({"add": b.id, "remove": "x"}))).await;
    assert_eq!(a.ok(contacts()).await["contacts"].as_array().unwrap().len(), 1, "adding comes first");
}

#[tokio::test]
async fn nicknames_are_private_and_can_be_taken_back() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    a.ok(contact(json!({"add": b.id}))).await;
    let longest = "é".repeat(64);
    let named = a.ok(contact(json!({"user": b.id, "nickname": longest}))).await;
    assert_eq!(named, json!({"user": b.id, "nickname": longest}));
    assert_eq!(a.ok(contacts()).await["contacts"][0]["nickname"], json!(longest));
    assert_eq!(b.ok(contacts()).await["contacts"][0].get("nickname"), None);
    let cleared = a.ok(contact(json!({"user": b.id, "nickname": null}))).await;
    assert_eq!(cleared, json!({"user": b.id, "nickname": null}));
    assert_eq!(a.ok(contacts()).await["contacts"][0].get("nickname"), None);
}

#[tokio::test]
async fn a_block_hides_whoever_is_behind_it() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.dm(&b).await;
    a.ok(contact(json!({"add": b.id}))).await;
    a.ok(json!({"dm": {"conv": conv, "blocked": true}})).await;
    for user in [&mut a, &mut b] {
        let list = user.ok(contacts()).await;
        let item = &list["contacts"][0];
        assert_eq!((&item["online"], item.get("lastSeen")), (&json!(false), None));
    }
    let (to_a, to_b) = (contact(json!({"add": a.id})), contact(json!({"add": b.id})));
    let refused = (404, "not_found".to_owned(), "user not found".to_owned());
    assert_eq!((a.fails(to_b.clone()).await, b.fails(to_a).await), (refused.clone(), refused));
    a.ok(json!({"dm": {"conv": conv, "blocked": false}})).await;
    a.ok(to_b).await;
    assert_eq!(a.ok(contacts()).await["contacts"][0]["online"], true);
}

#[tokio::test]
async fn who_is_online_is_told_of_contacts_and_partners_only() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut contact_of_a = User::sign_up(&chat, "bobby").await;
    let partner = User::sign_up(&chat, "carol").await;
    let in_group = User::sign_up(&chat, "david").await;
    let blocking = User::sign_up(&chat, "erika").await;
    let away = User::sign_up(&chat, "frank").await;
    let online = json!({"get": {"what": "online"}});
    assert_eq!(a.ok(online.clone()).await, json!({"users": []}));
    a.group(&[&in_group]).await;
    a.dm(&partner).await;
    a.ok(contact(json!({"add": partner.id}))).await;
    for user in [&contact_of_a, &blocking, &away] {
        a.ok(contact(json!({"add": user.id}))).await;
    }
    let mut blocking = blocking;
    let conv = blocking.dm(&a).await;
    blocking.ok(json!({"dm": {"conv": conv, "blocked": true}})).await;
    let User { mut wire, .. } = away;
    wire.send_frame(Frame::Close(Close::Normal)).await;
    wire.closed().await;
    let mut users = vec![contact_of_a.id.clone(), partner.id.clone()];
    users.sort();
    assert_eq!(a.ok(online.clone()).await, json!({ "users": users }));
    assert_eq!(contact_of_a.ok(online.clone()).await, json!({"users": [a.id]}));
    assert_eq!(blocking.ok(online).await, json!({"users": []}));
}
