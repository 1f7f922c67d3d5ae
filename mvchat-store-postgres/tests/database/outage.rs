//! A database that goes away and comes back.

use crate::postgres::Postgres;
use crate::support::Database;
use mvchat_core::proto::UserId;
use mvchat_core::{Chat, Keys};
use mvchat_store_postgres::PgStore;
use std::time::{Duration, Instant};

/// Waits until a chat says that it is in a state; returns how long that took.
async fn becomes(chat: &Chat, status: &str) -> Duration {
    let started = Instant::now();
    while chat.health().status != status {
        tokio::task::yield_now().await;
        assert!(started.elapsed() < Duration::from_secs(60), "it never is {status}");
    }
    started.elapsed()
}

pub(crate) async fn health() {
    let mut server = Postgres::start().unwrap();
    let store = PgStore::options().accept_weak_durability().open(&server.url()).await.unwrap();
    let chat = Chat::builder(store).keys(Keys::ephemeral()).build().await.unwrap();
    for crash in [false, true] {
        becomes(&chat, "ok").await;
        if crash {
            server.kill()
        } else {
            server.stop()
        }
        assert!(becomes(&chat, "unavailable").await < Duration::from_secs(2));
        server.resume().unwrap();
        let back = Instant::now();
        while chat.add_user(UserId::external("account", crash), None).await.is_err() {
            tokio::task::yield_now().await;
        }
        assert!(back.elapsed() < Duration::from_secs(5));
        assert!(becomes(&chat, "ok").await < Duration::from_secs(5));
    }
}

pub(crate) async fn weak() {
    let database = Database::fresh();
    let server = Postgres::start().unwrap();
    let refused = PgStore::connect(&server.url()).await.unwrap_err();
    assert!(refused.to_string().contains("fsync off"), "{refused}");
    assert!(
        PgStore::connect("postgres://nobody:secret@[").await.unwrap_err().to_string().contains("malformed")
    );
    drop(database);
}
