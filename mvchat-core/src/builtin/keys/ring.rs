use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::aead::{Aead, NONCE, fresh_nonce};
use super::ring_file::{KekState, RingFile};
use crate::seam::keys::{KeyError, KeyProvider, SecretKey, TokenKey, TokenKeys, WrappedKey};

/// A ring of keys held in memory, usually read from a JSON file. Cheap to clone.
///
/// # File
/// `version` 1; `root`, 32 random bytes of which only derived keys are used; `kek`, a list of
/// `{id, key, created, state: active | retired}` of which `current` names the one that wraps and the others still
/// unwrap; `signing`, a list of `{kid, key, created, state: active | verify | retired}` with exactly one active. Keys are
/// base64 of 32 bytes, times RFC 3339.
#[derive(Clone)]
pub struct Ring(Arc<Inner>);

struct Inner {
    root: SecretKey,
    keks: Vec<(String, Aead)>,
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
        Ring::from_file(RingFile::generate()?)
    }

    /// Reads a ring. Blocks; meant for start-up.
    ///
    /// # Errors
    /// `Missing` when there is no such file, `Denied` when it may not be read or others may read it too, `WeakKey`,
    /// `Corrupt`, `Io`.
    pub fn load(path: impl AsRef<Path>) -> Result<Ring, KeyError> {
        Ring::from_file(RingFile::load(path.as_ref())?)
    }

    /// Writes a new ring. The caller holds the folder's lock and made sure that there is none.
    pub(super) fn create(path: &Path) -> Result<Ring, KeyError> {
        let file = RingFile::generate()?;
        file.store(path)?;
        Ring::from_file(file)
    }

    fn from_file(file: RingFile) -> Result<Ring, KeyError> {
        let current = file.kek.iter().position(|kek| kek.id == file.current && kek.state == KekState::Active);
        let current =
            current.ok_or_else(|| KeyError::corrupt("`current` must name an active key of `kek`"))?;
        let signing = file.signing.into_iter().map(|key| TokenKey::new(key.kid, key.key, key.state));
        Ok(Ring(Arc::new(Inner {
            root: file.root,
            keks: file.kek.into_iter().map(|kek| (kek.id, Aead::new(&kek.key))).collect(),
            current,
            token_keys: TokenKeys::new(signing.collect::<Vec<_>>())?,
        })))
    }
}

#[async_trait]
impl KeyProvider for Ring {
    async fn wrap(&self, user: Uuid, generation: u32, key: &SecretKey) -> Result<WrappedKey, KeyError> {
        let (id, aead) = &self.0.keks[self.0.current];
        let nonce = fresh_nonce()?;
        let mut bytes = vec![VERSION, AES_256_GCM];
        bytes.extend_from_slice(&nonce);
        let aad = aad(&bytes, user, generation, id);
        aead.seal(&nonce, &aad, key.as_bytes(), &mut bytes);
        Ok(WrappedKey::new(id.clone(), generation, bytes))
    }

    async fn unwrap(&self, user: Uuid, wrapped: &WrappedKey) -> Result<SecretKey, KeyError> {
        let Some((id, aead)) = self.0.keks.iter().find(|(id, _)| *id == wrapped.kek) else {
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
        self.0.keks[self.0.current].0.clone()
    }

    fn secret(&self, purpose: &str) -> SecretKey {
        self.0.root.derive("mvchat secret v1", purpose.as_bytes())
    }

    fn token_keys(&self) -> TokenKeys {
        self.0.token_keys.clone()
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").field("current", &self.0.keks[self.0.current].0).finish_non_exhaustive()
    }
}

/// Everything before the id has a fixed size, so no two bindings share an encoding.
fn aad(header: &[u8], user: Uuid, generation: u32, kek: &str) -> Vec<u8> {
    [DOMAIN, header, user.as_bytes(), &generation.to_be_bytes(), kek.as_bytes()].concat()
}
