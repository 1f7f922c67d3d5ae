//! How often things may be done, and what happens above that.

use crate::support::{User, secret, server_with};
use async_trait::async_trait;
use mvchat_core::proto::{Act, Close, Limits, Rate, RateKey};
use mvchat_core::seam::{Demand, Limiter, LimiterError, Taken};
use mvchat_core::testkit::Wire;
use mvchat_core::time::Instant;
use mvchat_core::{Chat, ErrorKind};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

const HERE: &str = "192.0.2.1:4000";
const THERE: &str = "198.51.100.1:4000";

fn limits(rates: &[Rate]) -> Limits {
    let mut limits = Limits::default().unthrottled();
    limits.rates = rates.to_vec().into();
    limits
}

fn standard() -> Limits {
    let rates = Limits::default().rates;
    limits(&rates)
}

fn from(chat: &Chat, addr: &str) -> Wire {
    Wire::connect_from(chat, addr.parse::<SocketAddr>().unwrap())
}

async fn log_in(wire: &mut Wire, name: &str, password: &str) -> Value {
    use base64::Engine as _;
    let secret = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
    wire.ask(json!({"login": {"scheme": "basic", "secret": secret}})).await
}

fn retry_after(ctrl: &Value) -> u64 {
    assert_eq!((&ctrl["code"], &ctrl["err"]), (&json!(429), &json!("rate_limited")), "{ctrl}");
    ctrl["params"]["retryAfter"].as_u64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn ten_messages_a_second_pass_and_the_reply_says_when_the_next_does() {
    let chat = server_with(standard()).await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = a.dm(&b).await;
    let message = |n: usize| json!({"send": {"conv": conv, "content": {"v": 1, "text": format!("{n}")}}});
    for n in 0..20 {
        a.ok(message(n)).await;
    }
    let wait = retry_after(&a.wire.ask(message(20)).await);
    assert!((1..=100).contains(&wait), "{wait}");
    let mut elsewhere = a.device(&chat).await;
    retry_after(&elsewhere.wire.ask(message(20)).await);
    b.ok(message(20)).await;
    tokio::time::advance(Duration::from_millis(wait)).await;
    a.ok(message(21)).await;
    a.ok(json!({"get": {"what": "messages", "conv": conv}})).await;
}

#[tokio::test(start_paused = true)]
async fn thirty_messages_a_minute_is_exact() {
    let mut limits = Limits::mrezhen();
    (limits.rate_limit_messages, limits.rate_limit_burst) = (1_000, 1_000);
    let chat = server_with(limits).await;
    let mut a = User::sign_up(&chat, "alice").await;
    let conv = a.group(&[]).await;
    let message = json!({"send": {"conv": conv, "content": {"v": 1, "text": "x"}}});
    let mut sent = 0;
    for _ in 0..40 {
        sent += usize::from(a.wire.ask(message.clone()).await["code"] == 202);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(sent, 30);
    let wait = retry_after(&a.wire.ask(message.clone()).await);
    assert_eq!(wait, 20_000, "a minute after the first");
    tokio::time::advance(Duration::from_millis(wait)).await;
    a.ok(message).await;
}

#[tokio::test]
async fn the_table_is_in_the_greeting() {
    let chat = server_with(Limits::mrezhen()).await;
    let hi = Wire::connect(&chat).ask(json!({"hi": {}})).await;
    let rates = hi["params"]["limits"]["rates"].as_array().unwrap();
    assert!(rates.contains(&json!({"act": "send", "key": "user", "bucket": {"burst": 20, "every": 100}})));
    assert!(rates.contains(&json!({"act": "send", "key": "user", "window": {"max": 30, "per": 60_000}})));
}

#[tokio::test(start_paused = true)]
async fn logins_of_one_address_are_limited_and_those_of_others_are_not() {
    let chat = server_with(standard()).await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut wire = from(&chat, HERE);
    for n in 0..10 {
        assert_eq!(log_in(&mut wire, &format!("nobody{n}"), "password").await["code"], 401);
    }
    let refused = log_in(&mut from(&chat, HERE), "alice", "password-alice").await;
    assert_eq!(retry_after(&refused), 6_000, "nobody looks whether the password is right");
    assert_eq!(log_in(&mut from(&chat, THERE), "alice", "password-alice").await["code"], 200);
    let mut token = from(&chat, HERE);
    let ctrl = token.ask(json!({"login": {"scheme": "token", "secret": a.token}})).await;
    assert_eq!(ctrl["code"], 200, "a session of that address goes on: {ctrl}");
    a.ok(json!({"get": {"what": "conversations"}})).await;
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(log_in(&mut wire, "alice", "password-alice").await["code"], 200);
}

#[tokio::test(start_paused = true)]
async fn an_ipv6_customer_is_one_address() {
    let chat = server_with(standard()).await;
    for n in 0..10 {
        let mut wire = from(&chat, &format!("[2001:db8:0:1::{n:x}]:80"));
        assert_eq!(log_in(&mut wire, &format!("nobody{n}"), "password").await["code"], 401);
    }
    retry_after(&log_in(&mut from(&chat, "[2001:db8:0:1:ffff::1]:80"), "nobody", "password").await);
    let mut next_door = from(&chat, "[2001:db8:0:2::1]:80");
    assert_eq!(log_in(&mut next_door, "nobody", "password").await["code"], 401);
}

#[tokio::test(start_paused = true)]
async fn whoever_guesses_waits_longer_and_longer_and_the_owner_does_not() {
    let mut limits = standard();
    limits.rates.retain(|rate| rate.act == Act::Guess);
    let chat = server_with(limits).await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut thief = from(&chat, HERE);
    for _ in 0..5 {
        assert_eq!(log_in(&mut thief, "Alice", "wrong").await["code"], 401);
    }
    for pause in [10, 20, 40] {
        let wait = retry_after(&log_in(&mut thief, "ALICE", "password-alice").await);
        assert!(wait <= pause * 1_000 && wait > pause * 1_000 - 1_000, "{wait} of {pause} s");
        tokio::time::advance(Duration::from_millis(wait)).await;
        thief = from(&chat, HERE);
        assert_eq!(log_in(&mut thief, "alice", "wrong").await["code"], 401);
        a.ok(json!({"get": {"what": "conversations"}})).await;
    }
    // Nobody else notices anything: not the owner elsewhere, not her sessions, not other accounts.
    a.device(&chat).await;
    let mut owner = from(&chat, THERE);
    for _ in 0..20 {
        assert_eq!(log_in(&mut owner, "alice", "password-alice").await["code"], 200);
    }
    assert_eq!(log_in(&mut thief, "bobby", "wrong").await["code"], 401);
}

#[tokio::test(start_paused = true)]
async fn guessing_from_everywhere_is_slowed_and_live_sessions_go_on() {
    let mut limits = standard();
    limits.rates.retain(|rate| rate.act == Act::Guess);
    let chat = server_with(limits).await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut refused = 0;
    for n in 0..60 {
        let mut wire = from(&chat, &format!("203.0.113.{n}:80"));
        refused += usize::from(log_in(&mut wire, "alice", "wrong").await["code"] == 429);
    }
    assert_eq!(refused, 10);
    let wait = retry_after(&log_in(&mut from(&chat, THERE), "alice", "password-alice").await);
    assert!(wait <= 60_000);
    a.ok(json!({"get": {"what": "conversations"}})).await;
    a.device(&chat).await;
    tokio::time::advance(Duration::from_millis(wait)).await;
    assert_eq!(log_in(&mut from(&chat, THERE), "alice", "password-alice").await["code"], 200);
    let mut again = from(&chat, "203.0.113.99:80");
    assert_eq!(log_in(&mut again, "alice", "wrong").await["code"], 401, "the right password ends the pause");
}

#[tokio::test(start_paused = true)]
async fn accounts_of_one_address_are_limited() {
    let chat = server_with(standard()).await;
    let mut wire = from(&chat, HERE);
    let account = |name: &str| json!({"acc": {"user": "new", "scheme": "basic", "secret": secret(name)}});
    for name in ["alice", "bobby", "carol"] {
        assert_eq!(wire.ask(account(name)).await["code"], 201);
    }
    assert_eq!(retry_after(&wire.ask(account("david")).await), 6_000);
    // Without an address nobody can be told apart.
    let mut local = from(&chat, "127.0.0.1:80");
    for n in 0..20 {
        assert_eq!(local.ask(account(&format!("local{n}"))).await["code"], 201);
    }
}

#[tokio::test(start_paused = true)]
async fn strangers_are_limited_and_friends_are_not() {
    let chat = server_with(limits(&[Rate::bucket(Act::NewDm, RateKey::User, 2, 60_000)])).await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut others = Vec::new();
    for n in 0..4 {
        others.push(User::sign_up(&chat, &format!("other{n}")).await);
    }
    let first = a.dm(&others[0]).await;
    let dm = |user: &User| json!({"dm": {"user": user.id}});
    a.ok(dm(&others[1])).await;
    retry_after(&a.wire.ask(dm(&others[2])).await);
    assert_eq!(a.dm(&others[0]).await, first, "a conversation that is there is no new one");
    a.ok(json!({"contact": {"add": others[3].id}})).await;
    a.ok(dm(&others[3])).await;
    let nobody = json!({"dm": {"user": "00000000-0000-0000-0000-000000000009"}});
    assert_eq!(a.fails(nobody).await.0, 404);
}

#[tokio::test]
async fn a_row_can_close_the_connection() {
    let chat = server_with(limits(&[Rate::bucket(Act::Search, RateKey::Session, 1, 60_000).closing()])).await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut elsewhere = User::sign_up(&chat, "bobby").await;
    a.ok(json!({"search": {"query": "x"}})).await;
    a.wire.begin(json!({"search": {"query": "x"}})).await;
    assert_eq!(a.wire.closed().await, Some(Close::Abuse));
    elsewhere.ok(json!({"search": {"query": "x"}})).await;
}

#[tokio::test]
async fn garbage_without_end_closes_the_connection() {
    let chat = server_with(Limits::default()).await;
    let mut wire = Wire::connect(&chat);
    for _ in 0..5 {
        wire.send_text("{").await;
        assert_eq!(wire.next().await.unwrap()["ctrl"]["code"], 400);
    }
    wire.ask(json!({"hi": {}})).await;
    wire.send_text("{").await;
    assert_eq!(wire.next().await.unwrap()["ctrl"]["code"], 400);
    assert_eq!(wire.closed().await, Some(Close::Abuse));
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_on_above_the_rate_is_closed() {
    let mut limits = Limits::default();
    limits.max_refused = 50;
    let chat = server_with(limits).await;
    let mut wire = Wire::connect(&chat);
    let mut codes = Vec::new();
    for _ in 0..151 {
        wire.send_text(r#"{"hi":{}}"#).await;
        codes.push(wire.next().await.unwrap()["ctrl"]["code"].as_u64().unwrap());
    }
    assert_eq!((codes[99], codes[100], codes[150]), (200, 429, 429));
    assert_eq!(wire.closed().await, Some(Close::Abuse));
}

#[derive(Debug)]
struct Broken;

#[async_trait]
impl Limiter for Broken {
    async fn take(&self, _: &[Demand], _: Instant) -> Result<Taken, LimiterError> {
        Err("out of reach".into())
    }

    async fn give_back(&self, _: &[Demand], _: Instant) -> Result<(), LimiterError> {
        Err("out of reach".into())
    }
}

#[tokio::test]
async fn when_nobody_counts_passwords_wait_and_messages_pass() {
    let mut rates = Limits::default().rates;
    rates.retain(|rate| rate.act != Act::Register);
    let store = mvchat_core::builtin::MemoryStore::default();
    let builder = Chat::builder(store).limits(limits(&rates)).limiter(Broken);
    let fast = mvchat_core::builtin::password::PasswordParams::insecurely_fast();
    let chat = builder.passwords(fast).build().await.unwrap();
    let mut a = User::sign_up(&chat, "alice").await;
    let conv = a.group(&[]).await;
    a.say(&conv, "passes").await;
    let ctrl = log_in(&mut Wire::connect(&chat), "alice", "password-alice").await;
    assert_eq!((&ctrl["code"], &ctrl["err"]), (&json!(503), &json!("busy")));
    assert!(ctrl["params"]["retryAfter"].is_u64());
}

#[tokio::test(start_paused = true)]
async fn the_host_counts_its_own_requests_by_the_same_table() {
    let chat = server_with(standard()).await;
    let a = User::sign_up(&chat, "alice").await;
    let user = a.id.parse().unwrap();
    for _ in 0..60 {
        chat.admit(Act::Rest, user, None).await.unwrap();
    }
    let refused = chat.admit(Act::Rest, user, None).await.unwrap_err();
    assert_eq!(
        (refused.kind(), refused.params().unwrap().retry_after),
        (ErrorKind::RateLimited, Some(1_000))
    );
    tokio::time::advance(Duration::from_secs(1)).await;
    chat.admit(Act::Rest, user, None).await.unwrap();
}

#[tokio::test]
async fn a_row_that_can_never_pass_is_a_problem() {
    let bad = limits(&[Rate::bucket(Act::Send, RateKey::User, 0, 100)]);
    let builder = Chat::builder(mvchat_core::builtin::MemoryStore::default()).limits(bad);
    let problems = builder.build().await.unwrap_err();
    assert!(problems.to_string().contains("Send by User"), "{problems}");
}

/// Connections from an address until one is let in.
async fn let_in(chat: &Chat, addr: &str) -> Wire {
    for _ in 0..10_000 {
        let mut wire = from(chat, addr);
        wire.begin(json!({"hi": {}})).await;
        if wire.next().await.unwrap()["ctrl"]["code"] == 200 {
            return wire;
        }
        tokio::task::yield_now().await;
    }
    panic!("no place becomes free");
}

async fn turned_away(chat: &Chat, addr: &str) {
    let mut wire = from(chat, addr);
    let told = wire.next().await.unwrap();
    assert_eq!(told["ctrl"]["code"], 503, "{told}");
    assert!(told["ctrl"]["params"]["retryAfter"].as_u64().unwrap() >= 500, "{told}");
    assert_eq!(wire.closed().await, Some(Close::GoingAway));
}

#[tokio::test]
async fn only_so_many_connections_wait_for_a_login() {
    let rows = [Rate::at_once(Act::Waiting, RateKey::Ip, 2), Rate::at_once(Act::Waiting, RateKey::All, 3)];
    let chat = server_with(limits(&rows)).await;
    let (mut first, second) = (let_in(&chat, HERE).await, let_in(&chat, HERE).await);
    turned_away(&chat, HERE).await;
    let third = let_in(&chat, THERE).await;
    turned_away(&chat, THERE).await;
    let account =
        json!({"acc": {"user": "new", "scheme": "basic", "secret": secret("alice"), "login": true}});
    assert_eq!(first.ask(account).await["code"], 201);
    let fourth = let_in(&chat, HERE).await;
    turned_away(&chat, HERE).await;
    drop((second, third));
    let_in(&chat, THERE).await;
    let_in(&chat, HERE).await;
    drop(fourth);
}

#[tokio::test]
async fn only_so_many_connections_of_a_user_and_of_a_session_are_open() {
    let rows = [Rate::at_once(Act::Open, RateKey::User, 3), Rate::at_once(Act::Open, RateKey::Session, 2)];
    let chat = server_with(limits(&rows)).await;
    let mut a = User::sign_up(&chat, "alice").await;
    let b = a.device(&chat).await;
    let by_token = json!({"login": {"scheme": "token", "secret": a.token}});
    let mut wire = Wire::connect(&chat);
    assert_eq!(retry_after(&wire.ask(by_token.clone()).await), 5_000, "two connections of the session");
    assert_eq!(a.wire.ask(by_token.clone()).await["code"], 200, "who is in stays in");
    assert_eq!(log_in(&mut wire, "alice", "password-alice").await["code"], 200, "the connection was kept");
    let mut other = Wire::connect(&chat);
    let sessions = a.ok(json!({"session": {"list": true}})).await["sessions"].as_array().unwrap().len();
    retry_after(&log_in(&mut other, "alice", "password-alice").await);
    let after = a.ok(json!({"session": {"list": true}})).await["sessions"].as_array().unwrap().len();
    assert_eq!(sessions, after, "who is refused leaves no session");
    drop(b);
    for _ in 0..10_000 {
        if other.ask(by_token.clone()).await["code"] == 200 {
            return;
        }
    }
    panic!("no place becomes free");
}

#[tokio::test]
async fn a_row_may_close_what_is_one_too_many_for_everybody() {
    let chat = server_with(limits(&[Rate::at_once(Act::Open, RateKey::All, 1).closing()])).await;
    let first = let_in(&chat, HERE).await;
    let mut second = from(&chat, THERE);
    assert_eq!(second.closed().await, Some(Close::Abuse));
    drop(first);
    for _ in 0..10_000 {
        let mut wire = from(&chat, THERE);
        wire.begin(json!({"hi": {}})).await;
        if wire.next().await.is_some() {
            return;
        }
    }
    panic!("no place becomes free");
}
