//! People chat.

use crate::support::{User, server, text};
use serde_json::{Value, json};

#[tokio::test]
async fn two_users_chat_in_a_direct_conversation() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.dm(&b).await;
    let added = &b.heard("info").await[0];
    assert_eq!((&added["what"], &added["conv"]), (&json!("conv_added"), &json!(conv)));
    assert_eq!(added["content"]["user"]["public"]["fn"], "alice");

    let sent = a.ok(json!({"send": {"conv": conv, "content": {"v": 1, "text": "hello"}, "cid": "c1"}})).await;
    assert_eq!((&sent["seq"], &sent["rev"], &sent["delivered"]), (&json!(1), &json!(1), &json!(1)));
    let data = &b.heard("data").await[0];
    assert_eq!((&data["seq"], &data["content"]["text"]), (&json!(1), &json!("hello")));
    assert_eq!(data.get("cid"), None, "a cid is its sender's own");

    let again =
        a.ok(json!({"send": {"conv": conv, "content": {"v": 1, "text": "hello"}, "cid": "c1"}})).await;
    assert_eq!((&again["seq"], &again["replay"]), (&json!(1), &json!(true)));
    let other = json!({"send": {"conv": conv, "content": {"v": 1, "text": "else"}, "cid": "c1"}});
    assert_eq!(a.fails(other).await.1, "cid_reused");
    assert_eq!(b.heard("data").await.len(), 0);
}

#[tokio::test]
async fn history_shows_replies_mentions_edits_and_tombstones() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.dm(&b).await;
    a.say(&conv, "first").await;
    let mention = json!({"v": 1, "text": "@alice yes", "mentions": [{"userId": a.id, "username": "alice", "offset": 0, "length": 6}]});
    b.ok(json!({"send": {"conv": conv, "content": mention, "replyTo": 1}})).await;
    a.ok(json!({"edit": {"conv": conv, "seq": 1, "content": {"v": 1, "text": "edited"}}})).await;
    a.say(&conv, "oops").await;
    a.ok(json!({"unsend": {"conv": conv, "seq": 3}})).await;
    let react = b.ok(json!({"react": {"conv": conv, "seq": 1, "emoji": "👍"}})).await;
    assert_eq!((&react["op"], &react["count"]), (&json!("add"), &json!(1)));

    let page = b.ok(json!({"get": {"what": "messages", "conv": conv}})).await;
    let messages = page["messages"].as_array().unwrap();
    assert_eq!(messages[0]["head"], json!({"unsent": true}));
    assert_eq!((&messages[0]["deleted"], messages[0].get("content")), (&json!(true), None));
    assert_eq!(messages[1]["head"]["reply"], json!({"seq": 1, "from": a.id, "preview": "edited"}));
    assert_eq!(messages[1]["head"]["mentions"][0]["offset"], 0);
    assert_eq!(messages[2]["head"]["edit_count"], 1);
    assert_eq!(messages[2]["head"]["reactions"]["👍"], json!([b.id]));
    assert_eq!((&page["rev"], &page["more"]), (&json!(6), &json!(false)));

    let heard: Vec<_> = a.heard("info").await.into_iter().filter(|info| info["what"] == "react").collect();
    assert_eq!(
        (&heard[0]["op"], &heard[0]["count"], &heard[0]["rev"]),
        (&json!("add"), &json!(1), &json!(6))
    );
}

#[tokio::test]
async fn every_rev_reaches_every_connection_in_order() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let b = User::sign_up(&chat, "bobby").await;
    let conv = a.group(&[&b]).await;
    let mut phone = b.device(&chat).await;
    let mut b = b;
    let mut ids = Vec::new();
    for n in 0..20 {
        ids.push(a.wire.begin(json!({"send": {"conv": conv, "content": format!("a{n}")}})).await);
        b.wire.begin(json!({"send": {"conv": conv, "content": format!("b{n}")}})).await;
        b.wire.begin(json!({"get": {"what": "messages", "conv": conv}})).await;
    }
    for id in &ids {
        assert_eq!(a.wire.reply(id).await["code"], 202);
    }
    let revs = |frames: Vec<Value>| -> Vec<u64> {
        let rev = |frame: &Value| {
            frame["data"]["rev"]
                .as_u64()
                .or(frame["info"]["rev"].as_u64())
                .or((frame["ctrl"]["code"] == 202).then(|| frame["ctrl"]["params"]["rev"].as_u64()).flatten())
        };
        frames.iter().filter_map(rev).collect()
    };
    let all = |revs: Vec<u64>, from: u64| {
        let expected: Vec<u64> = (from..=41).collect();
        assert_eq!(revs.into_iter().filter(|rev| *rev >= from).collect::<Vec<_>>(), expected);
    };
    while phone.wire.settle().await.last().is_none() {}
    let frames = b.wire.settle().await;
    all(revs(frames), 2);
}

#[tokio::test]
async fn groups_have_roles_and_the_removed_hear_nothing_more() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let mut c = User::sign_up(&chat, "carol").await;
    let conv = a.group(&[&b, &c]).await;
    let joined = b.heard("info").await;
    assert!(joined.iter().any(|info| info["what"] == "conv_added" && info["content"]["public"]["fn"] == "g"));
    assert_eq!(
        b.fails(json!({"group": {"action": "kick", "id": conv, "user": c.id}})).await.2,
        "only owner or admin can kick"
    );
    a.ok(json!({"group": {"action": "role", "id": conv, "user": b.id, "role": "admin"}})).await;
    b.ok(json!({"group": {"action": "kick", "id": conv, "user": c.id}})).await;
    let kicked = c.heard("info").await;
    assert!(kicked.iter().any(|info| info["what"] == "member_kicked" && info["user"] == json!(c.id)));
    a.say(&conv, "without carol").await;
    assert_eq!(c.heard("data").await.len(), 0);
    for request in [
        json!({"send": {"conv": conv, "content": "x"}}),
        json!({"get": {"what": "messages", "conv": conv}}),
        json!({"read": {"conv": conv, "seq": 1}}),
        json!({"clear": {"conv": conv, "seq": 1}}),
        json!({"delete": {"conv": conv, "seq": 1}}),
        json!({"get": {"what": "changes", "conv": conv, "since": 0}}),
    ] {
        assert_eq!(c.fails(request).await, (403, "not_member".into(), "not a member".into()));
    }
    assert_eq!(a.fails(json!({"group": {"action": "leave", "id": conv}})).await.2, "owner cannot leave room");
    a.ok(json!({"group": {"action": "transfer", "id": conv, "user": b.id}})).await;
    a.ok(json!({"group": {"action": "leave", "id": conv}})).await;
    let members = b.ok(json!({"get": {"what": "members", "conv": conv}})).await;
    assert_eq!(members["members"][0]["role"], "owner");
    assert_eq!(members["members"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn catch_up_brings_what_changed_and_nothing_else() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.dm(&b).await;
    let other = a.group(&[&b]).await;
    a.say(&conv, "one").await;
    let list = b.ok(json!({"get": {"what": "conversations", "limit": 10}})).await;
    assert_eq!(list["conversations"].as_array().unwrap().len(), 2);
    let since = text(&list["since"]);

    a.say(&conv, "two").await;
    a.ok(json!({"edit": {"conv": conv, "seq": 1, "content": {"v": 1, "text": "1"}}})).await;
    let list = b.ok(json!({"get": {"what": "conversations", "since": since}})).await;
    let touched = list["conversations"].as_array().unwrap();
    assert_eq!((touched.len(), &touched[0]["id"], &touched[0]["rev"]), (1, &json!(conv), &json!(3)));
    let changes = b.ok(json!({"get": {"what": "changes", "conv": conv, "since": 1}})).await;
    let seqs: Vec<_> =
        changes["items"].as_array().unwrap().iter().map(|item| item["message"]["seq"].clone()).collect();
    assert_eq!((seqs, &changes["rev"]), (vec![json!(2), json!(1)], &json!(3)));

    a.ok(json!({"group": {"action": "kick", "id": other, "user": b.id}})).await;
    let list = b.ok(json!({"get": {"what": "conversations", "since": list["since"]}})).await;
    assert_eq!(list["conversations"], json!([{"id": other, "gone": true}]));
}

#[tokio::test]
async fn presence_typing_and_marks_reach_the_other_side() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let b = User::sign_up(&chat, "bobby").await;
    let conv = a.dm(&b).await;
    a.say(&conv, "hello").await;
    let mut second = b.device(&chat).await;
    second.wire.send_text(json!({"typing": {"conv": conv}}).to_string()).await;
    let read = second.ok(json!({"read": {"conv": conv, "seq": 99}})).await;
    assert_eq!(read["seq"], 1, "a mark is clamped to the last message");
    let infos = a.heard("info").await;
    let whats: Vec<_> = infos.iter().map(|info| text(&info["what"])).collect();
    assert!(whats.contains(&"typing".into()) && whats.contains(&"read".into()), "{whats:?}");
    let mut first = b;
    let own: Vec<_> = first.heard("info").await.into_iter().filter(|info| info["what"] == "own").collect();
    assert_eq!(own[0]["content"], json!({"readSeq": 1}));
    drop((first, second));
    loop {
        let frame = a.wire.next().await.unwrap();
        if frame["pres"]["what"] == "off" {
            assert!(frame["pres"]["lastSeen"].is_string());
            break;
        }
    }
}

#[tokio::test]
async fn a_block_stops_both_and_hides() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.dm(&b).await;
    a.say(&conv, "one").await;
    b.ok(json!({"dm": {"conv": conv, "blocked": true}})).await;
    let send = |text: &str| json!({"send": {"conv": conv, "content": text}});
    assert_eq!(a.fails(send("x")).await, (403, "blocked".into(), "blocked".into()));
    assert_eq!(b.fails(send("x")).await, (403, "blocked".into(), "unblock first".into()));
    assert_eq!(a.fails(json!({"get": {"what": "user", "user": b.id}})).await.0, 404);
    assert_eq!(a.ok(json!({"search": {"query": "bobby"}})).await["users"], json!([]));
    let view = a.ok(json!({"get": {"what": "conversation", "conv": conv}})).await;
    assert_eq!(view["conversation"]["user"]["online"], false);
    a.ok(json!({"unsend": {"conv": conv, "seq": 1}})).await;
    b.ok(json!({"dm": {"conv": conv, "blocked": false}})).await;
    a.ok(send("again")).await;
}

#[tokio::test]
async fn ended_sessions_close_and_do_nothing_more() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut other = a.device(&chat).await;
    let mut wire = mvchat_core::testkit::Wire::connect(&chat);
    let login = json!({"login": {"scheme": "basic", "secret": crate::support::secret("alice")}});
    assert_eq!(wire.ask(login).await["code"], 200);
    let change = json!({"acc": {"user": "me", "old": "password-alice", "new": "another-password"}});
    assert_eq!(wire.ask(change).await["params"]["passwordChanged"], true);
    assert_eq!(a.wire.closed().await.map(|close| close.code()), Some(4003));
    assert_eq!(other.wire.closed().await.map(|close| close.code()), Some(4003));
    let mut late = mvchat_core::testkit::Wire::connect(&chat);
    let ctrl = late.ask(json!({"login": {"scheme": "token", "secret": a.token}})).await;
    assert_eq!((&ctrl["code"], &ctrl["text"]), (&json!(401), &json!("invalid token")));
    assert_eq!(wire.ask(json!({"logout": {}})).await["code"], 200);
    assert_eq!(wire.closed().await.map(|close| close.code()), Some(4003));
}

#[tokio::test]
async fn sessions_are_listed_and_revoked_by_their_user_only() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let mut laptop = mvchat_core::testkit::Wire::connect(&chat);
    laptop.ask(json!({"hi": {"dev": "laptop", "ua": "x/1"}})).await;
    let login = json!({"login": {"scheme": "basic", "secret": crate::support::secret("alice")}});
    let session = text(&laptop.ask(login).await["params"]["session"]);
    let list = a.ok(json!({"session": {"list": true}})).await;
    let list = list["sessions"].as_array().unwrap();
    let laptops: Vec<_> =
        list.iter().filter(|it| it["device"] == "laptop" && it["userAgent"] == "x/1").collect();
    assert_eq!((list.len(), laptops.len()), (2, 1));
    assert_eq!((&laptops[0]["id"], &laptops[0]["current"]), (&json!(session), &json!(false)));
    let revoke = json!({"session": {"revoke": session}});
    assert_eq!(b.fails(revoke.clone()).await, (404, "not_found".into(), "session not found".into()));
    a.ok(revoke.clone()).await;
    assert_eq!(laptop.closed().await.map(|close| close.code()), Some(4003));
    assert_eq!(a.fails(revoke).await.0, 404);
    let own = a.ok(json!({"session": {"list": true}})).await["sessions"][0]["id"].clone();
    a.ok(json!({"session": {"revoke": own}})).await;
    assert_eq!(a.wire.closed().await.map(|close| close.code()), Some(4003));
}

#[tokio::test(start_paused = true)]
async fn marks_are_announced_twice_a_second_and_the_newest_arrives() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.dm(&b).await;
    for _ in 0..20 {
        a.say(&conv, "x").await;
    }
    a.wire.settle().await;
    for seq in 1..=20 {
        b.ok(json!({"read": {"conv": conv, "seq": seq}})).await;
    }
    let mut seen = Vec::new();
    while seen.last() != Some(&20) {
        let frame = a.wire.next().await.unwrap();
        if frame["info"]["what"] == "read" {
            seen.push(frame["info"]["seq"].as_u64().unwrap());
        }
    }
    assert_eq!(seen, [1, 2, 20]);
}
