use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Keys;
use crate::seam::keys::{KeyError, KeyErrorKind, KeyInfo, KeyPurpose, KeyState};
use crate::time::Timestamp;

/// How long keys live: see [`Keys::tend`].
///
/// # Defaults
/// Nothing is rotated by itself, retired keys are never destroyed, tokens live for 14 days.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyPolicy {
    /// After which time the key-encryption key is replaced.
    pub rotate_wrapping: Option<Duration>,
    /// After which time the key that signs tokens is replaced.
    pub rotate_signing: Option<Duration>,
    /// How long after its replacement a signing key still verifies: as long as a token lives.
    pub token_lifetime: Duration,
    /// After which time a retired key is destroyed. A backup that is younger than this never needs one that is gone.
    pub destroy_after: Option<Duration>,
}

impl Default for KeyPolicy {
    fn default() -> Self {
        Self {
            rotate_wrapping: None,
            rotate_signing: None,
            token_lifetime: Duration::from_hours(14 * 24),
            destroy_after: None,
        }
    }
}

/// What wrapping users' keys anew has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Rewrapped {
    /// How many users' keys were looked at.
    pub seen: u64,
    /// How many of them were wrapped anew.
    pub rewrapped: u64,
    /// How many could not be unwrapped; the log names them.
    pub failed: u64,
}

/// The state of a ring and of the vault under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeyStatus {
    /// The key-encryption key that wraps now.
    pub current: String,
    /// How many users have a key.
    pub users: u64,
    /// How many users' keys each key-encryption key wraps.
    pub wraps: BTreeMap<String, u64>,
    /// The keys, as far as the provider knows them.
    pub keys: Vec<KeyInfo>,
}

/// How many users' keys are wrapped anew at the same time.
const AT_ONCE: usize = 8;
const PAGE: usize = 256;
/// How far the clocks of the nodes that verify tokens may be apart.
const SKEW: Duration = Duration::from_secs(120);

impl Keys {
    /// Makes a new key and makes it the active one. The old one still unwraps, or verifies; users' keys stay under it
    /// until [`rewrap`](Self::rewrap). Durable when `Ok`.
    ///
    /// # Errors
    /// `Denied` when the provider is rotated elsewhere; `Io`, `Unavailable`.
    pub async fn rotate(&self, purpose: KeyPurpose, now: Timestamp) -> Result<KeyInfo, KeyError> {
        self.provider().rotate(purpose, now).await
    }

    /// Wraps every user's key anew that is not under the current key-encryption key. Reads and writes go on meanwhile.
    /// Can be stopped at any time, by dropping the future or by a crash: what is done is done, and the next call does the
    /// rest. One runs at a time; another one waits. `progress` is told about every 256 users.
    ///
    /// # Errors
    /// `Io`, `Denied`, `Unavailable` when the vault or the provider fails; a single user's key that cannot be unwrapped
    /// is counted instead.
    pub async fn rewrap(&self, mut progress: impl FnMut(Rewrapped) + Send) -> Result<Rewrapped, KeyError> {
        let _turn = self.turn().await?;
        let (mut told, mut after) = (Rewrapped::default(), None);
        loop {
            let page = self.vault().list(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(told) };
            after = Some(*last);
            let mut work = stream::iter(page).map(|user| self.rewrap_user(user)).buffer_unordered(AT_ONCE);
            while let Some(done) = work.next().await {
                told.seen += 1;
                match done {
                    Ok(true) => told.rewrapped += 1,
                    Ok(false) => {}
                    Err(error) if is_of_one_user(&error) => {
                        tracing::error!(%error, "a user's key can't be wrapped anew");
                        told.failed += 1;
                    }
                    Err(error) => return Err(error),
                }
            }
            progress(told);
        }
    }

    /// Counts what each key wraps. Reads the whole vault.
    ///
    /// # Errors
    /// `Io`, `Denied`, `Unavailable`.
    pub async fn status(&self) -> Result<KeyStatus, KeyError> {
        let keys = self.provider().list();
        let mut status =
            KeyStatus { current: self.provider().current(), users: 0, wraps: BTreeMap::new(), keys };
        let mut after = None;
        loop {
            let page = self.vault().list(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(status) };
            after = Some(*last);
            let mut loads = stream::iter(page).map(|user| self.vault().load(user)).buffer_unordered(AT_ONCE);
            while let Some(loaded) = loads.next().await {
                match loaded {
                    Ok(None) => {}
                    Ok(Some(wrapped)) => {
                        status.users += 1;
                        *status.wraps.entry(wrapped.kek).or_default() += 1;
                    }
                    // Nobody knows what it needs: as long as it is there, no key is given up.
                    Err(error) if error.kind() == KeyErrorKind::Corrupt => {
                        status.users += 1;
                        *status.wraps.entry(UNREADABLE.to_owned()).or_default() += 1;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Does what is due by a policy at `now`: takes over what changed outside, replaces keys that are too old, wraps
    /// users' keys anew, retires what nothing needs any more and destroys what was retired long enough. A key is only
    /// retired or destroyed when a count over the whole vault has just found nothing under it. Returns the keys that
    /// came into another state.
    ///
    /// # Errors
    /// As [`rewrap`](Self::rewrap); what was done until then stays done, and the next call goes on.
    pub async fn tend(&self, policy: &KeyPolicy, now: Timestamp) -> Result<Vec<KeyInfo>, KeyError> {
        self.provider().refresh().await?;
        let mut changed = Vec::new();
        for (purpose, age) in
            [(KeyPurpose::Wrap, policy.rotate_wrapping), (KeyPurpose::Sign, policy.rotate_signing)]
        {
            let active = |key: &&KeyInfo| key.purpose == purpose && key.state == KeyState::Active;
            let keys = self.provider().list();
            let too_old = |key: &KeyInfo| age.is_some_and(|age| key.created + age <= now);
            if keys.iter().find(active).is_some_and(too_old) {
                changed.push(self.rotate(purpose, now).await?);
            }
        }
        let keys = self.provider().list();
        // A count reads the whole vault. A provider that lists nothing may have been rotated elsewhere.
        let counts = keys.is_empty() || keys.iter().any(|key| wants_a_count(key, policy, now));
        let status = if counts { Some(self.gathered().await?) } else { None };
        for key in keys.iter().filter(|key| key.state != KeyState::Active) {
            let to = match (key.purpose, &status) {
                (KeyPurpose::Wrap, Some(status)) => due_wrapping(key, status, policy, now),
                (KeyPurpose::Wrap, None) => None,
                (KeyPurpose::Sign, _) => due_signing(key, policy, now),
            };
            if let Some(to) = to {
                changed.push(self.provider().advance(&key.id, to, now).await?);
            }
        }
        Ok(changed)
    }

    /// Brings all users' keys under the current key, and counts.
    async fn gathered(&self) -> Result<KeyStatus, KeyError> {
        let status = self.status().await?;
        if status.wraps.keys().all(|kek| *kek == status.current) {
            return Ok(status);
        }
        self.rewrap(|_| {}).await?;
        self.status().await
    }

    /// Wraps a user's key anew, unless it is under the current key; tells whether it did.
    async fn rewrap_user(&self, user: Uuid) -> Result<bool, KeyError> {
        loop {
            let Some(old) = self.vault().load(user).await? else { return Ok(false) };
            if old.kek == self.provider().current() {
                return Ok(false);
            }
            let key = self.provider().unwrap(user, &old).await?;
            let new = self.provider().wrap(user, old.generation, &key).await?;
            // If somebody else changed or erased it meanwhile, what they did stands.
            if self.vault().replace(user, &old, &new).await? {
                return Ok(true);
            }
        }
    }
}

/// Stands in counts for key files that cannot be read; no key can have such a name.
const UNREADABLE: &str = "(unreadable)";

fn wants_a_count(key: &KeyInfo, policy: &KeyPolicy, now: Timestamp) -> bool {
    let due = key.state == KeyState::DecryptOnly || destroyed(key, policy, now).is_some();
    key.purpose == KeyPurpose::Wrap && due
}

fn due_wrapping(key: &KeyInfo, status: &KeyStatus, policy: &KeyPolicy, now: Timestamp) -> Option<KeyState> {
    if status.wraps.contains_key(&key.id) || status.wraps.contains_key(UNREADABLE) {
        return None;
    }
    match key.state {
        KeyState::DecryptOnly => Some(KeyState::Retired),
        _ => destroyed(key, policy, now),
    }
}

fn due_signing(key: &KeyInfo, policy: &KeyPolicy, now: Timestamp) -> Option<KeyState> {
    match key.state {
        KeyState::DecryptOnly => {
            (key.changed + policy.token_lifetime + SKEW <= now).then_some(KeyState::Retired)
        }
        _ => destroyed(key, policy, now),
    }
}

fn destroyed(key: &KeyInfo, policy: &KeyPolicy, now: Timestamp) -> Option<KeyState> {
    let due = |after: Duration| key.state == KeyState::Retired && key.changed + after <= now;
    policy.destroy_after.is_some_and(due).then_some(KeyState::Destroyed)
}

fn is_of_one_user(error: &KeyError) -> bool {
    matches!(error.kind(), KeyErrorKind::Corrupt | KeyErrorKind::Missing)
}
