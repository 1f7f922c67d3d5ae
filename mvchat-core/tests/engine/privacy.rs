//! What users show of themselves, and to whom.

use crate::support::{User, server, text};
use mvchat_core::Chat;
use serde_json::{Value, json};

fn privacy(settings: Value) -> Value {
    json!({"acc": {"user": "me", "privacy": settings}})
}

fn all(audience: &str) -> Value {
    privacy(json!({"lastSeen": audience, "receipts": audience, "typing": audience, "discoverable": audience}))
}

/// What a user sees of another one, in every projection.
async fn sight(viewer: &mut User, of: &User, conv: &str) -> Vec<(bool, bool)> {
    let requests = [
        json!({"get": {"what": "user", "user": of.id}}),
        json!({"get": {"what": "members", "conv": conv}}),
        json!({"get": {"what": "conversations"}}),
        json!({"get": {"what": "conversation", "conv": conv}}),
        json!({"get": {"what": "contacts"}}),
        json!({"dm": {"user": of.id}}),
    ];
    let mut seen = Vec::new();
    for request in requests {
        let params = viewer.ok(request).await;
        look(&params, &of.id, &mut seen);
    }
    let online = viewer.ok(json!({"get": {"what": "online"}})).await;
    seen.push((online["users"].as_array().unwrap().contains(&json!(of.id)), false));
    seen
}

fn look(value: &Value, id: &str, seen: &mut Vec<(bool, bool)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| look(item, id, seen)),
        Value::Object(fields) => {
            let names = fields.get("id").or(fields.get("user")).is_some_and(|it| it == id);
            if names && fields.contains_key("online") {
                seen.push((fields["online"] == true, fields.get("lastSeen").is_some_and(|it| !it.is_null())));
            }
            fields.values().for_each(|item| look(item, id, seen));
        }
        _ => {}
    }
}

async fn pair(chat: &Chat) -> (User, User, String) {
    let mut a = User::sign_up(chat, "alice").await;
    let mut b = User::sign_up(chat, "bobby").await;
    let conv = a.dm(&b).await;
    a.ok(json!({"contact": {"add": b.id}})).await;
    a.say(&conv, "one").await;
    b.heard("data").await;
    (a, b, conv)
}

#[tokio::test]
async fn settings_are_kept_and_shown_to_their_owner() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let set = a.ok(privacy(json!({"lastSeen": "nobody", "typing": "contacts"}))).await;
    let expected = json!({
        "lastSeen": "nobody", "receipts": "everyone", "typing": "contacts", "discoverable": "everyone",
    });
    assert_eq!(set, json!({"privacy": expected}));
    let mut wire = mvchat_core::testkit::Wire::connect(&chat);
    let login = wire.ask(json!({"login": {"scheme": "token", "secret": a.token}})).await;
    assert_eq!(login["params"]["privacy"], expected);
    for bad in [json!({"lastSeen": "friends"}), json!({"receipts": ""})] {
        assert_eq!(a.fails(privacy(bad)).await, (400, "invalid".into(), "invalid privacy".into()));
    }
}

#[tokio::test]
async fn who_hides_is_seen_nowhere_and_sees_nobody() {
    let chat = server().await;
    let (mut a, mut b, conv) = pair(&chat).await;
    assert!(sight(&mut a, &b, &conv).await.iter().all(|(online, _)| *online));
    b.ok(all("nobody")).await;
    assert!(a.heard("pres").await.iter().any(|it| it["user"] == json!(b.id) && it["what"] == "off"));
    assert!(sight(&mut a, &b, &conv).await.iter().all(|seen| *seen == (false, false)));
    assert!(sight(&mut b, &a, &conv).await.iter().all(|seen| *seen == (false, false)), "both ways");
    let mut device = b.device(&chat).await;
    device.wire.settle().await;
    b.ok(json!({"read": {"conv": conv, "seq": 1}})).await;
    b.wire.send_text(json!({"typing": {"conv": conv}}).to_string()).await;
    b.wire.settle().await;
    let heard = a.wire.settle().await;
    assert!(heard.is_empty(), "{heard:?}");
    let own = device.heard("info").await;
    assert!(own.iter().any(|info| info["what"] == "own" && info["content"]["readSeq"] == 1));
    let ids = [a.id.clone(), b.id.clone()];
    for (viewer, other) in [(&mut a, &ids[1]), (&mut b, &ids[0])] {
        let receipts = viewer.ok(json!({"get": {"what": "receipts", "conv": conv}})).await;
        let rows = receipts["receipts"].as_array().unwrap();
        let of = rows.iter().find(|row| row["user"] == json!(other)).unwrap();
        assert_eq!((&of["readSeq"], &of["recvSeq"]), (&json!(0), &json!(0)));
    }
    b.ok(all("everyone")).await;
    assert!(a.heard("pres").await.iter().any(|it| it["user"] == json!(b.id) && it["what"] == "on"));
    assert!(sight(&mut a, &b, &conv).await.iter().all(|(online, _)| *online));
}

#[tokio::test]
async fn contacts_are_those_whom_the_user_has_added() {
    let chat = server().await;
    let (mut a, mut b, conv) = pair(&chat).await;
    b.ok(all("contacts")).await;
    assert!(sight(&mut a, &b, &conv).await.iter().all(|seen| *seen == (false, false)), "alice added bobby");
    b.ok(json!({"contact": {"add": a.id}})).await;
    assert!(sight(&mut a, &b, &conv).await.iter().all(|(online, _)| *online));
    b.ok(json!({"read": {"conv": conv, "seq": 1}})).await;
    assert!(a.heard("info").await.iter().any(|info| info["what"] == "read"));
    b.ok(json!({"contact": {"remove": a.id}})).await;
    a.ok(json!({"contact": {"add": b.id}})).await;
    assert!(sight(&mut a, &b, &conv).await.iter().all(|seen| *seen == (false, false)));
}

#[tokio::test]
async fn who_does_not_want_to_be_found_is_not_there_for_strangers() {
    let chat = server().await;
    let mut hidden = Vec::new();
    for n in 0..7 {
        let mut user = User::sign_up(&chat, &format!("hidden-{n}")).await;
        user.ok(privacy(json!({"discoverable": "nobody"}))).await;
        hidden.push(user);
    }
    let shown = User::sign_up(&chat, "hidden-not").await;
    let mut a = User::sign_up(&chat, "alice").await;
    let search = json!({"search": {"query": "hidden", "limit": 2}});
    let found = a.ok(search.clone()).await;
    let ids: Vec<_> = found["users"].as_array().unwrap().iter().map(|user| text(&user["id"])).collect();
    assert_eq!(ids, std::slice::from_ref(&shown.id));
    let nobody = "00000000-0000-0000-0000-000000000009";
    for ask in [
        |id: &str| json!({"get": {"what": "user", "user": id}}),
        |id: &str| json!({"dm": {"user": id}}),
        |id: &str| json!({"contact": {"add": id}}),
    ] {
        let unknown = a.fails(ask(nobody)).await;
        assert_eq!(a.fails(ask(&hidden[0].id)).await, unknown);
    }
    // Who shares a conversation has met already.
    let conv = hidden[0].dm(&a).await;
    assert_eq!(a.dm(&hidden[0]).await, conv);
    a.ok(json!({"get": {"what": "user", "user": hidden[0].id}})).await;
    let group = a.group(&[&hidden[0]]).await;
    a.ok(json!({"get": {"what": "members", "conv": group}})).await;
    hidden[1].ok(privacy(json!({"discoverable": "contacts"}))).await;
    a.fails(json!({"dm": {"user": hidden[1].id}})).await;
    hidden[1].ok(json!({"contact": {"add": a.id}})).await;
    a.dm(&hidden[1]).await;
    assert_eq!(a.ok(search).await["users"].as_array().unwrap().len(), 2);
}

/// Who is shown to contacts only is not seen to come and go by whoever is none any more.
#[tokio::test]
async fn a_contact_that_is_removed_is_told_of_at_once() {
    let chat = server().await;
    let (mut a, mut b, _) = pair(&chat).await;
    a.ok(privacy(json!({"lastSeen": "contacts"}))).await;
    for user in [&mut a, &mut b] {
        user.wire.settle().await;
    }
    let pres = |heard: Vec<Value>, of: &User| {
        heard
            .into_iter()
            .filter(|pres| pres["user"] == json!(of.id))
            .map(|pres| pres["what"].clone())
            .collect()
    };
    let change = |what: &str, user: &User| json!({"contact": {what: user.id}});
    for (what, told) in [("remove", "off"), ("add", "on"), ("add", ""), ("remove", "off"), ("remove", "")] {
        a.ok(change(what, &b)).await;
        let expected: Vec<Value> = Some(json!(told)).filter(|_| !told.is_empty()).into_iter().collect();
        let heard: Vec<Value> = pres(b.heard("pres").await, &a);
        assert_eq!(heard, expected, "{what}");
        let heard: Vec<Value> = pres(a.heard("pres").await, &b);
        assert_eq!(heard, expected, "{what}, on the other side");
    }
    // Strangers hear nothing of each other, contacts or not.
    let mut c = User::sign_up(&chat, "carol").await;
    for what in ["add", "remove"] {
        a.ok(change(what, &c)).await;
        assert_eq!(c.heard("pres").await, Vec::<Value>::new());
    }
}
