//! The contracts of the two seams, one function per law, run on every default.

use std::collections::HashSet;

use uuid::Uuid;

use super::{FileVault, MemoryVault, Ring};
use crate::seam::keys::{KeyErrorKind, KeyProvider, SecretKey, Vault, WrappedKey};

const ANN: Uuid = Uuid::from_u128(0xa11);
const BOB: Uuid = Uuid::from_u128(0xb0b);

fn wrapped(name: &str) -> WrappedKey {
    WrappedKey::new("kek-1", 1, name.as_bytes().to_vec())
}

async fn vault_round_trip(vault: &dyn Vault) {
    assert_eq!(vault.load(ANN).await.unwrap(), None);
    let odd = WrappedKey::new("a.B_c-9", u32::MAX, (0..=255).collect());
    assert_eq!(vault.create(ANN, &odd).await.unwrap(), None);
    assert_eq!(vault.load(ANN).await.unwrap(), Some(odd));
    assert_eq!(vault.load(BOB).await.unwrap(), None);
}

async fn vault_create_once(vault: &dyn Vault) {
    let keys: Vec<_> = (0..12).map(|i| wrapped(&format!("key {i}"))).collect();
    let answers = futures_util::future::join_all(keys.iter().map(|key| vault.create(ANN, key))).await;
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.unwrap()).collect();
    let winner = answers.iter().position(Option::is_none).unwrap();
    for (i, answer) in answers.iter().enumerate() {
        assert_eq!(answer.as_ref(), (i != winner).then_some(&keys[winner]), "{i}");
    }
    assert_eq!(vault.load(ANN).await.unwrap().as_ref(), Some(&keys[winner]));
}

async fn vault_replace_compares(vault: &dyn Vault) {
    let (old, new) = (wrapped("old"), wrapped("new"));
    assert!(!vault.replace(ANN, &old, &new).await.unwrap());
    assert_eq!(vault.load(ANN).await.unwrap(), None);
    vault.create(ANN, &old).await.unwrap();
    for different in [
        wrapped("odd"),
        WrappedKey::new("kek-2", 1, old.bytes.clone()),
        WrappedKey::new("kek-1", 2, old.bytes.clone()),
    ] {
        assert!(!vault.replace(ANN, &different, &new).await.unwrap());
        assert_eq!(vault.load(ANN).await.unwrap().as_ref(), Some(&old));
    }
    assert!(vault.replace(ANN, &old, &new).await.unwrap());
    assert_eq!(vault.load(ANN).await.unwrap().as_ref(), Some(&new));
    vault.erase(ANN).await.unwrap();
    assert!(!vault.replace(ANN, &new, &old).await.unwrap());
    assert_eq!(vault.load(ANN).await.unwrap(), None);
}

async fn vault_erase(vault: &dyn Vault) {
    vault.erase(ANN).await.unwrap();
    vault.create(ANN, &wrapped("a")).await.unwrap();
    vault.create(BOB, &wrapped("b")).await.unwrap();
    vault.erase(ANN).await.unwrap();
    vault.erase(ANN).await.unwrap();
    assert_eq!(vault.load(ANN).await.unwrap(), None);
    assert_eq!(vault.list(None, 10).await.unwrap(), [BOB]);
    // The same person may come back.
    assert_eq!(vault.create(ANN, &wrapped("c")).await.unwrap(), None);
    assert_eq!(vault.load(ANN).await.unwrap(), Some(wrapped("c")));
}

async fn vault_list_is_complete(vault: &dyn Vault) {
    assert!(vault.list(None, 10).await.unwrap().is_empty());
    let spread = |i: u128| Uuid::from_u128(i.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835));
    let users: HashSet<_> = (1..60).map(spread).collect();
    for user in &users {
        vault.create(*user, &wrapped("x")).await.unwrap();
    }
    for limit in [1, 7, 59, 1000] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = vault.list(after, limit).await.unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(*last);
            seen.extend(page);
        }
        assert_eq!(seen.len(), users.len(), "at limit {limit}");
        assert_eq!(seen.into_iter().collect::<HashSet<_>>(), users);
    }
    // A cursor that was erased meanwhile still marks its place.
    let page = vault.list(None, 20).await.unwrap();
    vault.erase(page[19]).await.unwrap();
    assert_eq!(vault.list(Some(page[19]), 1000).await.unwrap().len(), users.len() - 20);
}

macro_rules! vault_laws {
    ($($law:ident)*) => {
        mod memory_vault {
            $(#[tokio::test] async fn $law() { super::$law(&super::MemoryVault::default()).await })*
        }
        mod file_vault {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $law() {
                let dir = tempfile::tempdir().unwrap();
                super::$law(&super::FileVault::open(dir.path().join("vault")).unwrap()).await
            })*
        }
    };
}

vault_laws! { vault_round_trip vault_create_once vault_replace_compares vault_erase vault_list_is_complete }

#[tokio::test]
async fn wrap_round_trip() {
    let ring = Ring::ephemeral().unwrap();
    for generation in [0, 1, u32::MAX] {
        let key = SecretKey::generate().unwrap();
        let wrapped = ring.wrap(ANN, generation, &key).await.unwrap();
        assert_eq!(wrapped.generation, generation);
        assert_eq!(ring.unwrap(ANN, &wrapped).await.unwrap(), key);
    }
}

#[tokio::test]
async fn wrap_is_bound() {
    let (ring, other) = (Ring::ephemeral().unwrap(), Ring::ephemeral().unwrap());
    let wrapped = ring.wrap(ANN, 1, &SecretKey::generate().unwrap()).await.unwrap();
    let refusal =
        async |ring: &Ring, user, wrapped: WrappedKey| ring.unwrap(user, &wrapped).await.unwrap_err().kind();
    assert_eq!(refusal(&ring, BOB, wrapped.clone()).await, KeyErrorKind::Corrupt);
    assert_eq!(
        refusal(&ring, ANN, WrappedKey::new(wrapped.kek.clone(), 2, wrapped.bytes.clone())).await,
        KeyErrorKind::Corrupt
    );
    assert_eq!(refusal(&other, ANN, wrapped.clone()).await, KeyErrorKind::Missing);
    assert_eq!(
        refusal(&other, ANN, WrappedKey::new(other.current(), 1, wrapped.bytes.clone())).await,
        KeyErrorKind::Corrupt
    );
    for i in 0..wrapped.bytes.len() {
        let mut changed = wrapped.clone();
        changed.bytes[i] ^= 1;
        assert_eq!(refusal(&ring, ANN, changed).await, KeyErrorKind::Corrupt, "byte {i}");
        let mut cut = wrapped.clone();
        cut.bytes.truncate(i);
        assert_eq!(refusal(&ring, ANN, cut).await, KeyErrorKind::Corrupt, "cut at {i}");
    }
}

#[tokio::test]
async fn wrap_hides_the_key() {
    let ring = Ring::ephemeral().unwrap();
    let key = SecretKey::generate().unwrap();
    let (one, two) = (ring.wrap(ANN, 1, &key).await.unwrap(), ring.wrap(ANN, 1, &key).await.unwrap());
    assert_ne!(one.bytes, two.bytes);
    assert!(!one.bytes.windows(8).any(|part| key.as_bytes().windows(8).any(|secret| secret == part)));
}

#[tokio::test]
async fn wrap_uses_current() {
    let ring = Ring::ephemeral().unwrap();
    let wrapped = ring.wrap(ANN, 1, &SecretKey::generate().unwrap()).await.unwrap();
    assert_eq!(wrapped.kek, ring.current());
}
