use std::fs::File;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use super::durable;
use crate::seam::keys::{
    KeyError, KeyErrorKind, KeyInfo, KeyPurpose, KeyState, SecretKey, check_id, fill_random,
};
use crate::time::Timestamp;

/// The ring as it is written down. Every key in it was found strong, every id well-formed and alone.
pub(super) struct RingFile {
    pub(super) root: SecretKey,
    pub(super) current: String,
    pub(super) kek: Vec<Kek>,
    pub(super) signing: Vec<Signing>,
}

pub(super) struct Kek {
    pub(super) id: String,
    /// `None` once it is destroyed.
    pub(super) key: Option<SecretKey>,
    pub(super) created: Timestamp,
    pub(super) changed: Timestamp,
    pub(super) state: KeyState,
}

pub(super) struct Signing {
    pub(super) kid: String,
    /// `None` once it is destroyed.
    pub(super) key: Option<SecretKey>,
    pub(super) created: Timestamp,
    pub(super) changed: Timestamp,
    pub(super) state: KeyState,
}

impl RingFile {
    /// Draws a new ring: one key of each kind.
    pub(super) fn generate(now: Timestamp) -> Result<RingFile, KeyError> {
        let (kek, signing) = (Kek::generate(now)?, Signing::generate(now)?);
        let root = SecretKey::generate()?;
        Ok(RingFile { root, current: kek.id.clone(), kek: vec![kek], signing: vec![signing] })
    }

    pub(super) fn load(path: &Path) -> Result<RingFile, KeyError> {
        let bytes = durable::read(path, |file| private_only(file, path))?
            .ok_or_else(|| KeyError::missing(format!("there is no key ring at {}", path.display())))?;
        RingFile::parse(&bytes, &path.display().to_string())
    }

    /// Reads the text of a ring; `place` says where it is from.
    pub(super) fn parse(text: &[u8], place: &str) -> Result<RingFile, KeyError> {
        // The parser's message may quote the text it stumbled over, so only the place is kept.
        let raw: Raw = serde_json::from_slice(text).map_err(|e| {
            let (line, column) = (e.line(), e.column());
            KeyError::corrupt(format!("{place} is not a key ring: see line {line}, column {column}"))
        })?;
        raw.check().map_err(|e| KeyError::new(e.kind(), format!("{place}: {e}")))
    }

    pub(super) fn store(&self, path: &Path) -> Result<(), KeyError> {
        durable::write(path, &self.text()?).map_err(|e| durable::failed("cannot write", path, e))
    }

    /// Returns the ring as it is written down: a secret.
    pub(super) fn text(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        // The capacity covers the text, so that growing leaves no unwiped copies behind.
        let capacity = 1024 + 512 * (self.kek.len() + self.signing.len());
        let mut text = Zeroizing::new(Vec::with_capacity(capacity));
        serde_json::to_writer_pretty(&mut *text, &self.raw())
            .map_err(|e| KeyError::corrupt("a key ring cannot be written").with_source(e))?;
        text.push(b'\n');
        Ok(text)
    }

    fn raw(&self) -> Raw {
        let kek = self.kek.iter().map(|kek| RawKek {
            id: kek.id.clone(),
            key: kek.key.as_ref().map(Encoded::new),
            created: kek.created.to_string(),
            changed: Some(kek.changed.to_string()),
            state: kek.state,
        });
        let signing = self.signing.iter().map(|key| RawSigning {
            kid: key.kid.clone(),
            key: key.key.as_ref().map(Encoded::new),
            created: key.created.to_string(),
            changed: Some(key.changed.to_string()),
            state: match key.state {
                KeyState::Active => SigningState::Active,
                KeyState::DecryptOnly => SigningState::Verify,
                KeyState::Retired => SigningState::Retired,
                KeyState::Destroyed => SigningState::Destroyed,
            },
        });
        Raw {
            version: VERSION,
            root: Encoded::new(&self.root),
            current: self.current.clone(),
            kek: kek.collect(),
            signing: signing.collect(),
        }
    }
}

impl Kek {
    pub(super) fn generate(now: Timestamp) -> Result<Kek, KeyError> {
        let (id, key) = (random_id("kek")?, Some(SecretKey::generate()?));
        Ok(Kek { id, key, created: now, changed: now, state: KeyState::Active })
    }

    pub(super) fn info(&self) -> KeyInfo {
        KeyInfo::new(&self.id, KeyPurpose::Wrap, self.state, self.created, self.changed)
    }
}

impl Signing {
    pub(super) fn generate(now: Timestamp) -> Result<Signing, KeyError> {
        let (kid, key) = (random_id("sig")?, Some(SecretKey::generate()?));
        Ok(Signing { kid, key, created: now, changed: now, state: KeyState::Active })
    }

    pub(super) fn info(&self) -> KeyInfo {
        KeyInfo::new(&self.kid, KeyPurpose::Sign, self.state, self.created, self.changed)
    }
}

/// Version 1 had no `changed`, no destroyed keys, and called decrypt-only keys retired.
const VERSION: u8 = 2;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    version: u8,
    root: Encoded,
    current: String,
    kek: Vec<RawKek>,
    signing: Vec<RawSigning>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKek {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Encoded>,
    created: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changed: Option<String>,
    state: KeyState,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSigning {
    kid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Encoded>,
    created: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changed: Option<String>,
    state: SigningState,
}

/// The states of a signing key in the words of the file.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SigningState {
    Active,
    Verify,
    Retired,
    Destroyed,
}

impl Raw {
    fn check(self) -> Result<RingFile, KeyError> {
        if !(1..=VERSION).contains(&self.version) {
            return Err(KeyError::corrupt("unknown version of a key ring"));
        }
        let first = self.version == 1;
        let root = self.root.decode("root")?;
        let mut kek = Vec::<Kek>::new();
        for RawKek { id, key, created, changed, state } in self.kek {
            let state = if first && state == KeyState::Retired { KeyState::DecryptOnly } else { state };
            let key = check_key(&id, key, state)?;
            let twice = |other: &Kek| other.id == id || (key.is_some() && other.key == key);
            if key.as_ref() == Some(&root) || kek.iter().any(twice) {
                return Err(KeyError::corrupt(format!("{id}: the id or the key appears twice")));
            }
            let (created, changed) = check_times(&created, changed.as_deref())?;
            kek.push(Kek { id, key, created, changed, state });
        }
        let mut signing = Vec::new();
        for RawSigning { kid, key, created, changed, state } in self.signing {
            let state = match state {
                SigningState::Active => KeyState::Active,
                SigningState::Verify => KeyState::DecryptOnly,
                SigningState::Retired => KeyState::Retired,
                SigningState::Destroyed => KeyState::Destroyed,
            };
            let key = check_key(&kid, key, state)?;
            if key.is_some() && (key.as_ref() == Some(&root) || kek.iter().any(|other| other.key == key)) {
                return Err(KeyError::corrupt(format!("{kid}: a signing key must be a key of its own")));
            }
            let (created, changed) = check_times(&created, changed.as_deref())?;
            signing.push(Signing { kid, key, created, changed, state });
        }
        Ok(RingFile { root, current: self.current, kek, signing })
    }
}

/// Reads a key that must be there unless it is destroyed, and must not be there then.
fn check_key(id: &str, key: Option<Encoded>, state: KeyState) -> Result<Option<SecretKey>, KeyError> {
    check_id(id)?;
    if key.is_none() != (state == KeyState::Destroyed) {
        return Err(KeyError::corrupt(format!("{id}: a key is missing, or was not destroyed")));
    }
    key.map(|key| key.decode(id)).transpose()
}

/// A key as base64, wiped like the key itself.
struct Encoded(Zeroizing<String>);

impl Encoded {
    fn new(key: &SecretKey) -> Encoded {
        Encoded(Zeroizing::new(STANDARD.encode(key.as_bytes())))
    }

    fn decode(&self, name: &str) -> Result<SecretKey, KeyError> {
        let bytes = Zeroizing::new(
            STANDARD
                .decode(self.0.as_bytes())
                .map_err(|_| KeyError::corrupt(format!("{name}: the key is not base64")))?,
        );
        SecretKey::from_slice(&bytes).map_err(|e| KeyError::new(e.kind(), format!("{name}: {e}")))
    }
}

impl Serialize for Encoded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Encoded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Encoded, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Encoded;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a key in base64")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Encoded, E> {
                if text.is_empty() {
                    return Err(E::custom("an empty key"));
                }
                Ok(Encoded(Zeroizing::new(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text).map_err(|_| D::Error::custom("not a key in base64"))
    }
}

fn check_times(created: &str, changed: Option<&str>) -> Result<(Timestamp, Timestamp), KeyError> {
    let read = |text: &str| {
        Timestamp::parse(text).ok_or_else(|| KeyError::corrupt("`created` must be a time in RFC 3339"))
    };
    let created = read(created)?;
    Ok((created, changed.map_or(Ok(created), read)?))
}

fn random_id(prefix: &str) -> Result<String, KeyError> {
    let mut bytes = [0; 8];
    fill_random(&mut bytes)?;
    Ok(format!("{prefix}-{:016x}", u64::from_be_bytes(bytes)))
}

/// Looks at the opened file, not at the name, so that nobody swaps it in between.
#[cfg(unix)]
fn private_only(file: &File, path: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = file.metadata().map_err(|e| durable::failed("cannot inspect", path, e))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    let detail = format!("{path} can be used by others (mode {mode:03o}): run `chmod 600 {path}`");
    Err(KeyError::new(KeyErrorKind::Denied, detail))
}

#[cfg(not(unix))]
fn private_only(_: &File, _: &Path) -> Result<(), KeyError> {
    Ok(())
}
