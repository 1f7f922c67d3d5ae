//! How much one request can make the server read and answer, and what it says when it can't.

use crate::support::{User, server};
use mvchat_core::Chat;
use mvchat_core::builtin::MemoryStore;
use mvchat_core::builtin::keys::{Keys, MemoryVault, Ring};
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::seam::keys::{KeyError, KeyErrorKind, Vault, WrappedKey};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use uuid::Uuid;

const BYTES: usize = 300 * 1024;

#[tokio::test]
async fn no_page_of_messages_or_changes_is_larger_than_what_fits() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let conv = a.group(&[]).await;
    for n in 0..40 {
        let content = json!({"v": 1, "text": format!("{n}"), "padding": "x".repeat(40_000)});
        a.ok(json!({"send": {"conv": conv, "content": content}})).await;
    }
    let (mut since, mut seen) = (0, Vec::new());
    loop {
        let page = a.ok(json!({"get": {"what": "changes", "conv": conv, "since": since}})).await;
        assert!(page.to_string().len() < BYTES);
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|item| item["rev"].as_u64().unwrap()));
        since = page["rev"].as_u64().unwrap();
        assert_eq!(seen.last(), Some(&since), "what was delivered reaches up to `rev`");
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(seen, (1..=40).collect::<Vec<_>>());
    let around = a.ok(json!({"get": {"what": "messages", "conv": conv, "around": 20, "limit": 100}})).await;
    assert!(around.to_string().len() < BYTES);
    let seqs: Vec<_> = around["messages"].as_array().unwrap().iter().map(|it| it["seq"].as_u64()).collect();
    assert!(seqs.contains(&Some(20)) && seqs.contains(&Some(21)), "{seqs:?}");
    assert_eq!(around["more"], true);
}

#[tokio::test]
async fn cursors_beyond_all_counters_are_refused() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    for since in [u64::MAX.to_string(), (1_u64 << 53).to_string(), "-1".to_owned()] {
        let request = json!({"get": {"what": "conversations", "since": since}});
        assert_eq!(a.fails(request).await, (400, "invalid".into(), "invalid since".into()));
    }
}

#[tokio::test]
async fn an_invitation_to_a_full_group_still_says_first_that_nobody_is_there() {
    let mut limits = mvchat_core::proto::Limits::default();
    limits.max_subscriber_count = 1;
    let builder = Chat::builder(MemoryStore::default()).limits(limits);
    let chat = builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap();
    let mut a = User::sign_up(&chat, "alice").await;
    let b = User::sign_up(&chat, "bobby").await;
    let conv = a.group(&[]).await;
    let invite = |user: String| json!({"group": {"action": "invite", "id": conv, "user": user}});
    let (nobody, somebody) = (invite(Uuid::from_u128(9).to_string()), invite(b.id.clone()));
    assert_eq!(a.fails(nobody).await.0, 404);
    assert_eq!(a.fails(somebody).await, (409, "group_full".into(), "group full".into()));
}

/// A vault that can be out of reach.
#[derive(Clone, Default)]
struct Remote {
    vault: Arc<MemoryVault>,
    down: Arc<AtomicBool>,
}

#[async_trait::async_trait]
impl Vault for Remote {
    async fn load(&self, user: Uuid) -> Result<Option<WrappedKey>, KeyError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(KeyError::new(KeyErrorKind::Unavailable, "the vault is down"));
        }
        self.vault.load(user).await
    }

    async fn create(&self, user: Uuid, key: &WrappedKey) -> Result<Option<WrappedKey>, KeyError> {
        self.vault.create(user, key).await
    }

    async fn replace(&self, user: Uuid, old: &WrappedKey, new: &WrappedKey) -> Result<bool, KeyError> {
        self.vault.replace(user, old, new).await
    }

    async fn erase(&self, user: Uuid) -> Result<(), KeyError> {
        self.vault.erase(user).await
    }

    async fn list(&self, after: Option<Uuid>, limit: usize) -> Result<Vec<Uuid>, KeyError> {
        self.vault.list(after, limit).await
    }
}

#[tokio::test]
async fn while_the_vault_is_out_of_reach_no_message_is_said_to_be_lost() {
    let remote = Remote::default();
    let keys = Keys::new(Ring::ephemeral().unwrap(), remote.clone());
    let builder = Chat::builder(MemoryStore::default()).keys(keys.clone());
    let chat = builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap();
    let mut a = User::sign_up(&chat, "alice").await;
    let conv = a.group(&[]).await;
    a.say(&conv, "one").await;
    remote.down.store(true, Ordering::SeqCst);
    keys.forget(a.id.parse().unwrap());
    let page = json!({"get": {"what": "messages", "conv": conv}});
    let ctrl: Value = a.wire.ask(page.clone()).await;
    assert_eq!((&ctrl["code"], ctrl["params"]["retryAfter"].is_u64()), (&json!(503), true), "{ctrl}");
    remote.down.store(false, Ordering::SeqCst);
    assert_eq!(a.ok(page).await["messages"][0]["content"]["text"], "one");
}
