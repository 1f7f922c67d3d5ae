//! Several engines on one store.

use crate::support::{User, secret, server_on, text};
use async_trait::async_trait;
use bytes::Bytes;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::builtin::{LocalBus, LocalBuses, MemoryStore};
use mvchat_core::proto::{Command, ConvId, Json, Limits, UserId};
use mvchat_core::seam::{Bus, Heard, Store};
use mvchat_core::testkit::{Fault, Faults, Flaky, Method, Wire};
use mvchat_core::{Chat, ErrorKind, Keys};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Nodes with one store and one ring.
struct Cluster {
    store: MemoryStore,
    keys: Keys,
    buses: LocalBuses,
    /// Nothing that is said is heard.
    silent: Arc<AtomicBool>,
}

/// A bus that can be silenced.
#[derive(Debug)]
struct Quiet {
    bus: LocalBus,
    silent: Arc<AtomicBool>,
}

#[async_trait]
impl Bus for Quiet {
    fn say(&self, message: Bytes) {
        if !self.silent.load(Ordering::SeqCst) {
            self.bus.say(message);
        }
    }

    async fn hear(&self) -> Heard {
        self.bus.hear().await
    }
}

impl Cluster {
    fn new() -> Self {
        let (store, keys) = (MemoryStore::shared(), Keys::ephemeral());
        Self { store, keys, buses: LocalBuses::default(), silent: Arc::default() }
    }

    async fn node(&self) -> Chat {
        self.node_on(self.store.clone()).await
    }

    async fn node_on(&self, store: impl Store) -> Chat {
        let limits = Limits::default().unthrottled();
        let bus = Quiet { bus: self.buses.join(), silent: self.silent.clone() };
        let builder = Chat::builder(store).keys(self.keys.clone()).limits(limits).bus(bus);
        builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap()
    }

    fn silence(&self, silent: bool) {
        self.silent.store(silent, Ordering::SeqCst);
    }
}

/// Two nodes with one store and one ring.
async fn nodes() -> (Chat, Chat) {
    let cluster = Cluster::new();
    (cluster.node().await, cluster.node().await)
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

/// What is told of a conversation that this node has made begins with its first change, though others made that.
#[tokio::test]
async fn what_others_do_in_a_new_conversation_is_told_from_its_beginning() {
    let (cluster, late) = (Cluster::new(), Arc::new(AtomicBool::new(true)));
    let one = cluster.node_on(following_late(&cluster, &late)).await;
    let two = cluster.node().await;
    let mut a = User::sign_up(&one, "alice").await;
    let mut b = User::sign_up(&two, "bobby").await;
    let conv = a.dm(&b).await;
    for text in ["first", "second"] {
        b.say(&conv, text).await;
    }
    late.store(false, Ordering::SeqCst);
    let told = until(&mut a, "data", |data| data["rev"] == 2).await;
    assert_eq!(told[0]["rev"], 1);
}

/// A cluster's store whose log can't be read while something is late.
fn following_late(cluster: &Cluster, late: &Arc<AtomicBool>) -> Flaky<MemoryStore> {
    let (faults, late) = (Faults::default(), late.clone());
    faults.choose(move |method| {
        let fails = method == Method::Log && late.load(Ordering::SeqCst);
        fails.then_some(Fault::Before)
    });
    Flaky::new(cluster.store.clone(), faults)
}

/// A node reads nothing of what is said among people who are all elsewhere, and everything again once one of them comes.
#[tokio::test]
async fn a_node_without_members_reads_no_messages() {
    let (cluster, read) = (Cluster::new(), Arc::new(AtomicU64::new(0)));
    let (faults, count) = (Faults::default(), read.clone());
    faults.choose(move |method| {
        count.fetch_add(u64::from(method == Method::Happened), Ordering::SeqCst);
        None
    });
    let one = cluster.node().await;
    let two = cluster.node_on(Flaky::new(cluster.store.clone(), faults)).await;
    let mut a = User::sign_up(&one, "alice").await;
    let mut b = User::sign_up(&one, "bobby").await;
    let mut c = User::sign_up(&two, "carol").await;
    let (theirs, ours) = (a.dm(&b).await, a.group(&[&c]).await);
    until(&mut c, "info", |info| info["what"] == "member_joined").await;
    let before = read.load(Ordering::SeqCst);
    for number in 0..5 {
        a.say(&theirs, &format!("between us {number}")).await;
    }
    a.say(&ours, "for you").await;
    let data = until(&mut c, "data", |_| true).await;
    assert_eq!(data[0]["content"]["text"], "for you");

    let mut here = b.device(&two).await;
    b.say(&theirs, "on two now").await;
    let data = until(&mut here, "data", |_| true).await;
    assert_eq!((&data[0]["seq"], &data[0]["content"]["text"]), (&json!(6), &json!("on two now")));
    // Of each message that was told: the message, and whether anything came after it.
    assert!(read.load(Ordering::SeqCst) <= before + 4);
}

/// What is read late may be gone by then; who was there and is not any more gets no gap either.
#[tokio::test]
async fn who_was_removed_before_a_late_node_could_tell_catches_up() {
    let (cluster, late) = (Cluster::new(), Arc::new(AtomicBool::new(false)));
    let one = cluster.node().await;
    let two = cluster.node_on(following_late(&cluster, &late)).await;
    let mut a = User::sign_up(&one, "alice").await;
    let mut b = User::sign_up(&two, "bobby").await;
    let conv = a.group(&[&b]).await;
    until(&mut b, "info", |info| info["what"] == "member_joined").await;
    late.store(true, Ordering::SeqCst);
    a.say(&conv, "never mind").await;
    a.ok(json!({"unsend": {"conv": conv, "seq": 1}})).await;
    a.ok(json!({"group": {"action": "kick", "id": conv, "user": b.id}})).await;
    // The node knows the members as they are now, but has not told how that came about.
    b.fails(json!({"send": {"conv": conv, "content": {"v": 1, "text": "still"}}})).await;
    late.store(false, Ordering::SeqCst);
    assert_eq!(closed(&mut b).await, 4008);
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

fn id(user: &User) -> UserId {
    user.id.parse().unwrap()
}

/// Waits until a node knows that a user is connected.
async fn online(node: &Chat, user: &User) {
    while !node.is_online(id(user)) {
        tokio::task::yield_now().await;
    }
}

/// Reads on until the connection is closed; returns the code.
async fn closed(user: &mut User) -> u16 {
    user.wire.closed().await.unwrap().code()
}

#[tokio::test]
async fn who_comes_and_goes_is_seen_on_every_node() {
    let (one, two) = nodes().await;
    let mut a = User::sign_up(&one, "alice").await;
    let b = User::sign_up(&two, "bobby").await;
    let conv = a.dm(&b).await;
    let user = b.id.clone();
    let mut phone = b.device(&one).await;
    drop(b);
    // One of the two connections is left, on the other node.
    phone.ok(json!({"read": {"conv": conv, "seq": 1}})).await;
    online(&two, &phone).await;
    let shown = a.ok(json!({"get": {"what": "online"}})).await;
    assert_eq!(shown["users"], json!([user]));
    let mut c = User::sign_up(&two, "carla").await;
    c.dm(&a).await;
    online(&two, &a).await;
    assert_eq!(c.ok(json!({"get": {"what": "online"}})).await["users"], json!([a.id]));
    c.ok(json!({"hi": {}})).await;
    let is = |what: &'static str| {
        let user = json!(c.id);
        move |pres: &Value| pres["user"] == user && pres["what"] == what
    };
    let (gone, back) = (is("off"), is("on"));
    let mut again = c.device(&one).await;
    drop(c);
    again.ok(json!({"hi": {}})).await;
    let last = again.device(&two).await;
    drop(again);
    online(&one, &last).await;
    drop(last);
    until(&mut a, "pres", gone).await;
    let login = json!({"login": {"scheme": "basic", "secret": secret("carla")}});
    let mut once_more = Wire::connect(&two);
    once_more.ask(login).await;
    until(&mut a, "pres", back).await;
}

#[tokio::test]
async fn typing_and_marks_cross() {
    let (one, two) = nodes().await;
    let mut a = User::sign_up(&one, "alice").await;
    let mut b = User::sign_up(&two, "bobby").await;
    let conv = a.dm(&b).await;
    a.say(&conv, "hello").await;
    until(&mut b, "data", |_| true).await;
    a.wire.send_text(json!({"typing": {"conv": conv}}).to_string()).await;
    until(&mut b, "info", |info| info["what"] == "typing" && info["from"] == json!(a.id)).await;
    b.ok(json!({"read": {"conv": conv, "seq": 1}})).await;
    until(&mut a, "info", |info| info["what"] == "read" && info["seq"] == 1).await;
}

#[tokio::test]
async fn the_same_users_other_device_hears_of_private_changes() {
    let (one, two) = nodes().await;
    let mut a = User::sign_up(&one, "alice").await;
    let b = User::sign_up(&one, "bobby").await;
    let conv = a.dm(&b).await;
    a.say(&conv, "hello").await;
    let mut phone = a.device(&two).await;
    let own = async |phone: &mut User, own: u64| {
        until(phone, "info", |info| info["what"] == "own" && info["own"] == own).await.pop().unwrap()
    };
    a.ok(json!({"dm": {"conv": conv, "favorite": true, "private": {"note": 1}}})).await;
    let told = own(&mut phone, 1).await;
    assert_eq!(
        (&told["content"]["favorite"], &told["content"]["private"]),
        (&json!(true), &json!({"note": 1}))
    );
    a.ok(json!({"delete": {"conv": conv, "seq": 1}})).await;
    assert_eq!(own(&mut phone, 2).await["hidden"], json!([1]));
    phone.ok(json!({"dm": {"conv": conv, "favorite": false}})).await;
    assert_eq!(own(&mut a, 3).await["content"]["favorite"], false);
}

#[tokio::test]
async fn a_session_that_ends_on_one_node_is_over_on_all() {
    let (one, two) = nodes().await;
    let mut a = User::sign_up(&one, "alice").await;
    let login = json!({"login": {"scheme": "basic", "secret": secret("alice")}});
    let mut phone = User { wire: Wire::connect(&two), id: a.id.clone(), token: String::new() };
    let session = phone.ok(login.clone()).await["session"].clone();
    a.ok(json!({"session": {"revoke": session}})).await;
    assert_eq!(closed(&mut phone).await, 4003);
    let mut phone = User { wire: Wire::connect(&two), ..phone };
    phone.ok(login).await;
    a.ok(json!({"logout": {"all": true}})).await;
    assert_eq!(closed(&mut phone).await, 4003);
}

#[tokio::test]
async fn an_account_that_is_shut_on_one_node_is_shut_on_all() {
    let (one, two) = nodes().await;
    let mut a = User::sign_up(&two, "alice").await;
    one.suspend_user(id(&a)).await.unwrap();
    assert_eq!(closed(&mut a).await, 4003);
    assert!(two.act_as(id(&a)).execute(Command::ListSessions).await.is_err());
}

/// Nothing is heard, and yet nothing is done on a session that is over.
#[tokio::test]
async fn without_a_word_a_session_is_over_all_the_same() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.node().await, cluster.node().await);
    let mut a = User::sign_up(&one, "alice").await;
    let b = User::sign_up(&one, "bobby").await;
    let conv = a.dm(&b).await;
    let mut phone = a.device(&two).await;
    phone.say(&conv, "still here").await;
    cluster.silence(true);
    a.ok(json!({"logout": {"all": true}})).await;
    let refused = phone.fails(json!({"send": {"conv": conv, "content": "too late"}})).await;
    assert_eq!(refused.0, 401);
    assert_eq!(closed(&mut phone).await, 4003);
    // And one that asks for nothing is closed, too.
    let login = json!({"login": {"scheme": "basic", "secret": secret("bobby")}});
    let mut b = User { wire: Wire::connect(&one), ..b };
    let mut idle = User { wire: Wire::connect(&two), id: b.id.clone(), token: String::new() };
    b.ok(login.clone()).await;
    idle.ok(login).await;
    b.ok(json!({"logout": {"all": true}})).await;
    assert_eq!(closed(&mut idle).await, 4003);
}

/// What an account may do is looked at in the write itself, whatever this node has known a moment ago.
#[tokio::test]
async fn without_a_word_an_account_may_do_what_it_may_now() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.node().await, cluster.node().await);
    let mut a = User::sign_up(&one, "alice").await;
    let b = User::sign_up(&one, "bobby").await;
    let conv = a.dm(&b).await;
    let mut phone = a.device(&two).await;
    let text = |text: &str| json!({"send": {"conv": conv, "content": {"v": 1, "text": text}}});
    let user = id(&a);
    let speaks = async || {
        let content = Json::from_value(&"by the host");
        two.act_as(user).send(ConvId(conv.parse().unwrap()), content).await
    };
    let knows = async |phone: &mut User| {
        phone.ok(text("known")).await;
        speaks().await.unwrap();
    };
    cluster.silence(true);
    knows(&mut phone).await;
    one.demand_password_change(user).await.unwrap();
    assert_eq!(phone.fails(text("too late")).await.0, 403);
    // The host answers for its users however they log in.
    speaks().await.unwrap();
    // What was denied a moment ago is allowed again at once.
    let secret = json!({"old": "password-alice", "new": "another password"});
    a.ok(json!({"acc": {"user": "me", "secret": secret}})).await;
    knows(&mut phone).await;
    one.suspend_user(user).await.unwrap();
    assert_eq!(speaks().await.unwrap_err().kind(), ErrorKind::Forbidden);
    assert_eq!(phone.fails(text("too late")).await.0, 401);
    assert_eq!(closed(&mut phone).await, 4003);
    one.reinstate_user(user).await.unwrap();
    speaks().await.unwrap();
}

/// The write itself looks at account and session: nobody has to wait for a question before it.
#[tokio::test]
async fn nothing_is_asked_before_a_message_of_a_known_session() {
    let (asked, faults) = (Arc::new(AtomicU64::new(0)), Faults::default());
    let count = asked.clone();
    faults.choose(move |method| {
        count.fetch_add(u64::from(matches!(method, Method::Users | Method::Sessions)), Ordering::SeqCst);
        None
    });
    let chat = server_on(Flaky::new(MemoryStore::shared(), faults)).await;
    let mut a = User::sign_up(&chat, "alice").await;
    let b = User::sign_up(&chat, "bobby").await;
    let conv = a.dm(&b).await;
    a.say(&conv, "known from now on").await;
    let before = asked.load(Ordering::SeqCst);
    for _ in 0..20 {
        a.say(&conv, "again").await;
    }
    // A session is known for a second; the clock of a slow machine may be a second further.
    assert!(asked.load(Ordering::SeqCst) <= before + 4);
    a.ok(json!({"dm": {"conv": conv, "muted": true}})).await;
    assert!(asked.load(Ordering::SeqCst) > before, "what goes past the committer asks");
}

/// What was lost is noticed by the next sign of life.
#[tokio::test]
async fn what_was_not_heard_is_made_up_for() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.node().await, cluster.node().await);
    let mut a = User::sign_up(&one, "alice").await;
    let b = User::sign_up(&one, "bobby").await;
    let conv = a.dm(&b).await;
    let mut phone = a.device(&two).await;
    phone.ok(json!({"get": {"what": "conversations"}})).await;
    // Each knows the other.
    while one.other_nodes() + two.other_nodes() < 2 {
        tokio::task::yield_now().await;
    }
    cluster.silence(true);
    a.ok(json!({"dm": {"conv": conv, "muted": true}})).await;
    drop(b);
    cluster.silence(false);
    let told = until(&mut phone, "info", |info| info["what"] == "own").await.pop().unwrap();
    assert_eq!((&told["own"], &told["content"]["muted"]), (&json!(1), &json!(true)));
    until(&mut phone, "pres", |pres| pres["what"] == "off").await;
}

/// A device at a node that began when nothing could be heard, and what its user did meanwhile at a node that ended.
async fn after_an_unheard_node(cluster: &Cluster) -> (Chat, User) {
    let one = cluster.node().await;
    let mut a = User::sign_up(&one, "alice").await;
    let b = User::sign_up(&one, "bobby").await;
    let conv = a.dm(&b).await;
    cluster.silence(true);
    let two = cluster.node().await;
    let mut phone = a.device(&two).await;
    phone.ok(json!({"get": {"what": "conversations"}})).await;
    a.ok(json!({"dm": {"conv": conv, "muted": true}})).await;
    assert!(one.drain(Duration::from_secs(5)).await);
    cluster.silence(false);
    (two, phone)
}

#[tokio::test]
async fn a_node_that_was_never_heard_is_made_up_for_when_another_takes_its_place() {
    let cluster = Cluster::new();
    let (_two, mut phone) = after_an_unheard_node(&cluster).await;
    let _three = cluster.node().await;
    let told = until(&mut phone, "info", |info| info["what"] == "own").await.pop().unwrap();
    assert_eq!((&told["own"], &told["content"]["muted"]), (&json!(1), &json!(true)));
}

#[tokio::test]
async fn a_node_that_was_never_heard_is_made_up_for_when_its_lease_would_be_over() {
    let cluster = Cluster::new();
    let (_two, mut phone) = after_an_unheard_node(&cluster).await;
    let told = until(&mut phone, "info", |info| info["what"] == "own").await.pop().unwrap();
    assert_eq!((&told["own"], &told["content"]["muted"]), (&json!(1), &json!(true)));
}

/// A node that dies says nothing; its users are gone when its lease is over.
#[tokio::test]
async fn the_users_of_a_dead_node_are_gone() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.node().await, cluster.node().await);
    let mut a = User::sign_up(&one, "alice").await;
    let b = User::sign_up(&two, "bobby").await;
    a.dm(&b).await;
    online(&one, &b).await;
    cluster.silence(true);
    until(&mut a, "pres", |pres| pres["user"] == json!(b.id) && pres["what"] == "off").await;
    assert!(!one.is_online(id(&b)));
    // It was only cut off.
    cluster.silence(false);
    until(&mut a, "pres", |pres| pres["user"] == json!(b.id) && pres["what"] == "on").await;
}
