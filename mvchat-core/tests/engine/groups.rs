//! Groups: bans, mutes, slow mode, links.

use crate::clock::{Clock, restarted};
use crate::support::{User, server, text};
use mvchat_core::builtin::MemoryStore;
use mvchat_core::builtin::keys::Keys;
use serde_json::{Value, json};

fn group(action: &str, conv: &str, more: Value) -> Value {
    let mut fields = json!({"action": action, "id": conv});
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"group": fields})
}

#[tokio::test]
async fn the_banned_are_out_and_stay_out() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.group(&[&b]).await;
    let link = text(&a.ok(group("link", &conv, json!({"create": true}))).await["code"]);
    let ban = group("ban", &conv, json!({"user": b.id}));
    assert_eq!(b.fails(ban.clone()).await.2, "only owner or admin can ban");
    let own = group("ban", &conv, json!({"user": a.id}));
    assert_eq!(a.fails(own).await.2, "cannot ban owner");
    a.ok(ban).await;
    let heard = b.heard("info").await;
    assert!(heard.iter().any(|info| info["what"] == "member_banned" && info["user"] == json!(b.id)));
    assert_eq!(b.fails(json!({"send": {"conv": conv, "content": "x"}})).await.1, "not_member");
    let join = json!({"group": {"action": "join", "link": link}});
    assert_eq!(b.fails(join.clone()).await, (403, "forbidden".into(), "banned".into()));
    assert_eq!(a.fails(group("invite", &conv, json!({"user": b.id}))).await.2, "banned");
    a.ok(group("unban", &conv, json!({"user": b.id}))).await;
    assert_eq!(a.fails(group("unban", &conv, json!({"user": b.id}))).await.2, "user not banned");
    b.ok(join).await;
    a.say(&conv, "welcome back").await;
    assert_eq!(b.heard("data").await.len(), 1);
}

#[tokio::test]
async fn the_muted_read_but_do_not_write() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.group(&[&b]).await;
    b.say(&conv, "before").await;
    b.heard("info").await;
    a.ok(group("mute", &conv, json!({"user": b.id, "until": "2999-01-01T00:00:00Z"}))).await;
    let muted = &b.heard("info").await[0];
    assert_eq!(muted["content"], json!({"until": "2999-01-01T00:00:00.000000Z"}));
    assert_eq!(
        b.fails(json!({"send": {"conv": conv, "content": "x"}})).await,
        (403, "muted".into(), "muted".into())
    );
    let edit = json!({"edit": {"conv": conv, "seq": 1, "content": "x"}});
    assert_eq!(b.fails(edit).await.1, "muted");
    b.ok(json!({"get": {"what": "messages", "conv": conv}})).await;
    let members = a.ok(json!({"get": {"what": "members", "conv": conv}})).await;
    let of_b = members["members"].as_array().unwrap().iter().find(|it| it["id"] == json!(b.id)).unwrap();
    assert_eq!(of_b["mutedUntil"], "2999-01-01T00:00:00.000000Z");
    a.ok(group("unmute", &conv, json!({"user": b.id}))).await;
    b.say(&conv, "after").await;
    a.ok(group("mute", &conv, json!({"user": b.id, "until": "2001-01-01T00:00:00Z"}))).await;
    b.say(&conv, "a mute that has passed is none").await;
    assert_eq!(
        a.fails(group("mute", &conv, json!({"user": b.id, "until": "soon"}))).await.2,
        "invalid until"
    );
}

#[tokio::test]
async fn slow_mode_holds_plain_members_back_and_no_retries() {
    let (clock, store, keys) = (Clock::default(), MemoryStore::default(), Keys::ephemeral());
    let chat = restarted(store.clone(), &clock, &keys).await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.group(&[&b]).await;
    let set = a.ok(group("update", &conv, json!({"slowMode": 30}))).await;
    assert_eq!(set["slowMode"], 30);
    let heard = b.heard("info").await;
    assert!(
        heard
            .iter()
            .any(|info| info["what"] == "group_updated" && info["content"] == json!({"slowMode": 30}))
    );
    let first = json!({"send": {"conv": conv, "content": "1", "cid": "c1"}});
    b.ok(first.clone()).await;
    assert_eq!(b.ok(first).await["replay"], true);
    let ctrl = b.wire.ask(json!({"send": {"conv": conv, "content": "2"}})).await;
    assert_eq!(
        (&ctrl["code"], &ctrl["err"], &ctrl["text"]),
        (&json!(429), &json!("rate_limited"), &json!("slow mode"))
    );
    let after = ctrl["params"]["retryAfter"].as_u64().unwrap();
    assert!((1..=30_000).contains(&after), "{after}");
    a.say(&conv, "moderators").await;
    a.say(&conv, "are free").await;
    // A server that is started anew remembers who spoke.
    let again = restarted(store, &clock, &keys).await;
    let mut login = mvchat_core::testkit::Wire::connect(&again);
    let secret = crate::support::secret("bobby");
    assert_eq!(login.ask(json!({"login": {"scheme": "basic", "secret": secret}})).await["code"], 200);
    assert_eq!(login.ask(json!({"send": {"conv": conv, "content": "2"}})).await["text"], "slow mode");
    clock.advance(after.div_ceil(1_000));
    b.say(&conv, "2").await;
    a.ok(group("update", &conv, json!({"slowMode": 0}))).await;
    b.say(&conv, "3").await;
    assert_eq!(a.fails(group("update", &conv, json!({"slowMode": 86_401}))).await.2, "invalid slow mode");
}

#[tokio::test]
async fn links_let_in_those_who_have_one_as_often_as_they_may() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let mut c = User::sign_up(&chat, "carol").await;
    let conv = a.group(&[]).await;
    let made = a.ok(group("link", &conv, json!({"create": true, "expiresIn": 3_600, "maxUses": 1}))).await;
    let join = json!({"group": {"action": "join", "link": made["code"]}});
    assert!(made["expiresAt"].is_string());
    let joined = b.ok(join.clone()).await;
    assert_eq!((&joined["conv"], &joined["public"]), (&json!(conv), &json!({"fn": "g"})));
    assert!(joined["rev"].is_u64());
    assert_eq!(b.ok(join.clone()).await.get("rev"), None, "who is a member stays one");
    assert!(
        a.heard("info")
            .await
            .iter()
            .any(|info| info["what"] == "member_joined" && info["user"] == json!(b.id))
    );
    assert_eq!(c.fails(join).await, (404, "not_found".into(), "invalid link".into()));
    assert_eq!(
        b.fails(group("link", &conv, json!({"create": true}))).await.2,
        "only owner or admin can manage links"
    );
    assert_eq!(c.fails(group("link", &conv, json!({"list": true}))).await.1, "not_member");

    let code = text(&a.ok(group("link", &conv, json!({"create": true}))).await["code"]);
    let join = json!({"group": {"action": "join", "link": code}});
    let list = a.ok(group("link", &conv, json!({"list": true}))).await;
    assert_eq!(list["links"].as_array().unwrap().len(), 1, "the used-up one is not shown");
    a.ok(group("update", &conv, json!({"joinable": false}))).await;
    assert_eq!(c.fails(join.clone()).await.2, "invalid link");
    a.ok(group("update", &conv, json!({"joinable": true}))).await;
    a.ok(group("link", &conv, json!({"revoke": code}))).await;
    assert_eq!(c.fails(join).await.2, "invalid link");
    assert_eq!(c.fails(json!({"group": {"action": "join", "link": "nonsense"}})).await.2, "invalid link");
    assert_eq!(c.fails(json!({"group": {"action": "join"}})).await.2, "missing link");
}
