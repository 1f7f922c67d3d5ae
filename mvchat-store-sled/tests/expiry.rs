//! What is due survives a restart: the times are rows.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use mvchat_core::Chat;
use mvchat_core::builtin::SystemEnv;
use mvchat_core::builtin::keys::Keys;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::proto::{Command, ConvId, DmPeer, Get, Json, MarkKind, MessagePage, Reply, Seq, UserId};
use mvchat_core::seam::Env;
use mvchat_core::time::{Instant, Timestamp};
use mvchat_store_sled::SledStore;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// The system's clock, put ahead by some seconds.
#[derive(Clone, Debug, Default)]
struct Clock(Arc<SystemEnv>, Arc<AtomicU64>);

impl Env for Clock {
    fn now(&self) -> Timestamp {
        self.0.now() + Duration::from_secs(self.1.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Instant {
        self.0.monotonic()
    }

    fn fill(&self, buffer: &mut [u8]) {
        self.0.fill(buffer);
    }
}

async fn open(path: &Path, clock: &Clock, keys: &Keys) -> Chat {
    let builder = Chat::builder(SledStore::open(path).unwrap()).env(clock.clone()).keys(keys.clone());
    builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap()
}

/// Stops as a process does, and begins again.
async fn restart(chat: Chat, path: &Path, clock: &Clock, keys: &Keys) -> Chat {
    assert!(chat.drain(Duration::from_secs(10)).await, "the rounds in the background end, too");
    drop(chat);
    open(path, clock, keys).await
}

async fn does(chat: &Chat, user: UserId, command: Command) -> Reply {
    chat.act_as(user).execute(command).await.unwrap()
}

async fn history(chat: &Chat, user: UserId, conv: ConvId) -> String {
    let get = Get::Messages { conv, page: MessagePage::Newest, limit: 50 };
    serde_json::to_string(&does(chat, user, Command::Get(get)).await.params).unwrap()
}

#[tokio::test]
async fn what_was_read_before_a_restart_expires_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let (path, clock, keys) = (dir.path(), Clock::default(), Keys::ephemeral());
    let chat = open(path, &clock, &keys).await;
    let [a, b] = [1, 2].map(|n| UserId(Uuid::from_u128(n)));
    for user in [a, b] {
        chat.add_user(user, None).await.unwrap();
    }
    let opened = does(&chat, a, Command::StartDm(DmPeer::User(b))).await;
    let opened = serde_json::to_value(&opened.params).unwrap();
    let conv: ConvId = opened["conv"].as_str().unwrap().parse().unwrap();
    does(&chat, a, Command::SetTtl { conv, ttl: Some(60) }).await;
    for text in ["canary-1", "canary-2"] {
        chat.act_as(a).send(conv, Json::from_value(&text)).await.unwrap();
    }
    does(&chat, b, Command::Mark { kind: MarkKind::Read, conv, seq: Seq(1) }).await;

    let chat = restart(chat, path, &clock, &keys).await;
    assert!(history(&chat, b, conv).await.contains("canary-1"));
    clock.1.store(60, Ordering::SeqCst);
    let seen = history(&chat, b, conv).await;
    assert!(!seen.contains("canary-1") && seen.contains("canary-2"), "{seen}");

    // Nobody asks before the next restart: it is due while nothing runs.
    does(&chat, b, Command::Mark { kind: MarkKind::Read, conv, seq: Seq(2) }).await;
    let chat = restart(chat, path, &clock, &keys).await;
    clock.1.store(120, Ordering::SeqCst);
    let chat = restart(chat, path, &clock, &keys).await;
    for user in [a, b] {
        let seen = history(&chat, user, conv).await;
        assert!(!seen.contains("canary"), "{seen}");
    }
    assert!(
        history(&chat, a, conv).await.contains(r#""expired":true"#),
        "a tombstone is left for the sender"
    );
}
