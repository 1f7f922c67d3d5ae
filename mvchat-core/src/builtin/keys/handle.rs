use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use parking_lot::{Mutex, RwLock};
use sha2::Sha256;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use uuid::Uuid;

use super::cache::Recent;
use super::{FileVault, MemoryVault, Ring, UserKey, durable};
use crate::seam::keys::{KeyError, KeyErrorKind, KeyProvider, SecretKey, TokenKeys, Vault, WrappedKey};

/// Everything the engine needs of keys. Cheap to clone.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), mvchat_core::seam::keys::KeyError> {
/// use mvchat_core::builtin::keys::{Context, Keys};
/// use uuid::Uuid;
///
/// let (keys, ann) = (Keys::ephemeral(), Uuid::from_u128(1));
/// keys.create_user(ann).await?;
/// let key = keys.user(ann).await?;
/// let sealed = key.seal(&Context::Email { user: ann }, b"ann@example.org");
/// assert_eq!(key.open(&Context::Email { user: ann }, &sealed)?, b"ann@example.org");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    provider: Box<dyn KeyProvider>,
    vault: Arc<dyn Vault>,
    users: Arc<Users>,
    /// Derived secrets by purpose. Purposes are literals in code, so the map is bounded by it.
    secrets: RwLock<BTreeMap<&'static str, SecretKey>>,
    /// Whoever wraps users' keys anew has the one permit.
    turn: Semaphore,
}

/// The first generation of a user's key. Nothing makes a second one yet; headers and records name it already.
const GENERATION: u32 = 1;
/// An unwrapped key with its ciphers takes up to 8 KiB.
const USERS_PER_GENERATION: usize = 2048;
/// Bounds how long this process still reads what another one erased.
const USER_LIFETIME: Duration = Duration::from_secs(600);

impl Keys {
    /// Opens the ring `dir/ring.json` and the vault `dir/vault`, creating what is missing: folders with mode 0700,
    /// files with 0600. Of several processes that start at once, one creates the ring and the others load it. Blocks;
    /// meant for start-up.
    ///
    /// # Errors
    /// `Missing` when there is no ring, but a vault with users' keys that only the lost ring can unwrap; `Denied`,
    /// `WeakKey`, `Corrupt`, `Io`.
    pub fn load_or_create(dir: impl AsRef<Path>) -> Result<Keys, KeyError> {
        let dir = dir.as_ref();
        let vault = FileVault::open(dir.join("vault"))?;
        let ring = load_or_create_ring(dir, &dir.join("vault").display().to_string(), || vault.is_empty())?;
        Ok(Keys::new(ring, vault))
    }

    /// Opens the ring `dir/ring.json`, creating it if it is missing, and keeps users' keys in a vault that is elsewhere:
    /// in a database, for example, that several nodes share. All of them need the same ring. Blocks; meant for
    /// start-up.
    ///
    /// # Errors
    /// `Missing` when there is no ring, but the vault has keys that only the lost ring can unwrap; `Denied`, `WeakKey`,
    /// `Corrupt`, `Io`, `Unavailable`.
    pub async fn load_or_create_beside(dir: impl AsRef<Path>, vault: impl Vault) -> Result<Keys, KeyError> {
        let dir = dir.as_ref();
        durable::create_folder(dir).map_err(|e| durable::failed("cannot create", dir, e))?;
        let is_empty = vault.list(None, 1).await?.is_empty();
        let ring = load_or_create_ring(dir, "the vault", || Ok(is_empty))?;
        Ok(Keys::new(ring, vault))
    }

    /// Opens the ring and the vault of a folder as they are; creates nothing but the vault's folder. Blocks; meant for
    /// start-up.
    ///
    /// # Errors
    /// `Missing` when there is no ring; `Denied`, `WeakKey`, `Corrupt`, `Io`.
    pub fn load(dir: impl AsRef<Path>) -> Result<Keys, KeyError> {
        let dir = dir.as_ref();
        let ring = Ring::load(dir.join("ring.json"))?;
        Ok(Keys::new(ring, FileVault::open(dir.join("vault"))?))
    }

    /// Makes keys that live and die with the process: for tests, and for the memory store.
    ///
    /// # Panics
    /// When the operating system's entropy source fails.
    pub fn ephemeral() -> Keys {
        // There is nothing to run on without entropy, and the kernel's generator does not fail once it is seeded.
        #[expect(clippy::expect_used, reason = "without entropy there are no keys")]
        let ring = Ring::ephemeral().expect("the system's entropy source works");
        Keys::new(ring, MemoryVault::default())
    }

    /// Puts a provider and a vault together.
    pub fn new(provider: impl KeyProvider, vault: impl Vault) -> Keys {
        Keys(Arc::new(Inner {
            provider: Box::new(provider),
            vault: Arc::new(vault),
            users: Arc::default(),
            secrets: RwLock::default(),
            turn: Semaphore::new(1),
        }))
    }

    /// Gives a user a data key, unless there is one already. Durable when `Ok`.
    ///
    /// # Errors
    /// `Io`, `Denied`, `Corrupt`, `Unavailable`.
    pub async fn create_user(&self, user: Uuid) -> Result<(), KeyError> {
        let erasures = self.0.users.erasures();
        let key = SecretKey::generate()?;
        let wrapped = self.0.provider.wrap(user, GENERATION, &key).await?;
        if self.0.vault.create(user, &wrapped).await?.is_none() {
            self.0.users.remember(UserKey::new(user, GENERATION, key), erasures);
        }
        Ok(())
    }

    /// Returns a user's data key, from the cache or the vault.
    ///
    /// # Errors
    /// `Missing` when the user never had a key or it was erased; `Corrupt`, `Io`, `Denied`, `Unavailable`.
    pub async fn user(&self, user: Uuid) -> Result<UserKey, KeyError> {
        if let Some(key) = self.cached(user) {
            return Ok(key);
        }
        let erasures = self.0.users.erasures();
        let wrapped = self.wrapped(user).await?;
        let (key, wrapped) = match self.0.provider.unwrap(user, &wrapped).await {
            Ok(key) => (key, wrapped),
            // Another process has rotated the ring, or has wrapped the key anew and given the old ring key up since it
            // was read.
            Err(error) if error.kind() == KeyErrorKind::Missing => {
                self.0.provider.refresh().await?;
                let wrapped = self.wrapped(user).await?;
                (self.0.provider.unwrap(user, &wrapped).await?, wrapped)
            }
            Err(error) => return Err(error),
        };
        let key = UserKey::new(user, wrapped.generation, key);
        self.0.users.remember(key.clone(), erasures);
        Ok(key)
    }

    async fn wrapped(&self, user: Uuid) -> Result<WrappedKey, KeyError> {
        let wrapped = self.0.vault.load(user).await?;
        wrapped.ok_or_else(|| KeyError::missing("the user has no data key: never made, or erased"))
    }

    /// Returns a user's data key if it is in the cache. Never blocks.
    pub fn cached(&self, user: Uuid) -> Option<UserKey> {
        self.0.users.get(user)
    }

    /// Destroys a user's data key: nothing that it sealed can be read again. Durable when `Ok`; runs to its end even
    /// if the caller goes away. [`UserKey`]s already handed out keep working until they are dropped, and other
    /// processes forget theirs within ten minutes or when told by [`forget`](Self::forget).
    ///
    /// # Errors
    /// `Io`, `Denied`, `Unavailable`: the key may still exist; try again.
    pub async fn erase_user(&self, user: Uuid) -> Result<(), KeyError> {
        let (vault, users) = (Arc::clone(&self.0.vault), Arc::clone(&self.0.users));
        let erase = async move {
            let erased = vault.erase(user).await;
            users.forget(user);
            erased
        };
        tokio::spawn(erase).await.map_err(|e| KeyError::unavailable("erasing a key did not finish", e))?
    }

    /// Drops a user's data key from the cache; the next use reads the vault again.
    pub fn forget(&self, user: Uuid) {
        self.0.users.forget(user);
    }

    /// Returns HMAC-SHA256 of `parts` under a secret of the ring that depends on `purpose` and survives rotation. Every
    /// part is prefixed with its length, so that ("ab", "c") and ("a", "bc") differ. Never blocks.
    pub fn mac(&self, purpose: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        let secret = self.secret(purpose);
        // HMAC takes keys of any length.
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Returns the keys that sign and verify access tokens now; a rotation changes what the next call returns.
    pub fn tokens(&self) -> TokenKeys {
        self.0.provider.token_keys()
    }

    pub(super) fn provider(&self) -> &dyn KeyProvider {
        &*self.0.provider
    }

    pub(super) fn vault(&self) -> &dyn Vault {
        &*self.0.vault
    }

    /// Waits until nobody else wraps users' keys anew.
    pub(super) async fn turn(&self) -> Result<SemaphorePermit<'_>, KeyError> {
        self.0.turn.acquire().await.map_err(|e| KeyError::unavailable("the keys are closed", e))
    }

    fn secret(&self, purpose: &'static str) -> SecretKey {
        if let Some(secret) = self.0.secrets.read().get(purpose) {
            return secret.clone();
        }
        let secret = self.0.provider.secret(purpose);
        self.0.secrets.write().insert(purpose, secret.clone());
        secret
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("current", &self.0.provider.current()).finish_non_exhaustive()
    }
}

/// The unwrapped keys of users seen lately.
///
/// `erasures` closes a race: a key that was read from the vault before an erasure must not enter the cache after it. A
/// reader notes the count before it reads, and its key is remembered only if the count is the same then. The count
/// changes under the same lock as the removal, after the vault has erased.
struct Users(Mutex<UsersState>);

struct UsersState {
    recent: Recent<Uuid, (UserKey, Instant)>,
    erasures: u64,
}

impl Users {
    fn erasures(&self) -> u64 {
        self.0.lock().erasures
    }

    fn remember(&self, key: UserKey, erasures: u64) {
        let mut state = self.0.lock();
        if state.erasures == erasures {
            state.recent.insert(key.user(), (key, Instant::now()));
        }
    }

    fn get(&self, user: Uuid) -> Option<UserKey> {
        let mut state = self.0.lock();
        let (key, since) = state.recent.get(&user)?;
        if since.elapsed() < USER_LIFETIME {
            return Some(key);
        }
        state.recent.remove(&user);
        None
    }

    fn forget(&self, user: Uuid) {
        let mut state = self.0.lock();
        state.erasures += 1;
        state.recent.remove(&user);
    }
}

impl Default for Users {
    fn default() -> Users {
        Users(Mutex::new(UsersState { recent: Recent::new(USERS_PER_GENERATION), erasures: 0 }))
    }
}

fn load_or_create_ring(
    dir: &Path,
    vault: &str,
    is_empty: impl FnOnce() -> Result<bool, KeyError>,
) -> Result<Ring, KeyError> {
    let path = dir.join("ring.json");
    let mut ring = Ring::load(&path);
    if is_missing(&ring) {
        let _lock = durable::lock_folder(dir).map_err(|e| durable::failed("cannot lock", dir, e))?;
        // Another process may have created it while this one waited for the lock.
        ring = Ring::load(&path);
        if is_missing(&ring) {
            if !is_empty()? {
                return Err(orphaned(&path, vault));
            }
            ring = Ring::create(&path);
        }
    }
    // Whoever created it may have died before the folder was synced, and users' keys will depend on it.
    durable::sync_folder(dir).map_err(|e| durable::failed("cannot sync", dir, e))?;
    ring
}

fn is_missing(ring: &Result<Ring, KeyError>) -> bool {
    ring.as_ref().is_err_and(|e| e.kind() == KeyErrorKind::Missing)
}

fn orphaned(path: &Path, vault: &str) -> KeyError {
    KeyError::missing(format!(
        "{path} is missing, but {vault} holds users' keys that only this ring can unwrap: \
         restore ring.json from a backup, or, to give up everything sealed with those keys, remove {vault}",
        path = path.display(),
    ))
}
