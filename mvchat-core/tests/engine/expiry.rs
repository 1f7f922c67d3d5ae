//! Messages that disappear: for readers, for everybody, by themselves and before every read.

use crate::clock::{Clock, server_at};
use crate::support::{User, text};
use mvchat_core::Chat;
use mvchat_core::builtin::MemoryStore;
use mvchat_core::testkit::{Fault, Faults, Flaky, Method};
use serde_json::{Value, json};

struct World {
    chat: Chat,
    clock: Clock,
    a: User,
    b: User,
    c: User,
}

async fn world() -> World {
    let clock = Clock::default();
    let chat = server_at(MemoryStore::default(), &clock).await;
    let a = User::sign_up(&chat, "alice").await;
    let b = User::sign_up(&chat, "bobby").await;
    let c = User::sign_up(&chat, "carol").await;
    World { chat, clock, a, b, c }
}

/// Everything that a user can read of a conversation.
async fn all(user: &mut User, conv: &str) -> String {
    let mut all = String::new();
    for request in [
        json!({"get": {"what": "messages", "conv": conv}}),
        json!({"get": {"what": "messages", "conv": conv, "around": 1}}),
        json!({"get": {"what": "changes", "conv": conv, "since": 0}}),
        json!({"get": {"what": "mentions"}}),
        json!({"get": {"what": "conversations"}}),
    ] {
        all += &user.ok(request).await.to_string();
    }
    all
}

async fn seqs(user: &mut User, conv: &str) -> Vec<u64> {
    let page = user.ok(json!({"get": {"what": "messages", "conv": conv}})).await;
    page["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()).collect()
}

fn expired(infos: &[Value]) -> Vec<&Value> {
    infos.iter().filter(|info| info["what"] == "expired").collect()
}

#[tokio::test]
async fn what_was_read_disappears_for_the_reader_alone() {
    let World { chat, clock, mut a, mut b, mut c } = world().await;
    let conv = a.group(&[&b, &c]).await;
    a.ok(json!({"group": {"action": "update", "id": conv, "disappearingTTL": 60}})).await;
    let mention = json!([{"userId": b.id, "offset": 0, "length": 2}]);
    let content = json!({"v": 1, "text": "@b canary-1", "mentions": mention});
    a.ok(json!({"send": {"conv": conv, "content": content}})).await;
    a.ok(json!({"send": {"conv": conv, "content": {"v": 1, "text": "two"}, "replyTo": 1}})).await;
    b.ok(json!({"read": {"conv": conv, "seq": 1}})).await;
    let mut device = b.device(&chat).await;
    clock.advance(59);
    assert!(all(&mut b, &conv).await.contains("canary-1"));
    device.wire.settle().await;
    clock.advance(1);
    let seen = all(&mut b, &conv).await;
    assert!(!seen.contains("canary-1"), "{seen}");
    assert!(seen.contains(r#""hidden":[]"#) || !seen.contains("hidden"), "without own nothing is listed");
    let heard = device.heard("info").await;
    let notice = expired(&heard)[0];
    assert_eq!((&notice["hidden"], &notice["conv"]), (&json!([1]), &json!(conv)));
    let changes = b.ok(json!({"get": {"what": "changes", "conv": conv, "since": 0, "own": 1}})).await;
    assert_eq!((&changes["hidden"], &changes["own"]), (&json!([1]), &notice["own"]));
    assert_eq!(seqs(&mut b, &conv).await, [2]);
    for request in [
        json!({"react": {"conv": conv, "seq": 1, "emoji": "x"}}),
        json!({"report": {"conv": conv, "seq": 1, "reason": "spam"}}),
        json!({"send": {"conv": conv, "content": "x", "replyTo": 1}}),
    ] {
        assert!([404, 400].contains(&b.fails(request).await.0));
    }
    for other in [&mut a, &mut c] {
        assert!(all(other, &conv).await.contains("canary-1"));
        assert!(expired(&other.heard("info").await).is_empty(), "nobody else is told");
    }
}

#[tokio::test]
async fn what_all_have_read_is_gone_for_everybody() {
    let World { clock, mut a, mut b, mut c, .. } = world().await;
    let conv = a.group(&[&b, &c]).await;
    a.ok(json!({"group": {"action": "update", "id": conv, "disappearingTTL": 10}})).await;
    a.say(&conv, "canary-2").await;
    b.ok(json!({"read": {"conv": conv, "seq": 1}})).await;
    clock.advance(5);
    c.ok(json!({"read": {"conv": conv, "seq": 1}})).await;
    clock.advance(5);
    assert!(all(&mut c, &conv).await.contains("canary-2"), "each has its own time");
    let before = a.ok(json!({"get": {"what": "conversation", "conv": conv}})).await;
    clock.advance(5);
    let page = a.ok(json!({"get": {"what": "messages", "conv": conv}})).await;
    let message = &page["messages"][0];
    assert_eq!((&message["deleted"], &message["head"]), (&json!(true), &json!({"expired": true})));
    assert!(message.get("content").is_none() && page.to_string().find("canary").is_none());
    let rev = before["conversation"]["rev"].as_u64().unwrap() + 1;
    assert_eq!(message["rev"], rev);
    for user in [&mut a, &mut b, &mut c] {
        let heard = user.heard("info").await;
        let shared = expired(&heard).into_iter().find(|info| info.get("rev").is_some()).unwrap();
        assert_eq!((&shared["seq"], &shared["rev"]), (&json!(1), &json!(rev)));
        assert!(shared.get("from").is_none());
    }
    assert_eq!(b.fails(json!({"react": {"conv": conv, "seq": 1, "emoji": "x"}})).await.0, 404);
    assert_eq!(a.fails(json!({"edit": {"conv": conv, "seq": 1, "content": "x"}})).await.0, 410);
}

#[tokio::test]
async fn what_can_be_seen_once_goes_by_its_own_time() {
    let World { clock, mut a, mut b, .. } = world().await;
    let conv = a.dm(&b).await;
    a.ok(json!({"dm": {"conv": conv, "disappearingTTL": 10}})).await;
    let send =
        |ttl: Value| json!({"send": {"conv": conv, "content": "once", "viewOnce": true, "viewOnceTTL": ttl}});
    a.ok(send(json!(30))).await;
    a.ok(send(json!(0))).await;
    a.say(&conv, "plain").await;
    b.ok(json!({"read": {"conv": conv, "seq": 3}})).await;
    clock.advance(10);
    assert_eq!(seqs(&mut b, &conv).await, [1]);
    clock.advance(20);
    assert_eq!(seqs(&mut b, &conv).await, Vec::<u64>::new());
    let mine = a.ok(json!({"get": {"what": "messages", "conv": conv}})).await;
    assert!(mine["messages"].as_array().unwrap().iter().all(|it| it["deleted"] == true), "{mine}");
}

#[tokio::test]
async fn a_message_can_be_told_when_to_go_and_a_conversation_how_long_to_keep() {
    let World { clock, mut a, mut b, .. } = world().await;
    let conv = a.dm(&b).await;
    let sent = json!({"send": {"conv": conv, "content": "canary-3", "expiresIn": 20, "cid": "c"}});
    a.ok(sent.clone()).await;
    assert!(b.heard("data").await[0]["head"]["expires_at"].is_string());
    let other = json!({"send": {"conv": conv, "content": "canary-3", "expiresIn": 30, "cid": "c"}});
    assert_eq!(a.fails(other).await.1, "cid_reused");
    for bad in [json!(5), json!(-1), json!(400_000_000)] {
        let send = json!({"send": {"conv": conv, "content": "x", "expiresIn": bad}});
        assert_eq!(a.fails(send).await.2, "invalid expiresIn");
    }
    let unread = json!({"get": {"what": "conversation", "conv": conv}});
    assert_eq!(b.ok(unread.clone()).await["conversation"]["unread"], 1);
    clock.advance(20);
    assert_eq!(b.ok(unread.clone()).await["conversation"]["unread"], 0, "nor is it counted");
    assert!(!all(&mut b, &conv).await.contains("canary-3"));
    assert_eq!(a.ok(sent).await["replay"], true, "a retry brings nothing back");
    a.say(&conv, "old").await;
    clock.advance(100);
    a.say(&conv, "young").await;
    let set = b.ok(json!({"dm": {"conv": conv, "retention": 100}})).await;
    assert_eq!(set["retention"], 100);
    let heard = a.heard("info").await;
    assert!(
        heard
            .iter()
            .any(|info| info["what"] == "group_updated" && info["content"] == json!({"retention": 100}))
    );
    let page = a.ok(json!({"get": {"what": "messages", "conv": conv}})).await;
    let live = page["messages"].as_array().unwrap().iter().filter(|it| it.get("deleted").is_none()).count();
    assert_eq!(live, 1, "{page}");
    assert_eq!(a.ok(unread.clone()).await["conversation"]["retention"], 100);
    clock.advance(100);
    assert_eq!(b.ok(unread).await["conversation"]["unread"], 0);
    assert_eq!(a.fails(json!({"dm": {"conv": conv, "retention": 59}})).await.2, "invalid retention");
    assert_eq!(a.ok(json!({"dm": {"conv": conv, "retention": 0}})).await["retention"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn nobody_has_to_ask_for_things_to_go() {
    let World { clock, mut a, mut b, .. } = world().await;
    let conv = a.dm(&b).await;
    a.ok(json!({"dm": {"conv": conv, "disappearingTTL": 10}})).await;
    a.say(&conv, "gone").await;
    b.ok(json!({"read": {"conv": conv, "seq": 1}})).await;
    b.wire.settle().await;
    clock.advance(10);
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    let heard = b.heard("info").await;
    assert_eq!(expired(&heard).len(), 2, "for the reader, then for all: {heard:?}");
    assert_eq!(expired(&a.heard("info").await).len(), 1);
}

#[tokio::test]
async fn what_cannot_be_erased_is_not_shown_either() {
    let (clock, faults) = (Clock::default(), Faults::default());
    let chat = server_at(Flaky::new(MemoryStore::default(), faults.clone()), &clock).await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.dm(&b).await;
    a.ok(json!({"send": {"conv": conv, "content": "canary-4", "expiresIn": 10}})).await;
    clock.advance(10);
    let read = json!({"get": {"what": "messages", "conv": conv}});
    for (method, fault) in
        [(Method::Expire, Fault::Before), (Method::Expire, Fault::After), (Method::Commit, Fault::Before)]
    {
        faults.script(method, fault);
        assert_eq!(b.fails(read.clone()).await.0, 503);
    }
    assert!(!b.ok(read).await.to_string().contains("canary-4"));
}

#[tokio::test]
async fn a_group_ends_for_all() {
    let World { clock, mut a, mut b, mut c, .. } = world().await;
    let conv = a.group(&[&b, &c]).await;
    a.say(&conv, "canary-5").await;
    let code = text(&a.ok(json!({"group": {"action": "link", "id": conv, "create": true}})).await["code"]);
    let since = b.ok(json!({"get": {"what": "conversations", "limit": 10}})).await["since"].clone();
    c.ok(json!({"group": {"action": "leave", "id": conv}})).await;
    let delete = json!({"group": {"action": "delete", "id": conv}});
    assert_eq!(b.fails(delete.clone()).await.2, "only owner can delete");
    assert_eq!(c.fails(delete.clone()).await.1, "not_member");
    c.wire.settle().await;
    let done = a.ok(delete.clone()).await;
    assert!(done["rev"].is_u64());
    let heard = b.heard("info").await;
    let notice = heard.iter().find(|info| info["what"] == "conv_deleted").unwrap();
    assert_eq!((&notice["rev"], &notice["from"]), (&done["rev"], &json!(a.id)));
    assert!(c.heard("info").await.is_empty(), "who has left hears nothing");
    let gone = b.ok(json!({"get": {"what": "conversations", "since": since}})).await;
    assert_eq!(gone["conversations"], json!([{"id": conv, "gone": true}]));
    clock.advance(1);
    for user in [&mut a, &mut b, &mut c] {
        assert_eq!(user.fails(json!({"get": {"what": "messages", "conv": conv}})).await.1, "not_member");
        assert_eq!(user.fails(json!({"group": {"action": "join", "link": code}})).await.2, "invalid link");
        assert_eq!(user.fails(json!({"send": {"conv": conv, "content": "x"}})).await.1, "not_member");
        let listed = user.ok(json!({"get": {"what": "conversations"}})).await;
        assert_eq!(listed["conversations"], json!([]));
    }
    assert_eq!(a.fails(delete).await.1, "not_member");
    let dm = a.dm(&b).await;
    assert_eq!(a.fails(json!({"group": {"action": "delete", "id": dm}})).await.2, "not a group");
}

/// Who does not see a message any more is told that something has changed, and not what.
#[tokio::test]
async fn an_edit_does_not_reach_those_for_whom_the_message_is_gone() {
    let World { chat, clock, mut a, mut b, mut c } = world().await;
    let mut d = User::sign_up(&chat, "david").await;
    let conv = a.group(&[&b, &c, &d]).await;
    a.ok(json!({"group": {"action": "update", "id": conv, "disappearingTTL": 60}})).await;
    a.say(&conv, "first words").await;
    b.ok(json!({"read": {"conv": conv, "seq": 1}})).await;
    d.ok(json!({"delete": {"conv": conv, "seq": 1}})).await;
    clock.advance(61);
    let mut phone = a.device(&chat).await;
    let mut of_b = b.device(&chat).await;
    for user in [&mut a, &mut b, &mut c, &mut d, &mut phone, &mut of_b] {
        user.wire.settle().await;
    }
    let edit = json!({"edit": {"conv": conv, "seq": 1, "content": {"v": 1, "text": "canary"}}});
    let rev = a.ok(edit).await["rev"].clone();
    for (user, sees) in
        [(&mut b, false), (&mut of_b, false), (&mut d, false), (&mut c, true), (&mut phone, true)]
    {
        let heard = user.wire.settle().await;
        let told: Vec<_> = heard.iter().filter(|frame| frame["info"]["what"] == "edit").collect();
        let [edit] = &told[..] else { panic!("{heard:?}") };
        assert_eq!((&edit["info"]["rev"], &edit["info"]["seq"]), (&rev, &json!(1)), "no rev is missing");
        assert_eq!(edit["info"]["content"]["text"] == "canary", sees);
        assert_eq!(json!(heard).to_string().contains("canary"), sees);
    }
    for user in [&mut b, &mut d] {
        assert!(!all(user, &conv).await.contains("canary"));
    }
    assert!(all(&mut c, &conv).await.contains("canary"));
}

/// A pin goes with its message, however that goes.
#[tokio::test]
async fn what_is_gone_is_pinned_no_more() {
    let World { chat, clock, mut a, mut b, c } = world().await;
    let conv = a.group(&[&b, &c]).await;
    let pinned = async |user: &mut User| {
        let view = user.ok(json!({"get": {"what": "conversation", "conv": conv}})).await;
        view["conversation"]["pinnedSeq"].as_u64()
    };
    for way in ["unsend", "delete", "expire", "erase"] {
        let seq = b.say(&conv, way).await;
        b.say(&conv, "another").await;
        a.ok(json!({"pin": {"conv": conv, "seq": seq}})).await;
        assert_eq!(pinned(&mut b).await, Some(seq));
        b.wire.settle().await;
        a.ok(json!({"delete": {"conv": conv, "seq": seq + 1, "forEveryone": true}})).await;
        assert_eq!(pinned(&mut b).await, Some(seq), "another message is gone");
        a.wire.settle().await;
        match way {
            // A plain member takes it back, who has no right to pin.
            "unsend" => drop(b.ok(json!({"unsend": {"conv": conv, "seq": seq}})).await),
            "delete" => {
                drop(a.ok(json!({"delete": {"conv": conv, "seq": seq, "forEveryone": true}})).await);
            }
            "expire" => {
                a.ok(json!({"group": {"action": "update", "id": conv, "retention": 3_600}})).await;
                clock.advance(3_601);
                seqs(&mut a, &conv).await;
            }
            _ => drop(chat.erase_user(b.id.parse().unwrap()).await.unwrap()),
        }
        loop {
            let heard = a.heard("info").await;
            if let Some(info) = heard.iter().find(|info| info["what"] == "unpin") {
                assert!(info["rev"].is_u64() && info["conv"] == json!(conv));
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(pinned(&mut a).await, None, "{way}");
    }
}
