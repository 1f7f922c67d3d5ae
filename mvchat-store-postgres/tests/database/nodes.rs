//! Several nodes on one database.

use crate::support::Database;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::policy::{ConvKind, ConvSettings};
use mvchat_core::proto::{ConvId, Epoch, MsgId, Role, UserId};
use mvchat_core::seam::{
    Append, Bus, Change, ConversationStore, Heard, MessageStore, NewConversation, Op, Outcome, ViewQuery,
};
use mvchat_core::testkit::Wire;
use mvchat_core::time::Timestamp;
use mvchat_core::{Chat, Keys};
use serde_json::{Value, json};
use sqlx::Connection;
use uuid::Uuid;

/// Makes a node, with the keys that all of them share.
pub(crate) async fn node(database: &Database, keys: &Keys) -> Chat {
    let builder = Chat::builder(database.open().await).keys(keys.clone());
    builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap()
}

pub(crate) async fn sign_up(chat: &Chat, name: &str) -> (Wire, String) {
    let mut wire = Wire::connect(chat);
    // `name:password-` in base64.
    let secret = base64(&format!("{name}:password-{name}"));
    let desc = json!({"public": {"fn": name}});
    let acc =
        json!({"acc": {"user": "new", "scheme": "basic", "secret": secret, "login": true, "desc": desc}});
    let ctrl = wire.ask(acc).await;
    assert_eq!(ctrl["code"], 201, "{ctrl}");
    (wire, ctrl["params"]["user"].as_str().unwrap().to_owned())
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bytes = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let bits = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
            out.push(if place > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    out
}

/// Reads on until a frame of a kind satisfies a condition.
pub(crate) async fn until(wire: &mut Wire, kind: &str, done: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut heard = Vec::new();
    loop {
        let mut frame = wire.next().await.unwrap();
        if let Some(found) = frame.get_mut(kind).map(Value::take) {
            let last = done(&found);
            heard.push(found);
            if last {
                return heard;
            }
        }
    }
}

pub(crate) async fn see_each_other() {
    let (database, keys) = (Database::fresh(), Keys::ephemeral());
    let (one, two) = (node(&database, &keys).await, node(&database, &keys).await);
    let (mut a, _) = sign_up(&one, "alice").await;
    let (mut b, b_id) = sign_up(&two, "bobby").await;
    let ctrl = a.ask(json!({"dm": {"user": b_id}})).await;
    let conv = ctrl["params"]["conv"].as_str().unwrap().to_owned();
    until(&mut b, "info", |info| info["what"] == "conv_added").await;
    let say = |words: String| json!({"send": {"conv": conv, "content": {"v": 1, "text": words}}});
    for i in 0..20 {
        assert_eq!(a.ask(say(format!("a{i}"))).await["code"], 202);
        assert_eq!(b.ask(say(format!("b{i}"))).await["code"], 202);
    }
    // Each hears the other's, in the order of the revs; the own ones are the replies.
    let last = until(&mut b, "data", |data| data["content"]["text"] == "a19").await;
    let revs: Vec<_> = last.iter().map(|data| data["rev"].as_u64().unwrap()).collect();
    assert!(revs.is_sorted(), "{revs:?}");
    let edit = json!({"edit": {"conv": conv, "seq": 1, "content": {"v": 1, "text": "edited"}}});
    assert_eq!(a.ask(edit).await["code"], 200);
    let edited = until(&mut b, "info", |info| info["what"] == "edit").await;
    assert_eq!(edited.last().unwrap()["content"]["text"], "edited");
}

/// Reads on until the connection is closed; returns the code.
async fn closed(wire: &mut Wire) -> u16 {
    wire.closed().await.unwrap().code()
}

/// What is not kept: who is here, who writes, how far somebody has read, what a user sees alone, which sessions are over.
pub(crate) async fn tell_each_other() {
    let (database, keys) = (Database::fresh(), Keys::ephemeral());
    let (one, two) = (node(&database, &keys).await, node(&database, &keys).await);
    let (mut a, a_id) = sign_up(&one, "alice").await;
    let (mut b, b_id) = sign_up(&two, "bobby").await;
    let conv = a.ask(json!({"dm": {"user": b_id}})).await["params"]["conv"].clone();
    a.ask(json!({"send": {"conv": conv, "content": "canary in a coal mine"}})).await;
    until(&mut b, "data", |_| true).await;
    a.send_text(json!({"typing": {"conv": conv}}).to_string()).await;
    until(&mut b, "info", |info| info["what"] == "typing").await;
    b.ask(json!({"read": {"conv": conv, "seq": 1}})).await;
    until(&mut a, "info", |info| info["what"] == "read" && info["seq"] == 1).await;
    // The same user on both.
    let login = json!({"login": {"scheme": "basic", "secret": base64("alice:password-alice")}});
    let mut phone = Wire::connect(&two);
    let session = phone.ask(login.clone()).await["params"]["session"].clone();
    a.ask(json!({"dm": {"conv": conv, "muted": true, "private": {"note": "canary"}}})).await;
    let own = until(&mut phone, "info", |info| info["what"] == "own").await.pop().unwrap();
    assert_eq!(
        (&own["content"]["muted"], &own["content"]["private"]),
        (&json!(true), &json!({"note": "canary"}))
    );
    // A session ends where its connection is not.
    let ended = std::time::Instant::now();
    assert_eq!(a.ask(json!({"session": {"revoke": session}})).await["code"], 200);
    assert_eq!(closed(&mut phone).await, 4003);
    assert!(ended.elapsed() < std::time::Duration::from_secs(1), "{:?}", ended.elapsed());
    one.suspend_user(b_id.parse().unwrap()).await.unwrap();
    assert_eq!(closed(&mut b).await, 4003);
    let off = until(&mut a, "pres", |pres| pres["what"] == "off").await.pop().unwrap();
    assert_eq!(off["user"], json!(b_id));
    let mut c = sign_up(&two, "carla").await;
    let ctrl = c.0.ask(json!({"dm": {"user": a_id}})).await;
    assert_eq!(ctrl["code"], 201, "{ctrl}");
    while !two.is_online(a_id.parse().unwrap()) {
        tokio::task::yield_now().await;
    }
}

/// What goes over the bus is ids and numbers.
pub(crate) async fn say_no_content() {
    let (database, keys) = (Database::fresh(), Keys::ephemeral());
    let (one, two) = (node(&database, &keys).await, node(&database, &keys).await);
    let spy = database.open().await;
    let bus = spy.node_bus();
    while bus.hear().await != Heard::Lost {}
    let (mut a, _) = sign_up(&one, "canary_alice").await;
    let (_b, b_id) = sign_up(&two, "canary_bob").await;
    let conv = a.ask(json!({"dm": {"user": b_id}})).await["params"]["conv"].clone();
    a.ask(json!({"send": {"conv": conv, "content": "canary"}})).await;
    a.ask(json!({"dm": {"conv": conv, "private": {"note": "canary"}}})).await;
    a.ask(json!({"acc": {"user": "me", "desc": {"public": {"fn": "canary"}}, "status": "canary"}})).await;
    a.ask(json!({"logout": {"all": true}})).await;
    loop {
        let Heard::Message(said) = bus.hear().await else { continue };
        let said = String::from_utf8(said.into()).unwrap();
        assert!(!said.contains("canary"), "{said}");
        // The last thing that was done.
        if said.contains("account") {
            return;
        }
    }
}

pub(crate) async fn hosts_transaction() {
    let database = Database::fresh();
    let store = database.options().patience(std::time::Duration::ZERO).open(&database.url).await.unwrap();
    let user = UserId(Uuid::from_u128(1));
    let new = |id: u128| NewConversation {
        id: ConvId(Uuid::from_u128(id)),
        kind: ConvKind::Group,
        members: [(user, Role::Owner)].into(),
        owner: Some(user),
        cid: None,
        settings: ConvSettings::default(),
        max_per_user: None,
        at: Timestamp::from_micros(1),
    };
    for id in [1, 2] {
        store.create_conversation(new(id)).await.unwrap();
    }
    let mut host = sqlx::PgConnection::connect(&database.url).await.unwrap();
    let mut open = host.begin().await.unwrap();
    sqlx::query("select pg_current_xact_id()::text").fetch_one(&mut *open).await.unwrap();
    let start = store.position().await.unwrap();
    let op = Op::Append(Append {
        id: MsgId(Uuid::nil()),
        from: Some(user),
        cid: None,
        content: "x".into(),
        reply_to: None,
        view_once: None,
        expires_in: None,
        event: None,
        pace: None,
        mentions: Vec::new(),
    });
    let conv = ConvId(Uuid::from_u128(2));
    let change =
        Change { conv, actor: user, epoch: Epoch(0), warrant: None, at: Timestamp::from_micros(2), op };
    let outcomes = store.commit(vec![change]).await.unwrap();
    assert!(matches!(outcomes[..], [Outcome::Done(_)]));
    // What was touched is found at once; the log waits for the open transaction, because that may have a place before.
    let query = ViewQuery::Since { position: start, limit: 10 };
    let touched = store.views(user, query).await.unwrap();
    assert!(touched.rows.iter().any(|view| view.conv.id == conv && view.conv.last_seq.0 == 1));
    let sent = |page: mvchat_core::seam::LogPage| page.entries.iter().any(|entry| entry.seq.is_some());
    assert!(!sent(store.log(start, 10).await.unwrap()));
    open.commit().await.unwrap();
    // Others on the server may have transactions, too.
    let patient = database.open().await;
    while !sent(patient.log(start, 10).await.unwrap()) {
        tokio::task::yield_now().await;
    }
}
