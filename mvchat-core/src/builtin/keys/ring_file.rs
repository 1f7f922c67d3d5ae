use std::fs::File;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

use super::durable;
use crate::seam::keys::{KeyError, KeyErrorKind, SecretKey, TokenKeyState, check_id, fill_random};

/// The ring as it is written down. Every key in it was found strong, every id well-formed and alone.
pub(super) struct RingFile {
    pub(super) root: SecretKey,
    pub(super) current: String,
    pub(super) kek: Vec<Kek>,
    pub(super) signing: Vec<Signing>,
}

pub(super) struct Kek {
    pub(super) id: String,
    pub(super) key: SecretKey,
    created: String,
    pub(super) state: KekState,
}

pub(super) struct Signing {
    pub(super) kid: String,
    pub(super) key: SecretKey,
    created: String,
    pub(super) state: TokenKeyState,
}

/// What a key-encryption key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum KekState {
    /// Wraps if it is the current one, and unwraps.
    Active,
    /// Unwraps what is not wrapped anew yet.
    Retired,
}

impl RingFile {
    /// Draws a new ring: one key of each kind.
    pub(super) fn generate() -> Result<RingFile, KeyError> {
        let created = OffsetDateTime::now_utc()
            .replace_nanosecond(0)
            .map_err(|_| ())
            .and_then(|now| now.format(&Rfc3339).map_err(|_| ()))
            .map_err(|()| {
                KeyError::new(KeyErrorKind::Unavailable, "the system's clock is beyond RFC 3339")
            })?;
        let (id, kid) = (random_id("kek")?, random_id("sig")?);
        let kek = Kek {
            id: id.clone(),
            key: SecretKey::generate()?,
            created: created.clone(),
            state: KekState::Active,
        };
        let signing = Signing { kid, key: SecretKey::generate()?, created, state: TokenKeyState::Active };
        Ok(RingFile { root: SecretKey::generate()?, current: id, kek: vec![kek], signing: vec![signing] })
    }

    pub(super) fn load(path: &Path) -> Result<RingFile, KeyError> {
        let bytes = durable::read(path, |file| private_only(file, path))?
            .ok_or_else(|| KeyError::missing(format!("there is no key ring at {}", path.display())))?;
        // The parser's message may quote the text it stumbled over, so only the place is kept.
        let raw: Raw = serde_json::from_slice(&bytes).map_err(|e| {
            let (path, line, column) = (path.display(), e.line(), e.column());
            KeyError::corrupt(format!("{path} is not a key ring: see line {line}, column {column}"))
        })?;
        raw.check().map_err(|e| KeyError::new(e.kind(), format!("{}: {e}", path.display())))
    }

    pub(super) fn store(&self, path: &Path) -> Result<(), KeyError> {
        // The capacity covers the text, so that growing leaves no unwiped copies behind.
        let capacity = 1024 + 512 * (self.kek.len() + self.signing.len());
        let mut text = Zeroizing::new(Vec::with_capacity(capacity));
        serde_json::to_writer_pretty(&mut *text, &self.raw())
            .map_err(|e| KeyError::corrupt("a key ring cannot be written").with_source(e))?;
        text.push(b'\n');
        durable::write(path, &text).map_err(|e| durable::failed("cannot write", path, e))
    }

    fn raw(&self) -> Raw {
        let kek = self.kek.iter().map(|kek| RawKek {
            id: kek.id.clone(),
            key: Encoded::new(&kek.key),
            created: kek.created.clone(),
            state: kek.state,
        });
        let signing = self.signing.iter().map(|key| RawSigning {
            kid: key.kid.clone(),
            key: Encoded::new(&key.key),
            created: key.created.clone(),
            state: key.state,
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

const VERSION: u8 = 1;

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
    key: Encoded,
    created: String,
    state: KekState,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSigning {
    kid: String,
    key: Encoded,
    created: String,
    #[serde(with = "State")]
    state: TokenKeyState,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "TokenKeyState", rename_all = "lowercase")]
enum State {
    Active,
    Verify,
    Retired,
}

impl Raw {
    fn check(self) -> Result<RingFile, KeyError> {
        if self.version != VERSION {
            return Err(KeyError::corrupt("unknown version of a key ring"));
        }
        let root = self.root.decode("root")?;
        let mut kek = Vec::<Kek>::new();
        for RawKek { id, key, created, state } in self.kek {
            check_id(&id)?;
            check_time(&created)?;
            let key = key.decode(&id)?;
            if key == root || kek.iter().any(|other| other.id == id || other.key == key) {
                return Err(KeyError::corrupt(format!("{id}: the id or the key appears twice")));
            }
            kek.push(Kek { id, key, created, state });
        }
        let mut signing = Vec::new();
        for RawSigning { kid, key, created, state } in self.signing {
            check_id(&kid)?;
            check_time(&created)?;
            let key = key.decode(&kid)?;
            if key == root || kek.iter().any(|other| other.key == key) {
                return Err(KeyError::corrupt(format!("{kid}: a signing key must be a key of its own")));
            }
            signing.push(Signing { kid, key, created, state });
        }
        Ok(RingFile { root, current: self.current, kek, signing })
    }
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

fn check_time(text: &str) -> Result<(), KeyError> {
    match OffsetDateTime::parse(text, &Rfc3339) {
        Ok(_) => Ok(()),
        Err(_) => Err(KeyError::corrupt("`created` must be a time in RFC 3339")),
    }
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
