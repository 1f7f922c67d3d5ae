//! Who holds the keys of data at rest: the [`KeyProvider`] (few keys that guard others) and the [`Vault`]
//! (one wrapped data key per user).
//!
//! They are two seams because they fail differently. A provider changes by rotation and may live in a key
//! management service; the vault changes with every new user, and erasing one of its rows is what makes a user's
//! content unreadable. Keep both apart from the message store: a copy of the messages alone then reads nothing.

mod error;
mod key_info;
mod secret_key;
mod token_keys;
mod wrapped_key;

use crate::time::Timestamp;
use async_trait::async_trait;
use uuid::Uuid;

pub use self::error::{KeyError, KeyErrorKind};
pub use self::key_info::{KeyInfo, KeyPurpose, KeyState};
pub use self::secret_key::SecretKey;
pub use self::token_keys::{TokenKey, TokenKeyState, TokenKeys};
pub use self::wrapped_key::WrappedKey;

pub(crate) use self::secret_key::fill_random;
pub(crate) use self::token_keys::check_id;

/// A ring of key-encryption keys, the root of derived secrets, and the keys that sign tokens.
///
/// # Contract
/// * `unwrap` returns what `wrap` was given, for the same user and generation (`wrap_round_trip`).
/// * A wrapped key that was changed, or moved to another user, generation or key-encryption key, is refused with
///   `Corrupt`; one whose key-encryption key is not in the ring, with `Missing` (`wrap_is_bound`).
/// * Two wraps of one key differ, and neither shows the key (`wrap_hides_the_key`).
/// * `wrap` uses the key-encryption key that `current` names (`wrap_uses_current`).
/// * After a rotation everything wrapped before can still be unwrapped (`rotation_keeps_old_keys`).
/// * `secret` depends on the purpose and on the ring only; rotation never changes it (`secrets_survive_rotation`).
/// * A key's life goes one way, and the active key of a purpose leaves it only by being replaced
///   (`a_keys_life_goes_one_way`). What a destroyed key wrapped is refused with `Missing`.
///
/// The last four methods have defaults for a provider that is rotated where it lives, in a key management service say:
/// there the service's operator makes a new version of the key, [`current`](Self::current) names it from the next
/// [`refresh`](Self::refresh) on, and [`Keys::rewrap`](crate::builtin::keys::Keys::rewrap) brings users' keys under it.
#[async_trait]
pub trait KeyProvider: Send + Sync + 'static {
    /// Encrypts a user's data key under the current key-encryption key.
    ///
    /// # Errors
    /// `Unavailable` when the service behind the provider does not answer.
    async fn wrap(&self, user: Uuid, generation: u32, key: &SecretKey) -> Result<WrappedKey, KeyError>;

    /// Decrypts a user's data key with the key-encryption key that it names.
    ///
    /// # Errors
    /// `Missing`, `Corrupt` (see the contract), `Unavailable`.
    async fn unwrap(&self, user: Uuid, wrapped: &WrappedKey) -> Result<SecretKey, KeyError>;

    /// Names the key-encryption key that [`wrap`](Self::wrap) uses now. Never blocks.
    fn current(&self) -> String;

    /// Derives the secret of a purpose, for keyed hashes. Never blocks: a remote provider fetches its root once,
    /// when it is opened.
    fn secret(&self, purpose: &str) -> SecretKey;

    /// Returns the keys that sign and verify access tokens. Never blocks.
    fn token_keys(&self) -> TokenKeys;

    /// Returns all keys with their states, as far as the provider knows them. Never blocks.
    fn list(&self) -> Vec<KeyInfo> {
        Vec::new()
    }

    /// Takes over what was changed outside of this process.
    ///
    /// # Errors
    /// As when it was opened; then everything stays as it is.
    async fn refresh(&self) -> Result<(), KeyError> {
        Ok(())
    }

    /// Makes a new key and makes it the active one of its purpose. Durable when `Ok`.
    ///
    /// # Errors
    /// `Denied` when this provider cannot be rotated from here; `Io`, `Unavailable`.
    async fn rotate(&self, purpose: KeyPurpose, now: Timestamp) -> Result<KeyInfo, KeyError> {
        let _ = (purpose, now);
        Err(KeyError::new(KeyErrorKind::Denied, "these keys are rotated where they are kept"))
    }

    /// Moves a key that is not active on in its life. Durable when `Ok`.
    ///
    /// # Errors
    /// `Missing` when there is no such key, `Denied` when its life does not go there or not from here; `Io`,
    /// `Unavailable`.
    async fn advance(&self, id: &str, to: KeyState, now: Timestamp) -> Result<KeyInfo, KeyError> {
        let _ = (id, to, now);
        Err(KeyError::new(KeyErrorKind::Denied, "these keys are retired where they are kept"))
    }
}

/// Where the users' wrapped data keys live.
///
/// `Ok` means durable: what a call answered still holds after a power cut.
///
/// # Contract
/// * `load` returns what `create` or `replace` stored last, and `None` for a user without a key (`vault_round_trip`).
/// * `create` never overwrites: of several at once, exactly one answers `None`, the others the winner's key
///   (`vault_create_once`).
/// * `replace` changes nothing unless the stored key equals `old`; it never brings back an erased key
///   (`vault_replace_compares`).
/// * `erase` leaves no copy that `load` or `list` can see, and is `Ok` for a user without a key (`vault_erase`).
/// * `list` walks every user that stays throughout the walk exactly once, in an order of the vault's own
///   (`vault_list_is_complete`).
#[async_trait]
pub trait Vault: Send + Sync + 'static {
    /// Loads a user's wrapped key.
    ///
    /// # Errors
    /// `Corrupt`, `Io`, `Denied`, `Unavailable`; the same for every method.
    async fn load(&self, user: Uuid) -> Result<Option<WrappedKey>, KeyError>;

    /// Stores a new user's wrapped key, unless there is one already: then returns that one.
    async fn create(&self, user: Uuid, key: &WrappedKey) -> Result<Option<WrappedKey>, KeyError>;

    /// Stores `new` if the user's key still equals `old`; tells whether it did.
    async fn replace(&self, user: Uuid, old: &WrappedKey, new: &WrappedKey) -> Result<bool, KeyError>;

    /// Destroys a user's key.
    async fn erase(&self, user: Uuid) -> Result<(), KeyError>;

    /// Returns up to `limit` users that follow `after`; an empty page ends the walk.
    async fn list(&self, after: Option<Uuid>, limit: usize) -> Result<Vec<Uuid>, KeyError>;
}
