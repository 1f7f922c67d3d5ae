//! Requests without a connection. What is asked over HTTP is the matter of the laws of transports.

use crate::clock::{Clock, server_at};
use crate::support::{User, flaky, secret, server_on, server_with};
use mvchat_core::builtin::MemoryStore;
use mvchat_core::engine::Visitor;
use mvchat_core::proto::{Act, Limits, LoginBody, Rate, RateKey, ReplyParams};
use mvchat_core::seam::Peer;
use mvchat_core::testkit::Fault;
use mvchat_core::{Chat, ErrorKind};
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;

fn visitor(chat: &Chat) -> Visitor {
    chat.visitor(Peer::default())
}

async fn ticket(chat: &Chat, user: &User) -> String {
    visitor(chat).with_token(&user.token).ticket().await.unwrap().ticket
}

async fn refused(visitor: Visitor) -> (ErrorKind, String) {
    let error = visitor.check_in().await.unwrap_err();
    (error.kind(), error.detail().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_ticket_is_good_for_half_a_minute() {
    let clock = Clock::default();
    let chat = server_at(MemoryStore::default(), &clock).await;
    let alice = User::sign_up(&chat, "alice").await;
    let (used, late) = (ticket(&chat, &alice).await, ticket(&chat, &alice).await);
    clock.advance(29);
    assert!(visitor(&chat).with_ticket(used).check_in().await.unwrap().is_some());
    clock.advance(1);
    let expected = (ErrorKind::TokenExpired, "ticket expired".to_owned());
    assert_eq!(refused(visitor(&chat).with_ticket(late)).await, expected);
}

#[tokio::test]
async fn who_shows_nothing_is_nobody() {
    let chat = server_on(MemoryStore::default()).await;
    assert!(visitor(&chat).check_in().await.unwrap().is_none());
    let error = visitor(&chat).sessions().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn a_suspended_user_is_let_in_nowhere() {
    let chat = server_on(MemoryStore::default()).await;
    let alice = User::sign_up(&chat, "alice").await;
    let ticket = ticket(&chat, &alice).await;
    chat.suspend_user(alice.id.parse().unwrap()).await.unwrap();
    let by_ticket = refused(visitor(&chat).with_ticket(ticket)).await.0;
    let by_token = refused(visitor(&chat).with_token(&alice.token)).await.0;
    assert_eq!((by_ticket, by_token), (ErrorKind::BadCredentials, ErrorKind::BadCredentials));
    let error = visitor(&chat).with_token(&alice.token).sessions().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn nobody_is_let_in_while_the_server_stops() {
    let chat = server_on(MemoryStore::default()).await;
    let alice = User::sign_up(&chat, "alice").await;
    assert!(chat.drain(Duration::from_secs(5)).await);
    let error = visitor(&chat).with_token(&alice.token).check_in().await.unwrap_err();
    assert!(error.kind() == ErrorKind::Unavailable && error.params().unwrap().retry_after.is_some());
}

#[tokio::test]
async fn a_login_without_a_connection_counts_for_its_address() {
    let mut limits = Limits::default().unthrottled();
    *limits.rates = vec![Rate::bucket(Act::Login, RateKey::Ip, 2, 60_000)];
    let chat = server_with(limits).await;
    let _alice = User::sign_up(&chat, "alice").await;
    let login = |addr: &str| {
        let body = json!({"scheme": "basic", "secret": secret("alice")}).to_string();
        let peer = Peer::from(addr.parse::<SocketAddr>().unwrap());
        chat.visitor(peer).log_in(LoginBody::decode(body.as_bytes()).unwrap())
    };
    for _ in 0..2 {
        assert!(matches!(login("192.0.2.1:1").await.unwrap().params, ReplyParams::Account(_)));
    }
    assert_eq!(login("192.0.2.1:2").await.unwrap_err().kind(), ErrorKind::RateLimited);
    login("192.0.2.2:1").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn readiness_is_looked_for_once_a_second_and_found_by_reading() {
    let (chat, faults) = flaky().await;
    assert_eq!(chat.readiness().await.status, "ok");
    faults.choose(|_| Some(Fault::Before));
    assert_eq!(chat.readiness().await.store, "ok", "the answer of a second is repeated");
    tokio::time::advance(Duration::from_secs(1)).await;
    let ready = chat.readiness().await;
    assert_eq!(
        (ready.status.as_str(), ready.store.as_str(), ready.keys.as_str()),
        ("unavailable", "unavailable", "ok")
    );
    faults.heal();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(chat.readiness().await.status, "ok");
    // A store that does not answer holds nobody up for long.
    faults.kill();
    tokio::time::advance(Duration::from_secs(1)).await;
    let before = tokio::time::Instant::now();
    assert_eq!(chat.readiness().await.store, "unavailable");
    assert_eq!(before.elapsed(), Duration::from_secs(2));
}
