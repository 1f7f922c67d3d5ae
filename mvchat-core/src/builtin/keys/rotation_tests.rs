//! Rotation: nothing that was readable stops being readable, and nothing lives on that should not.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Context, FileVault, KeyPolicy, Keys, MemoryVault, Rewrapped, Ring};
use crate::builtin::token::{Claims, TokenError, TokenSigner};
use crate::seam::keys::{
    KeyError, KeyErrorKind, KeyProvider, KeyPurpose, KeyState, SecretKey, Vault, WrappedKey,
};
use crate::time::Timestamp;

const DAY: Duration = Duration::from_hours(24);

fn user(n: u128) -> Uuid {
    Uuid::from_u128(n.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
}

fn email(n: u128) -> Context {
    Context::Email { user: user(n) }
}

async fn sealed_for(keys: &Keys, n: u128) -> Vec<u8> {
    keys.create_user(user(n)).await.unwrap();
    keys.user(user(n)).await.unwrap().seal(&email(n), b"text")
}

async fn opens(keys: &Keys, n: u128, sealed: &[u8]) -> bool {
    // What is cached would open without the ring.
    keys.forget(user(n));
    keys.user(user(n)).await.unwrap().open(&email(n), sealed).unwrap() == b"text"
}

/// Readers read and writers write while the ring rotates several times; nothing fails.
async fn rotation_under_load(keys: Keys) {
    const USERS: u128 = 120;
    let now = Timestamp::from_micros(1);
    let mut sealed = Vec::new();
    for n in 0..USERS {
        sealed.push(sealed_for(&keys, n).await);
    }
    let (sealed, done, reads) =
        (Arc::new(sealed), Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut tasks = Vec::new();
    for reader in 0..4 {
        let (keys, sealed, done, reads) = (keys.clone(), sealed.clone(), done.clone(), reads.clone());
        tasks.push(tokio::spawn(async move {
            let mut n = reader * 31;
            while !done.load(Ordering::Acquire) {
                n = (n + 7) % USERS;
                assert!(opens(&keys, n, &sealed[n as usize]).await);
                reads.fetch_add(1, Ordering::AcqRel);
                tokio::task::yield_now().await;
            }
        }));
    }
    for writer in 1..3_u128 {
        let (keys, done) = (keys.clone(), done.clone());
        tasks.push(tokio::spawn(async move {
            let mut n = writer * 1_000_000;
            while !done.load(Ordering::Acquire) {
                n += 1;
                let text = sealed_for(&keys, n).await;
                assert!(opens(&keys, n, &text).await);
                tokio::task::yield_now().await;
            }
        }));
    }
    let policy = KeyPolicy { destroy_after: Some(Duration::ZERO), ..KeyPolicy::default() };
    for round in 0..3 {
        let before = reads.load(Ordering::Acquire);
        keys.rotate(KeyPurpose::Wrap, now).await.unwrap();
        keys.rotate(KeyPurpose::Sign, now).await.unwrap();
        keys.rewrap(|_| {}).await.unwrap();
        // Once retires, twice destroys.
        keys.tend(&policy, now).await.unwrap();
        keys.tend(&policy, now).await.unwrap();
        while reads.load(Ordering::Acquire) < before + 20 {
            tokio::task::yield_now().await;
        }
        assert!(round < 3);
    }
    done.store(true, Ordering::Release);
    for task in tasks {
        task.await.unwrap();
    }
    keys.rewrap(|_| {}).await.unwrap();
    let status = keys.status().await.unwrap();
    assert_eq!(status.wraps.keys().collect::<Vec<_>>(), [&status.current]);
    assert!(status.users > USERS as u64);
    for n in 0..USERS {
        assert!(opens(&keys, n, &sealed[n as usize]).await);
    }
    let destroyed = status.keys.iter().filter(|key| key.state == KeyState::Destroyed).count();
    assert!(destroyed > 0, "{:?}", status.keys);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_fails_while_the_ring_rotates_in_memory() {
    rotation_under_load(Keys::ephemeral()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_fails_while_the_ring_rotates_in_files() {
    let dir = tempfile::tempdir().unwrap();
    rotation_under_load(Keys::load_or_create(dir.path()).unwrap()).await;
}

/// A vault that fails after so many replacements.
struct Failing(Arc<MemoryVault>, AtomicU64);

#[async_trait]
impl Vault for Failing {
    async fn load(&self, user: Uuid) -> Result<Option<WrappedKey>, KeyError> {
        self.0.load(user).await
    }

    async fn create(&self, user: Uuid, key: &WrappedKey) -> Result<Option<WrappedKey>, KeyError> {
        self.0.create(user, key).await
    }

    async fn replace(&self, user: Uuid, old: &WrappedKey, new: &WrappedKey) -> Result<bool, KeyError> {
        let left = self.1.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
        left.map_err(|_| KeyError::new(KeyErrorKind::Io, "the disk is full"))?;
        self.0.replace(user, old, new).await
    }

    async fn erase(&self, user: Uuid) -> Result<(), KeyError> {
        self.0.erase(user).await
    }

    async fn list(&self, after: Option<Uuid>, limit: usize) -> Result<Vec<Uuid>, KeyError> {
        self.0.list(after, limit).await
    }
}

#[tokio::test]
async fn a_rotation_that_was_interrupted_goes_on_where_it_was() {
    let (ring, vault) = (Ring::ephemeral().unwrap(), Arc::new(MemoryVault::default()));
    let keys = Keys::new(ring.clone(), Failing(vault.clone(), AtomicU64::new(40)));
    let mut sealed = Vec::new();
    for n in 0..100 {
        sealed.push(sealed_for(&keys, n).await);
    }
    keys.rotate(KeyPurpose::Wrap, Timestamp::from_micros(1)).await.unwrap();
    assert_eq!(keys.rewrap(|_| {}).await.unwrap_err().kind(), KeyErrorKind::Io);
    let half = keys.status().await.unwrap();
    assert_eq!((half.users, half.wraps[&half.current]), (100, 40));
    for n in 0..100 {
        assert!(opens(&keys, n, &sealed[n as usize]).await);
    }
    let keys = Keys::new(ring, Failing(vault, AtomicU64::new(1_000)));
    let mut told = Vec::new();
    let rest = keys.rewrap(|progress| told.push(progress)).await.unwrap();
    assert_eq!(rest, Rewrapped { seen: 100, rewrapped: 60, failed: 0 });
    assert_eq!(told, [rest]);
    assert_eq!(keys.rewrap(|_| {}).await.unwrap().rewrapped, 0);
}

#[tokio::test]
async fn an_erased_users_key_does_not_come_back_by_a_rotation() {
    let keys = Keys::ephemeral();
    sealed_for(&keys, 1).await;
    keys.erase_user(user(1)).await.unwrap();
    keys.rotate(KeyPurpose::Wrap, Timestamp::from_micros(1)).await.unwrap();
    assert_eq!(keys.rewrap(|_| {}).await.unwrap(), Rewrapped::default());
    assert_eq!(keys.user(user(1)).await.unwrap_err().kind(), KeyErrorKind::Missing);
}

/// One damaged file must neither stop the rotation nor cost the key that it may need.
#[tokio::test]
async fn what_cannot_be_wrapped_anew_keeps_its_key_alive() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::load_or_create(dir.path()).unwrap();
    let sealed = sealed_for(&keys, 1).await;
    sealed_for(&keys, 2).await;
    let file = key_file(dir.path(), 2);
    let good = std::fs::read(&file).unwrap();
    std::fs::write(&file, b"{").unwrap();
    let old = keys.rotate(KeyPurpose::Wrap, Timestamp::from_micros(1)).await.unwrap();
    assert_eq!(keys.rewrap(|_| {}).await.unwrap(), Rewrapped { seen: 2, rewrapped: 1, failed: 1 });
    let policy = KeyPolicy { destroy_after: Some(Duration::ZERO), ..KeyPolicy::default() };
    assert_eq!(keys.tend(&policy, old.created + DAY).await.unwrap(), []);
    assert!(opens(&keys, 1, &sealed).await);
    std::fs::write(&file, good).unwrap();
    keys.user(user(2)).await.unwrap();
}

fn key_file(dir: &Path, n: u128) -> std::path::PathBuf {
    let user = user(n);
    dir.join("vault").join(format!("{:02x}", user.as_bytes()[15])).join(format!("{user}.key"))
}

#[tokio::test]
async fn a_policy_takes_keys_through_their_lives() {
    let keys = Keys::ephemeral();
    let sealed = sealed_for(&keys, 1).await;
    let first = keys.status().await.unwrap();
    let start = first.keys[0].created;
    let policy = KeyPolicy {
        rotate_wrapping: Some(90 * DAY),
        rotate_signing: Some(30 * DAY),
        token_lifetime: 14 * DAY,
        destroy_after: Some(30 * DAY),
    };
    let states = async |days: u32| {
        let changed = keys.tend(&policy, start + days * DAY).await.unwrap();
        let again = keys.tend(&policy, start + days * DAY).await.unwrap();
        assert!(opens(&keys, 1, &sealed).await);
        (changed.len(), again.len())
    };
    assert_eq!(states(29).await, (0, 0));
    // The signing key is replaced; what it signed is verified for two weeks more.
    assert_eq!(states(30).await, (1, 0));
    assert_eq!(states(44).await, (0, 0));
    assert_eq!(states(45).await, (1, 0));
    // The second signing key; the first one is destroyed 30 days after it was retired.
    assert_eq!(states(60).await, (1, 0));
    assert_eq!(states(75).await, (2, 0));
    // Both purposes are due; the old key-encryption key is retired at once, because nothing is left under it.
    assert_eq!(states(90).await, (3, 0));
    let old = &first.keys[0].id;
    let state_of = async || {
        let keys = keys.status().await.unwrap().keys;
        keys.into_iter().find(|key| key.id == *old).unwrap().state
    };
    assert_eq!(state_of().await, KeyState::Retired);
    states(119).await;
    assert_eq!(state_of().await, KeyState::Retired);
    states(120).await;
    assert_eq!(state_of().await, KeyState::Destroyed);
}

#[tokio::test]
async fn a_keys_life_goes_one_way() {
    let dir = tempfile::tempdir().unwrap();
    drop(Keys::load_or_create(dir.path()).unwrap());
    let ring = Ring::load(dir.path().join("ring.json")).unwrap();
    let now = Timestamp::from_micros(5_000_000);
    let wrapped = ring.wrap(user(1), 1, &SecretKey::generate().unwrap()).await.unwrap();
    let first = ring.current();
    let refused = async |to| ring.advance(&first, to, now).await.unwrap_err().kind();
    for to in [KeyState::Active, KeyState::DecryptOnly, KeyState::Retired, KeyState::Destroyed] {
        assert_eq!(refused(to).await, KeyErrorKind::Denied, "an active key");
    }
    let second = ring.rotate(KeyPurpose::Wrap, now).await.unwrap();
    assert_eq!((ring.current(), second.created), (second.id.clone(), now));
    ring.advance(&first, KeyState::Retired, now).await.unwrap();
    assert_eq!(refused(KeyState::DecryptOnly).await, KeyErrorKind::Denied);
    ring.unwrap(user(1), &wrapped).await.unwrap();
    ring.advance(&first, KeyState::Destroyed, now).await.unwrap();
    assert_eq!(refused(KeyState::Retired).await, KeyErrorKind::Denied);
    assert_eq!(ring.unwrap(user(1), &wrapped).await.unwrap_err().kind(), KeyErrorKind::Missing);
    assert_eq!(
        ring.advance("kek-x", KeyState::Retired, now).await.unwrap_err().kind(),
        KeyErrorKind::Missing
    );
    // The file says the same, and holds nothing of the destroyed key.
    let again = Ring::load(dir.path().join("ring.json")).unwrap();
    assert_eq!(again.list(), ring.list());
    let text = std::fs::read_to_string(dir.path().join("ring.json")).unwrap();
    let entry = &text[text.find(&first).unwrap()..];
    assert!(!entry[..entry.find('}').unwrap()].contains("\"key\""), "{text}");
}

#[tokio::test]
async fn another_process_follows_a_rotation() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Keys::load_or_create(dir.path()).unwrap(), Keys::load(dir.path()).unwrap());
    let sealed = sealed_for(&ours, 1).await;
    let now = Timestamp::from_micros(1);
    ours.rotate(KeyPurpose::Wrap, now).await.unwrap();
    ours.rewrap(|_| {}).await.unwrap();
    // It learns of the new key when it first needs it.
    assert!(opens(&theirs, 1, &sealed).await);
    // Both rotate without losing what the other one did.
    theirs.rotate(KeyPurpose::Sign, now).await.unwrap();
    ours.rotate(KeyPurpose::Wrap, now).await.unwrap();
    let keys = Keys::load(dir.path()).unwrap().status().await.unwrap().keys;
    assert_eq!(keys.len(), 3 + 2);
}

#[tokio::test]
async fn a_new_key_signs_and_old_tokens_stay_valid_until_their_end() {
    let keys = Keys::ephemeral();
    let signer = TokenSigner::new(keys.clone(), "issuer", "audience");
    let (sub, start) = (user(1), keys.status().await.unwrap().keys[0].created);
    let claims = |at: Timestamp| Claims {
        iss: "issuer".to_owned(),
        aud: "audience".to_owned(),
        sub,
        sid: sub,
        iat: at.as_secs(),
        exp: (at + 14 * DAY).as_secs(),
        jti: sub,
    };
    let policy = KeyPolicy { destroy_after: Some(DAY), ..KeyPolicy::default() };
    let old = signer.sign(&claims(start));
    keys.rotate(KeyPurpose::Sign, start).await.unwrap();
    let new = signer.sign(&claims(start));
    assert_ne!(old.split('.').next(), new.split('.').next(), "the header names the new key");
    let at = |at: Timestamp| at.as_secs();
    for (days, expected) in [(0, true), (13, true), (14, false)] {
        keys.tend(&policy, start + days * DAY).await.unwrap();
        assert_eq!(signer.verify(&old, at(start + days * DAY)).is_ok(), expected, "day {days}");
        assert_eq!(signer.verify(&new, at(start + days * DAY)).is_ok(), expected, "day {days}");
    }
    keys.tend(&policy, start + 15 * DAY).await.unwrap();
    assert_eq!(signer.verify(&old, at(start)), Err(TokenError::Invalid), "its key is retired");
    assert!(signer.verify(&new, at(start)).is_ok());
}

#[tokio::test]
async fn rings_that_are_kept_outside_rotate_outside() {
    let text = Ring::generate().unwrap();
    let ring = Ring::from_text(&text, "the secret").unwrap();
    let vault = Arc::new(MemoryVault::default());
    let keys = Keys::new(ring.clone(), Failing(vault.clone(), AtomicU64::new(100)));
    let sealed = sealed_for(&keys, 1).await;
    let now = Timestamp::from_micros(1);
    assert_eq!(keys.rotate(KeyPurpose::Wrap, now).await.unwrap_err().kind(), KeyErrorKind::Denied);
    let next = Ring::from_text(&ring.rotated(KeyPurpose::Wrap, now).unwrap(), "the secret").unwrap();
    assert_ne!(next.current(), ring.current());
    let keys = Keys::new(next, Failing(vault, AtomicU64::new(100)));
    assert!(opens(&keys, 1, &sealed).await);
    assert_eq!(keys.rewrap(|_| {}).await.unwrap().rewrapped, 1);
    assert!(opens(&keys, 1, &sealed).await);
    let missing = Ring::from_env("MVCHAT_TEST_NO_SUCH_VARIABLE").unwrap_err();
    assert_eq!(missing.kind(), KeyErrorKind::Missing);
}

#[tokio::test]
async fn a_provider_that_rotates_elsewhere_needs_five_methods() {
    /// As a key management service would look from here.
    struct Remote(Ring);

    #[async_trait]
    impl KeyProvider for Remote {
        async fn wrap(&self, user: Uuid, generation: u32, key: &SecretKey) -> Result<WrappedKey, KeyError> {
            self.0.wrap(user, generation, key).await
        }

        async fn unwrap(&self, user: Uuid, wrapped: &WrappedKey) -> Result<SecretKey, KeyError> {
            self.0.unwrap(user, wrapped).await
        }

        fn current(&self) -> String {
            self.0.current()
        }

        fn secret(&self, purpose: &str) -> SecretKey {
            self.0.secret(purpose)
        }

        fn token_keys(&self) -> crate::seam::keys::TokenKeys {
            self.0.token_keys()
        }
    }

    let service = Ring::ephemeral().unwrap();
    let keys = Keys::new(Remote(service.clone()), MemoryVault::default());
    let sealed = sealed_for(&keys, 1).await;
    let now = Timestamp::from_micros(1);
    assert_eq!(keys.rotate(KeyPurpose::Wrap, now).await.unwrap_err().kind(), KeyErrorKind::Denied);
    service.rotate(KeyPurpose::Wrap, now).await.unwrap();
    // What is due is to bring users' keys under the new one.
    assert_eq!(keys.tend(&KeyPolicy::default(), now).await.unwrap(), []);
    let status = keys.status().await.unwrap();
    assert_eq!((status.current.clone(), status.wraps[&status.current]), (service.current(), 1));
    assert!(opens(&keys, 1, &sealed).await);
}

#[tokio::test]
async fn file_vaults_and_rings_fit_together() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::new(Ring::ephemeral().unwrap(), FileVault::open(dir.path()).unwrap());
    let sealed = sealed_for(&keys, 1).await;
    keys.rotate(KeyPurpose::Wrap, Timestamp::from_micros(1)).await.unwrap();
    assert_eq!(keys.rewrap(|_| {}).await.unwrap().rewrapped, 1);
    assert!(opens(&keys, 1, &sealed).await);
}
