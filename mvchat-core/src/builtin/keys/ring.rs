use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::{Mutex, RwLock};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::aead::{Aead, NONCE, fresh_nonce};
use super::durable;
use super::ring_file::{Kek, RingFile, Signing};
use crate::builtin::SystemEnv;
use crate::seam::Env as _;
use crate::seam::keys::{
    KeyError, KeyErrorKind, KeyInfo, KeyProvider, KeyPurpose, KeyState, SecretKey, TokenKey, TokenKeyState,
    TokenKeys, WrappedKey,
};
use crate::time::Timestamp;

/// A ring of keys held in memory, read from a JSON file or from the environment. Cheap to clone; clones share the keys,
/// also when they rotate.
///
/// # File
/// `version` 2; `root`, 32 random bytes of which only derived keys are used; `kek`, a list of
/// `{id, key, created, changed, state: active | decrypt-only | retired | destroyed}` of which `current` names the one that
/// wraps; `signing`, a list of `{kid, key, created, changed, state: active | verify | retired | destroyed}` with exactly one
/// active. Keys are base64 of 32 bytes, and missing when they are destroyed; times are RFC 3339. Files of version 1 are
/// read, too.
#[derive(Clone)]
pub struct Ring(Arc<Inner>);

struct Inner {
    place: Place,
    /// Held while the ring is read or written where it is written down, so that nobody puts older keys over newer ones.
    turn: Mutex<()>,
    state: RwLock<Arc<State>>,
}

/// Where a ring is written down.
enum Place {
    Nowhere,
    File(PathBuf),
    Environment,
}

struct State {
    file: RingFile,
    keks: Vec<(String, Aead)>,
    /// The place of the one that wraps in `keks`.
    current: usize,
    token_keys: TokenKeys,
}

const VERSION: u8 = 1;
const AES_256_GCM: u8 = 1;
const HEADER: usize = 2 + NONCE;
const DOMAIN: &[u8] = b"mvchat key wrap v1\0";

impl Ring {
    /// Makes a ring that is never written down: whatever it wraps is lost with the process.
    ///
    /// # Errors
    /// `Unavailable` when the operating system's entropy source fails.
    pub fn ephemeral() -> Result<Ring, KeyError> {
        Ring::new(Place::Nowhere, RingFile::generate(SystemEnv::default().now())?)
    }

    /// Reads a ring. Blocks; meant for start-up.
    ///
    /// # Errors
    /// `Missing` when there is no such file, `Denied` when it may not be read or others may read it too, `WeakKey`,
    /// `Corrupt`, `Io`.
    pub fn load(path: impl AsRef<Path>) -> Result<Ring, KeyError> {
        let path = path.as_ref();
        Ring::new(Place::File(path.to_owned()), RingFile::load(path)?)
    }

    /// Reads a ring from an environment variable that holds the text of the file. Such a ring cannot be rotated from
    /// within: put the text that [`Ring::rotated`] makes into the variable and restart.
    ///
    /// # Errors
    /// `Missing` when there is no such variable; `WeakKey`, `Corrupt`.
    pub fn from_env(variable: &str) -> Result<Ring, KeyError> {
        let text = std::env::var(variable)
            .map_err(|_| KeyError::missing(format!("there is no variable {variable} with a key ring")))?;
        Ring::from_text(Zeroizing::new(text).as_bytes(), variable)
    }

    /// Reads a ring from the text of its file, as a secrets manager may hand it over; `place` says in errors where it is
    /// from. It cannot be rotated from within, as one [from the environment](Ring::from_env).
    ///
    /// # Errors
    /// `WeakKey`, `Corrupt`.
    pub fn from_text(text: &[u8], place: &str) -> Result<Ring, KeyError> {
        Ring::new(Place::Environment, RingFile::parse(text, place)?)
    }

    /// Draws a new ring and returns its text: a secret.
    ///
    /// # Errors
    /// `Unavailable` when the operating system's entropy source fails.
    pub fn generate() -> Result<Zeroizing<Vec<u8>>, KeyError> {
        RingFile::generate(SystemEnv::default().now())?.text()
    }

    /// Returns the text of this ring after a rotation, and leaves the ring as it is: for rings that are kept by others.
    ///
    /// # Errors
    /// `Unavailable` when the operating system's entropy source fails.
    pub fn rotated(&self, purpose: KeyPurpose, now: Timestamp) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        // A copy by way of the text, so that secrets are cloned in one place only.
        let mut file = RingFile::parse(&self.state().file.text()?, "the ring")?;
        file.rotate(purpose, now)?;
        file.text()
    }

    /// Returns the text of this ring: a secret.
    pub(super) fn text(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.state().file.text()
    }

    /// Writes a new ring. The caller holds the folder's lock and made sure that there is none.
    pub(super) fn create(path: &Path) -> Result<Ring, KeyError> {
        let file = RingFile::generate(SystemEnv::default().now())?;
        file.store(path)?;
        Ring::new(Place::File(path.to_owned()), file)
    }

    fn new(place: Place, file: RingFile) -> Result<Ring, KeyError> {
        let state = RwLock::new(Arc::new(State::new(file)?));
        Ok(Ring(Arc::new(Inner { place, turn: Mutex::new(()), state })))
    }

    fn state(&self) -> Arc<State> {
        self.0.state.read().clone()
    }

    /// Changes the ring where it is written down, then here. Whoever changes it at the same time waits.
    async fn change(
        &self,
        change: impl FnOnce(&mut RingFile) -> Result<KeyInfo, KeyError> + Send + 'static,
    ) -> Result<KeyInfo, KeyError> {
        let ring = self.clone();
        let work = move || match &ring.0.place {
            Place::Nowhere => {
                let mut state = ring.0.state.write();
                let mut file = RingFile::parse(&state.file.text()?, "the ring")?;
                let info = change(&mut file)?;
                *state = Arc::new(State::new(file)?);
                Ok(info)
            }
            Place::File(path) => {
                let _turn = ring.0.turn.lock();
                let folder = path.parent().filter(|folder| *folder != Path::new(""));
                let folder = folder.unwrap_or(Path::new("."));
                let _lock =
                    durable::lock_folder(folder).map_err(|e| durable::failed("cannot lock", folder, e))?;
                let mut file = RingFile::load(path)?;
                let info = change(&mut file)?;
                file.store(path)?;
                *ring.0.state.write() = Arc::new(State::new(file)?);
                Ok(info)
            }
            Place::Environment => Err(KeyError::new(
                KeyErrorKind::Denied,
                "this ring is kept outside: make the next one with `mvchat keys generate --after`, hand it over, restart",
            )),
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|e| KeyError::unavailable("changing a ring did not finish", e))?
    }
}

impl State {
    fn new(file: RingFile) -> Result<State, KeyError> {
        let usable = file.kek.iter().filter_map(|kek| Some((kek.id.clone(), Aead::new(kek.key.as_ref()?))));
        let keks: Vec<_> = usable.collect();
        let active = |id: &str| file.kek.iter().any(|kek| kek.id == id && kek.state == KeyState::Active);
        let current = keks.iter().position(|(id, _)| *id == file.current && active(id));
        let current =
            current.ok_or_else(|| KeyError::corrupt("`current` must name an active key of `kek`"))?;
        let signing = file.signing.iter().filter_map(|key| {
            let state = match key.state {
                KeyState::Active => TokenKeyState::Active,
                KeyState::DecryptOnly => TokenKeyState::Verify,
                _ => TokenKeyState::Retired,
            };
            Some(TokenKey::new(&key.kid, key.key.clone()?, state))
        });
        let token_keys = TokenKeys::new(signing.collect::<Vec<_>>())?;
        Ok(State { keks, current, token_keys, file })
    }
}

impl RingFile {
    /// Makes a new active key of a purpose.
    fn rotate(&mut self, purpose: KeyPurpose, now: Timestamp) -> Result<KeyInfo, KeyError> {
        match purpose {
            KeyPurpose::Wrap => {
                let new = Kek::generate(now)?;
                for old in self.kek.iter_mut().filter(|old| old.state == KeyState::Active) {
                    (old.state, old.changed) = (KeyState::DecryptOnly, now);
                }
                self.current.clone_from(&new.id);
                let info = new.info();
                self.kek.push(new);
                Ok(info)
            }
            KeyPurpose::Sign => {
                let new = Signing::generate(now)?;
                for old in self.signing.iter_mut().filter(|old| old.state == KeyState::Active) {
                    (old.state, old.changed) = (KeyState::DecryptOnly, now);
                }
                let info = new.info();
                self.signing.push(new);
                Ok(info)
            }
        }
    }

    /// Moves a key on in its life; doing it twice is doing it once.
    fn advance(&mut self, id: &str, to: KeyState, now: Timestamp) -> Result<KeyInfo, KeyError> {
        let kek = self.kek.iter_mut().find(|kek| kek.id == id);
        if let Some(kek) = kek {
            step(&mut kek.state, &mut kek.changed, &mut kek.key, to, now)?;
            return Ok(kek.info());
        }
        let signing = self.signing.iter_mut().find(|key| key.kid == id);
        let signing = signing.ok_or_else(|| KeyError::missing("there is no key of that name"))?;
        step(&mut signing.state, &mut signing.changed, &mut signing.key, to, now)?;
        Ok(signing.info())
    }
}

fn step(
    state: &mut KeyState,
    changed: &mut Timestamp,
    key: &mut Option<SecretKey>,
    to: KeyState,
    now: Timestamp,
) -> Result<(), KeyError> {
    if *state == KeyState::Active || to < *state {
        return Err(KeyError::new(
            KeyErrorKind::Denied,
            "an active key is replaced by a rotation, and no key's life goes back",
        ));
    }
    if *state != to {
        (*state, *changed) = (to, now);
    }
    if to == KeyState::Destroyed {
        *key = None;
    }
    Ok(())
}

#[async_trait]
impl KeyProvider for Ring {
    async fn wrap(&self, user: Uuid, generation: u32, key: &SecretKey) -> Result<WrappedKey, KeyError> {
        let state = self.state();
        let (id, aead) = &state.keks[state.current];
        let nonce = fresh_nonce()?;
        let mut bytes = vec![VERSION, AES_256_GCM];
        bytes.extend_from_slice(&nonce);
        let aad = aad(&bytes, user, generation, id);
        aead.seal(&nonce, &aad, key.as_bytes(), &mut bytes);
        Ok(WrappedKey::new(id.clone(), generation, bytes))
    }

    async fn unwrap(&self, user: Uuid, wrapped: &WrappedKey) -> Result<SecretKey, KeyError> {
        let state = self.state();
        let Some((id, aead)) = state.keks.iter().find(|(id, _)| *id == wrapped.kek) else {
            return Err(KeyError::missing("a user's key needs a key-encryption key that is not in the ring"));
        };
        let Some((header, text)) = wrapped.bytes.split_first_chunk::<HEADER>() else {
            return Err(KeyError::corrupt("a wrapped key is too short"));
        };
        if header[..2] != [VERSION, AES_256_GCM] {
            return Err(KeyError::corrupt("a wrapped key is of an unknown version"));
        }
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&header[2..]);
        let opened =
            aead.open(&nonce, &aad(header, user, wrapped.generation, id), text).ok_or_else(|| {
                KeyError::corrupt("a wrapped key was changed, moved, or wrapped by another ring")
            })?;
        SecretKey::from_slice(&Zeroizing::new(opened))
    }

    fn current(&self) -> String {
        self.state().file.current.clone()
    }

    fn secret(&self, purpose: &str) -> SecretKey {
        self.state().file.root.derive("mvchat secret v1", purpose.as_bytes())
    }

    fn token_keys(&self) -> TokenKeys {
        self.state().token_keys.clone()
    }

    fn list(&self) -> Vec<KeyInfo> {
        let state = self.state();
        let keks = state.file.kek.iter().map(Kek::info);
        keks.chain(state.file.signing.iter().map(Signing::info)).collect()
    }

    async fn refresh(&self) -> Result<(), KeyError> {
        let ring = self.clone();
        let work = move || {
            let Place::File(path) = &ring.0.place else { return Ok(()) };
            let _turn = ring.0.turn.lock();
            let fresh = State::new(RingFile::load(path)?)?;
            *ring.0.state.write() = Arc::new(fresh);
            Ok(())
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|e| KeyError::unavailable("reading a ring did not finish", e))?
    }

    async fn rotate(&self, purpose: KeyPurpose, now: Timestamp) -> Result<KeyInfo, KeyError> {
        self.change(move |file| file.rotate(purpose, now)).await
    }

    async fn advance(&self, id: &str, to: KeyState, now: Timestamp) -> Result<KeyInfo, KeyError> {
        let id = id.to_owned();
        self.change(move |file| file.advance(&id, to, now)).await
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").field("current", &self.state().file.current).finish_non_exhaustive()
    }
}

/// Everything before the id has a fixed size, so no two bindings share an encoding.
fn aad(header: &[u8], user: Uuid, generation: u32, kek: &str) -> Vec<u8> {
    [DOMAIN, header, user.as_bytes(), &generation.to_be_bytes(), kek.as_bytes()].concat()
}
