//! Who is registered, and who still hears, when connections and sessions end at the wrong moment.

use crate::support::{User, flaky, secret, server};
use mvchat_core::seam::Peer;
use mvchat_core::testkit::{Fault, Method, Pipe, Wire};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test]
async fn a_client_that_is_gone_before_its_login_is_done_is_not_online_for_ever() {
    let (chat, faults) = flaky().await;
    let user = User::sign_up(&chat, "alice").await;
    drop(user);
    faults.script(Method::OpenSession, Fault::Delay(1_000));
    let mut wire = Wire::connect(&chat);
    wire.begin(json!({"login": {"scheme": "basic", "secret": secret("alice")}})).await;
    while faults.met() == 0 {
        tokio::task::yield_now().await;
    }
    drop(wire);
    // A drain waits for the login, and for the connection to be forgotten.
    assert!(chat.drain(Duration::from_secs(5)).await);
    assert_eq!((chat.connections(), chat.online()), (0, 0));
}

#[tokio::test]
async fn logging_out_everywhere_closes_everything_also_when_nobody_knows_whether_it_was_done() {
    let (chat, faults) = flaky().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut other = a.device(&chat).await;
    // It is done, but the client is told that nobody knows.
    faults.script(Method::EndSessions, Fault::After);
    assert_eq!(a.fails(json!({"logout": {"all": true}})).await.0, 503);
    assert_eq!(a.wire.closed().await.map(|close| close.code()), Some(4003));
    assert_eq!(other.wire.closed().await.map(|close| close.code()), Some(4003));
}

#[tokio::test]
async fn a_password_change_that_nobody_knows_of_still_closes_the_others() {
    let (chat, faults) = flaky().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut other = Wire::connect(&chat);
    let login = json!({"login": {"scheme": "basic", "secret": secret("alice")}});
    assert_eq!(other.ask(login).await["code"], 200);
    faults.script(Method::SetSecret, Fault::After);
    let change = json!({"acc": {"user": "me", "old": "password-alice", "new": "another-password"}});
    assert_eq!(a.fails(change).await.0, 503);
    assert_eq!(other.closed().await.map(|close| close.code()), Some(4003));
    a.ok(json!({"get": {"what": "conversations"}})).await;
}

#[tokio::test]
async fn a_session_that_ends_while_a_login_continues_it_is_over_on_that_connection_too() {
    let (chat, faults) = flaky().await;
    let mut a = User::sign_up(&chat, "alice").await;
    faults.script(Method::UpdateUser, Fault::Delay(1_000));
    let before = faults.met();
    let mut late = Wire::connect(&chat);
    late.begin(json!({"login": {"scheme": "token", "secret": a.token}})).await;
    while faults.met() == before {
        tokio::task::yield_now().await;
    }
    a.ok(json!({"logout": {}})).await;
    assert_eq!(late.closed().await.map(|close| close.code()), Some(4003));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_that_a_store_holds_up_still_says_goodbye() {
    let (chat, faults) = flaky().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut idle = User::sign_up(&chat, "bobby").await;
    let conv = a.group(&[]).await;
    faults.script(Method::Commit, Fault::Delay(u32::MAX));
    let before = faults.met();
    a.wire.begin(json!({"send": {"conv": conv, "content": "stuck"}})).await;
    while faults.met() == before {
        tokio::task::yield_now().await;
    }
    assert!(!chat.drain(Duration::from_millis(400)).await, "not all was done");
    assert_eq!(idle.wire.closed().await.map(|close| close.code()), Some(1001));
}

/// Pages that nobody takes stop the reading of further requests; all are answered once somebody does.
#[tokio::test(start_paused = true)]
async fn who_reads_late_gets_every_answer() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let conv = a.group(&[]).await;
    for _ in 0..40 {
        a.say(&conv, &"x".repeat(5_000)).await;
    }
    // Of each way four frames fit in between, and two pages of 200 KB are more than may wait.
    let (near, far) = Pipe::pair(4);
    let serving = chat.clone();
    tokio::spawn(async move { serving.serve(far, Peer::default()).await });
    let mut late = a.device_over(Wire::over(near)).await;
    let page = json!({"get": {"what": "messages", "conv": conv, "limit": 100}});
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(late.wire.begin(page.clone()).await);
        // Everything that can be done is done in the meantime.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
    let begun = Instant::now();
    for id in ids {
        let reply = late.wire.reply(&id).await;
        assert_eq!(reply["params"]["messages"].as_array().map(Vec::len), Some(40));
    }
    assert_eq!(begun.elapsed(), Duration::ZERO, "no timer had to help");
}
