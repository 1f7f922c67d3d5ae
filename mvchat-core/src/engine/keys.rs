//! Looking after the keys of data at rest while the server runs.

use super::chat::Chat;
use crate::builtin::keys::{KeyPolicy, KeyStatus, Rewrapped};
use crate::error::Result;
use crate::seam::audit::{AuditEvent, AuditKind, AuditResult};
use crate::seam::keys::{KeyError, KeyInfo, KeyPurpose, KeyState};
use std::time::Duration;

impl Chat {
    /// Replaces the active key of a purpose; for the key-encryption key, wraps every user's key anew. Nothing stops
    /// meanwhile, and what an interruption leaves is done by the next call, or by [`tend_keys`](Self::tend_keys).
    /// `progress` is told about every 256 users.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn rotate_keys(
        &self,
        purpose: KeyPurpose,
        progress: impl FnMut(Rewrapped) + Send,
    ) -> Result<(KeyInfo, Rewrapped)> {
        let inner = &self.0;
        let key = self.noting(inner.keys.rotate(purpose, inner.env.now()).await)?;
        self.note_key(&key);
        let rewrapped = match purpose {
            KeyPurpose::Wrap => self.noting(inner.keys.rewrap(progress).await)?,
            KeyPurpose::Sign => Rewrapped::default(),
        };
        Ok((key, rewrapped))
    }

    /// Does what is due by a policy; see [`Keys::tend`](crate::Keys::tend). Meant to be called every hour or so. The
    /// lifetime of tokens is taken from this server's limits if it is longer.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn tend_keys(&self, policy: &KeyPolicy) -> Result<Vec<KeyInfo>> {
        let inner = &self.0;
        let mut policy = policy.clone();
        let lifetime = Duration::from_secs(inner.limits.token_lifetime);
        policy.token_lifetime = policy.token_lifetime.max(lifetime);
        let changed = self.noting(inner.keys.tend(&policy, inner.env.now()).await)?;
        changed.iter().for_each(|key| self.note_key(key));
        Ok(changed)
    }

    /// Counts what each key wraps. Reads the whole vault.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn key_status(&self) -> Result<KeyStatus> {
        Ok(self.0.keys.status().await?)
    }

    fn note_key(&self, key: &KeyInfo) {
        let state = match key.state {
            KeyState::Active => "active",
            KeyState::DecryptOnly => "decrypt-only",
            KeyState::Retired => "retired",
            KeyState::Destroyed => "destroyed",
        };
        tracing::info!(key = key.id, state, "a key of the ring came into another state");
        let event = AuditEvent::new(AuditKind::KeyRotated, self.0.env.now());
        self.audit(event.object(&key.id).reason(state));
    }

    /// Tells the audit log of what failed.
    fn noting<T>(&self, result: Result<T, KeyError>) -> Result<T> {
        if let Err(error) = &result {
            tracing::error!(?error, "the keys can't be looked after");
            let event = AuditEvent::new(AuditKind::KeyRotated, self.0.env.now());
            self.audit(event.result(AuditResult::Failure).reason("failed"));
        }
        Ok(result?)
    }
}
