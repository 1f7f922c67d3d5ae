//! The driver against a server in this process.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use mvchat_bot::{Error, Events, Handle, MAX_EVENTS, connect};
use mvchat_core::Chat;
use mvchat_core::builtin::MemoryStore;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::client::{ClientConfig, Credentials, Draft, EndReason, Event, SendState};
use mvchat_core::proto::{ConvCreated, ConvId, Envelope, Json, Limits, Request};
use std::time::Duration;
use tokio::net::TcpListener;

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}

/// Starts a server; returns where it is.
async fn server() -> String {
    let limits = Limits::default().unthrottled();
    let builder = Chat::builder(MemoryStore::default()).limits(limits);
    let chat = builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/v0/ws", listener.local_addr().unwrap());
    let app: axum::Router = mvchat_transport_axum::router(chat);
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

fn credentials(name: &str) -> Credentials {
    Credentials::sign_up(name, "correct horse", None)
}

fn request(json: &str) -> Request {
    Envelope::decode(json.as_bytes()).unwrap().request
}

/// Waits until an event is the wanted one.
async fn until(events: &mut Events, is: impl Fn(&Event) -> bool) -> Event {
    let wanted = async {
        loop {
            let event = events.next().await.unwrap();
            if is(&event) {
                return event;
            }
        }
    };
    soon("an event", wanted).await
}

async fn group(handle: &Handle) -> ConvId {
    let ctrl = handle.request(request(r#"{"group":{"action":"create"}}"#)).await.unwrap();
    serde_json::from_str::<ConvCreated>(ctrl.params.unwrap().as_str()).unwrap().conv
}

#[tokio::test]
async fn requests_are_answered_and_messages_get_their_place() {
    let url = server().await;
    let (alice, mut events) = connect(&url, ClientConfig::new(credentials("alice"))).unwrap();
    // Asked before the connection is open: it waits.
    let conv = soon("a group", group(&alice)).await;
    let (one, two) =
        tokio::join!(alice.deliver(Draft::text(conv, "one")), alice.deliver(Draft::text(conv, "two")));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!((one.seq.0, two.seq.0), (1, 2));
    assert_ne!(one.cid, two.cid);
    let cid = alice.send(Draft::text(conv, "three")).await.unwrap();
    until(&mut events, |event| {
        matches!(event, Event::SendState { cid: sent, state: SendState::Sent { seq, .. }, .. }
            if *sent == cid && seq.0 == 3)
    })
    .await;
    assert_eq!(alice.state().await.unwrap().conversation(conv).unwrap().messages().len(), 3);

    // What the server refuses, and what the client refuses.
    let nowhere = request(r#"{"get":{"what":"nothing"}}"#);
    let refused = alice.request(nowhere).await;
    assert!(matches!(&refused, Err(Error::Client(error)) if error.code == 400), "{refused:?}");
    let refused = alice.deliver(Draft::new(conv, Json::parse(r#"{"v":9}"#).unwrap())).await;
    assert!(matches!(&refused, Err(Error::Client(error)) if error.err == "invalid_content"), "{refused:?}");
    let refused = alice.request(request(r#"{"login":{}}"#)).await;
    assert!(matches!(&refused, Err(Error::Client(error)) if error.err == "unsupported"), "{refused:?}");
}

#[tokio::test]
async fn closing_says_goodbye_and_reopening_comes_back() {
    let url = server().await;
    let (alice, mut events) = connect(&url, ClientConfig::new(credentials("alice"))).unwrap();
    until(&mut events, |event| matches!(event, Event::Synced)).await;
    soon("a goodbye", alice.close()).await.unwrap();
    until(&mut events, |event| matches!(event, Event::Ended(EndReason::Closed))).await;
    let refused = alice.request(request(r#"{"get":{"what":"conversations"}}"#)).await;
    assert!(matches!(&refused, Err(Error::Client(error)) if error.err == "ended"), "{refused:?}");
    alice.reopen(None).await.unwrap();
    until(&mut events, |event| matches!(event, Event::Synced)).await;
    // Without handles the client ends, and with it the events.
    drop(alice);
    soon("the end", async { while events.next().await.is_some() {} }).await;
}

#[tokio::test]
async fn an_app_that_reads_no_events_is_not_flooded_and_loses_none() {
    let url = server().await;
    let mut config = ClientConfig::new(credentials("alice"));
    config.request_timeout = Duration::from_millis(500);
    let (alice, mut events) = connect(&url, config).unwrap();
    let conv = soon("a group", group(&alice)).await;
    // Each message is at least four events, none of which is read; then the driver reads no more.
    let mut sent = 0_u64;
    let stalled = loop {
        match soon("a refusal", alice.request(request(r#"{"get":{"what":"conversations"}}"#))).await {
            Ok(_) => {}
            Err(error) => break error,
        }
        let waiting: Vec<_> = (0..20).map(|n| Draft::text(conv, &format!("{}", sent + n))).collect();
        for draft in waiting {
            alice.send(draft).await.unwrap();
            sent += 1;
        }
        assert!(sent < 4 * MAX_EVENTS as u64, "it reads on and on");
    };
    assert!(matches!(&stalled, Error::Client(error) if error.err == "timeout"), "{stalled:?}");
    // Once they are read, everything goes on: each message has its place, told in order.
    let mut seqs = Vec::new();
    while seqs.len() < usize::try_from(sent).unwrap() {
        let event = soon("an event", events.next()).await.unwrap();
        if let Event::SendState { state: SendState::Sent { seq, .. }, .. } = event {
            seqs.push(seq.0);
        }
    }
    assert!(seqs.iter().copied().eq(1..=sent), "{seqs:?}");
}

#[tokio::test]
async fn addresses_that_lead_nowhere_are_refused_and_silence_is_waited_for() {
    for url in ["", "nonsense", "http://127.0.0.1/v0/ws", "wss://127.0.0.1/v0/ws", "ws://"] {
        assert!(connect(url, ClientConfig::new(credentials("alice"))).is_err(), "{url}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/v0/ws", listener.local_addr().unwrap());
    drop(listener);
    let (_alice, mut events) = connect(&url, ClientConfig::new(credentials("alice"))).unwrap();
    until(&mut events, |event| matches!(event, Event::Disconnected { close: None, .. })).await;
}
