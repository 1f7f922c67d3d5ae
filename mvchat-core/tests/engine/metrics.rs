//! What the engine says about itself.

use crate::support::{User, server};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mvchat_core::Chat;
use mvchat_core::builtin::MemoryStore;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::engine::metrics::{CATALOGUE, Family, Value};
use mvchat_core::proto::Limits;
use mvchat_core::testkit::{Fault, Faults, Flaky, Method, Wire};
use serde_json::json;
use std::collections::BTreeSet;

fn families(chat: &Chat, name: &str) -> Family {
    chat.metrics().into_iter().find(|family| family.info.name == name).unwrap()
}

fn number(chat: &Chat, name: &str, labels: &[&str]) -> f64 {
    match families(chat, name).value(labels) {
        Some(Value::Counter(count)) => *count as f64,
        Some(Value::Gauge(number)) => *number,
        Some(Value::Histogram(buckets)) => buckets.count() as f64,
        _ => 0.0,
    }
}

#[tokio::test]
async fn what_is_read_out_is_the_catalogue() {
    let chat = server().await;
    let read: Vec<_> = chat.metrics().into_iter().map(|family| family.info).collect();
    assert_eq!(read, CATALOGUE);
    let names: BTreeSet<_> = CATALOGUE.iter().map(|info| info.name).collect();
    assert_eq!(names.len(), CATALOGUE.len());
    for family in chat.metrics() {
        for sample in &family.samples {
            assert_eq!(sample.labels.len(), family.info.labels.len(), "{}", family.info.name);
        }
    }
}

#[tokio::test]
async fn connections_commands_and_deliveries_are_counted() {
    let chat = server().await;
    let (mut ana, ben) = (User::sign_up(&chat, "anna").await, User::sign_up(&chat, "bert").await);
    assert_eq!(number(&chat, "mvchat_connections", &[]), 2.0);
    assert_eq!(number(&chat, "mvchat_sessions", &[]), 2.0);
    assert_eq!(number(&chat, "mvchat_users_online", &[]), 2.0);
    assert_eq!(number(&chat, "mvchat_connections_opened_total", &[]), 2.0);
    let conv = ana.dm(&ben).await;
    let before = number(&chat, "mvchat_deliveries_total", &[]);
    ana.say(&conv, "hello").await;
    ana.fails(json!({"send": {"conv": "00000000-0000-0000-0000-000000000001", "content": "hello"}})).await;
    assert_eq!(number(&chat, "mvchat_commands_total", &["send", "ok"]), 1.0);
    assert_eq!(number(&chat, "mvchat_commands_total", &["send", "not_member"]), 1.0);
    assert_eq!(number(&chat, "mvchat_command_duration_seconds", &["send"]), 2.0);
    assert_eq!(number(&chat, "mvchat_deliveries_total", &[]) - before, 1.0, "the sender has the answer");
    assert_eq!(number(&chat, "mvchat_changes_total", &["done"]), 1.0);
    assert_eq!(number(&chat, "mvchat_commit_changes", &[]), 1.0);
    assert!(number(&chat, "mvchat_store_call_duration_seconds", &["commit_free"]) >= 1.0);
    ana.wire.send_text("no frame").await;
    ana.wire.settle().await;
    assert_eq!(number(&chat, "mvchat_frames_refused_total", &["malformed"]), 1.0);
    assert!(number(&chat, "mvchat_frames_received_total", &[]) >= 6.0);
    assert!(number(&chat, "mvchat_bytes_sent_total", &[]) > 500.0);
}

#[tokio::test]
async fn logins_are_counted_by_scheme_and_outcome() {
    let chat = server().await;
    User::sign_up(&chat, "anna").await;
    let wrong = STANDARD.encode("anna:not her password");
    for (scheme, secret) in [("basic", wrong), ("made-up", "x".to_owned())] {
        let mut other = Wire::connect(&chat);
        let refused = other.ask(json!({"login": {"scheme": scheme, "secret": secret}})).await;
        assert!(refused["code"].as_u64() >= Some(400), "{refused}");
    }
    assert_eq!(number(&chat, "mvchat_logins_total", &["basic", "bad_credentials"]), 1.0);
    let others: f64 = families(&chat, "mvchat_logins_total")
        .samples
        .iter()
        .filter(|sample| sample.labels[0] == "other" && sample.labels[1] != "ok")
        .map(|_| 1.0)
        .sum();
    assert_eq!(others, 1.0, "names that somebody makes up are no labels");
}

#[tokio::test]
async fn limits_and_failures_of_the_store_are_counted() {
    let faults = Faults::default();
    let mut limits = Limits::default();
    limits.rate_limit_messages = 1_000;
    limits.rate_limit_burst = 1_000;
    let store = Flaky::new(MemoryStore::default(), faults.clone());
    let builder = Chat::builder(store).passwords(PasswordParams::insecurely_fast());
    let chat = builder.limits(limits).build().await.unwrap();
    let mut wire = User::sign_up(&chat, "anna").await.wire;
    let conv = wire.ask(json!({"dm": {"self": true}})).await["params"]["conv"].clone();
    faults.choose(|method| (method == Method::Commit).then_some(Fault::Before));
    let failed = wire.ask(json!({"send": {"conv": conv, "content": "x"}})).await;
    assert_eq!(failed["code"], 503);
    faults.heal();
    assert_eq!(number(&chat, "mvchat_store_errors_total", &["commit_free", "unavailable"]), 1.0);
    assert_eq!(number(&chat, "mvchat_commands_total", &["send", "unavailable"]), 1.0);
    while wire.ask(json!({"send": {"conv": conv, "content": "x"}})).await["code"] == 202 {}
    assert_eq!(number(&chat, "mvchat_limit_hits_total", &["send", "user"]), 1.0);
    assert_eq!(number(&chat, "mvchat_commands_total", &["send", "rate_limited"]), 1.0);
}

#[tokio::test]
async fn connections_that_end_are_counted_by_reason() {
    let chat = server().await;
    let mut wire = User::sign_up(&chat, "anna").await.wire;
    wire.ask(json!({"logout": {}})).await;
    wire.closed().await;
    drop(Wire::connect(&chat));
    assert!(chat.drain(std::time::Duration::from_secs(10)).await);
    assert_eq!(number(&chat, "mvchat_connections", &[]), 0.0);
    assert_eq!(number(&chat, "mvchat_connections_closed_total", &["session_ended"]), 1.0);
    let all: u64 = families(&chat, "mvchat_connections_closed_total")
        .samples
        .iter()
        .map(|sample| match sample.value {
            Value::Counter(count) => count,
            _ => 0,
        })
        .sum();
    assert_eq!(all, 2);
    let presence = number(&chat, "mvchat_jobs_total", &["presence", "done"]);
    assert!(presence >= 1.0, "who came and went is announced by jobs");
}
