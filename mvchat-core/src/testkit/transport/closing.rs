//! Laws about ends.

use super::bed::{Bed, until};
use super::client::{CLOSE, Client, PONG, Received, TEXT, frame};
use crate::proto::Limits;
use crate::testkit::runner::{Law, law};
use serde_json::json;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(a_close_is_answered_with_its_code),
    law!(a_close_without_a_code_is_answered),
    law!(the_peer_sees_the_close_code),
    law!(a_logout_is_answered_before_its_close),
    law!(a_session_ended_elsewhere_closes),
    law!(a_drain_says_when_to_come_back),
    law!(a_drained_server_refuses_connections),
    law!(a_drain_does_not_wait_for_the_silent),
    law!(an_abrupt_end_leaves_nothing),
    law!(a_silent_peer_is_given_up),
    law!(nothing_is_kept_of_half_a_frame),
];

async fn a_close_is_answered_with_its_code(bed: Bed) {
    let server = bed.start().await;
    for code in [1000_u16, 1001, 4321] {
        let mut client = server.connect().await;
        client.works().await;
        client.send(frame(CLOSE, &code.to_be_bytes())).await;
        assert_eq!(client.receive().await, Received::Close(code));
        assert_eq!(client.receive().await, Received::End);
    }
}

async fn a_close_without_a_code_is_answered(bed: Bed) {
    let server = bed.start().await;
    let mut client = server.connect().await;
    client.send(frame(CLOSE, b"")).await;
    assert!(matches!(client.receive().await, Received::Close(_)));
    assert_eq!(client.receive().await, Received::End);
}

async fn the_peer_sees_the_close_code(bed: Bed) {
    let server = bed.start_with(|limits| limits.login_deadline = 1, &[]).await;
    let mut client = server.connect().await;
    assert_eq!(client.closed().await, (vec![], 4001));
}

async fn a_logout_is_answered_before_its_close(bed: Bed) {
    let server = bed.start().await;
    let mut client = server.user("alice").await;
    let before: Vec<_> =
        (0..20).map(|n| frame(TEXT, format!(r#"{{"id":"a{n}","hi":{{}}}}"#).as_bytes())).collect();
    client.send(before.concat()).await;
    client.send_text(r#"{"id":"out","logout":{}}"#).await;
    let (texts, code) = client.closed().await;
    let ids: Vec<_> = texts.iter().filter_map(|text| text["ctrl"]["id"].as_str()).collect();
    let expected: Vec<_> = (0..20).map(|n| format!("a{n}")).chain(["out".to_owned()]).collect();
    assert_eq!((ids, code), (expected.iter().map(String::as_str).collect(), 4003));
}

async fn a_session_ended_elsewhere_closes(bed: Bed) {
    let server = bed.start().await;
    let mut laptop = server.user("alice").await;
    let mut phone = server.connect().await;
    phone.ask(json!({"login": {"scheme": "token", "secret": laptop.token}})).await;
    phone.ask(json!({"logout": {"all": true}})).await;
    for client in [&mut laptop, &mut phone] {
        assert_eq!(client.closed().await.1, 4003);
    }
}

async fn a_drain_says_when_to_come_back(bed: Bed) {
    let server = bed.start().await;
    let mut clients = vec![server.connect().await, server.user("alice").await, server.user("bobby").await];
    for client in &mut clients {
        client.works().await;
    }
    let chat = server.chat.clone();
    let draining = tokio::spawn(async move { chat.drain(Duration::from_secs(20)).await });
    for client in &mut clients {
        let (texts, code) = client.closed().await;
        let last = &texts.last().expect("a word before the close")["ctrl"];
        assert_eq!((&last["code"], code), (&json!(503), 1001), "{texts:?}");
        assert!(last["params"]["retryAfter"].as_u64().is_some_and(|after| after > 0), "{last}");
    }
    assert!(draining.await.unwrap(), "everything was done in time");
    assert_eq!(server.chat.connections(), 0);
}

async fn a_drained_server_refuses_connections(bed: Bed) {
    let server = bed.start().await;
    assert!(server.chat.drain(Duration::from_secs(20)).await);
    assert_eq!(server.connect().await.closed().await.1, 1001);
}

async fn a_drain_does_not_wait_for_the_silent(bed: Bed) {
    let server = bed.start().await;
    let mut silent = server.user("alice").await;
    silent.works().await;
    // The client neither reads nor answers the close.
    assert!(server.chat.drain(Duration::from_secs(20)).await);
    assert_eq!(server.chat.connections(), 0);
}

async fn an_abrupt_end_leaves_nothing(bed: Bed) {
    let server = bed.start().await;
    let mut clients = Vec::new();
    for n in 0..12 {
        clients.push(server.user(&format!("user{n}")).await);
    }
    assert_eq!(server.chat.connections(), 12);
    for (n, mut client) in clients.into_iter().enumerate() {
        match n % 3 {
            0 => drop(client),
            1 => reset(client),
            _ => {
                client.stream.shutdown().await.unwrap();
                assert!(matches!(client.receive().await, Received::End | Received::Close(_)));
            }
        }
    }
    until("the last connection to be forgotten", || server.chat.connections() == 0).await;
    assert_eq!(server.chat.online(), 0);
}

async fn a_silent_peer_is_given_up(bed: Bed) {
    let change = |limits: &mut Limits| (limits.ping_interval, limits.idle_timeout) = (1, 2);
    let server = bed.start_with(change, &[]).await;
    let (mut silent, mut half) = (server.user("silent").await, server.user("half").await);
    let mut alive = server.user("alive").await;
    let request = frame(TEXT, br#"{"id":"1","hi":{}}"#);
    half.send(&request[..5]).await;
    let kept = async {
        for _ in 0..4 {
            assert!(matches!(alive.receive().await, Received::Ping(_)));
            alive.send(frame(PONG, b"")).await;
        }
        alive.works().await;
    };
    let ended = async |client: &mut Client| {
        assert!(matches!(client.receive().await, Received::Ping(_)));
        // There is nobody whom a close would reach.
        assert_eq!(client.receive().await, Received::End);
    };
    tokio::join!(kept, ended(&mut silent), ended(&mut half));
    assert_eq!(server.chat.connections(), 1);
}

/// Ends a connection with a reset: bytes that were not read make one of the drop.
fn reset(client: Client) {
    let stream = client.stream.into_inner();
    stream.set_zero_linger().unwrap();
    drop(stream);
}

async fn nothing_is_kept_of_half_a_frame(bed: Bed) {
    let server = bed.start().await;
    let mut client = server.user("alice").await;
    let request = frame(TEXT, br#"{"id":"1","hi":{}}"#);
    client.send(&request[..request.len() - 1]).await;
    drop(client);
    until("the connection to be forgotten", || server.chat.connections() == 0).await;
}
