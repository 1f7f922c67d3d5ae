use std::fmt;
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::aead::{Aead, NONCE, TAG};
use super::ring_file::RingFile;
use super::{Ring, durable};
use crate::seam::keys::{
    KeyError, KeyErrorKind, KeyProvider as _, SecretKey, Vault, WrappedKey, check_id, fill_random,
};
use crate::time::Timestamp;

/// A ring and the vault under it, as they were at a time.
///
/// # File
/// The first line is JSON: `{"format":"mvchat keys backup","version":1,"made":…,"kdf":{…}}`, where `kdf` is either
/// `{"name":"argon2id","m":KiB,"t":passes,"p":lanes,"salt":base64}` or `{"name":"recovery-key","salt":base64}`. The rest
/// is AES-256-GCM in pieces of 65,536 bytes of text and 16 of tag, the last one shorter: the nonce is seven zeros, the
/// number of the piece (4 bytes, big endian), and 1 for the last one; nothing is authenticated besides. The key is
/// HKDF-SHA256 of Argon2id(passphrase) or of the recovery key, with the info `mvchat backup v1`, 0, and the first line
/// with its end; so it is another one for every file, and the first line cannot be changed. The text is JSON lines: the
/// ring's file as it is, a line for each user, and `{"users":count}` at the end.
pub struct Backup {
    ring: Ring,
    users: Vec<(Uuid, WrappedKey)>,
    made: Timestamp,
}

/// What opens a backup.
pub enum BackupSecret {
    /// Words that somebody remembers; at least 12 characters.
    Passphrase(Zeroizing<String>),
    /// A key that somebody keeps.
    RecoveryKey(SecretKey),
}

const FORMAT: &str = "mvchat keys backup";
const LABEL: &str = "mvchat backup v1";
const PIECE: usize = 65_536;
const MIN_PASSPHRASE: usize = 12;
/// What a passphrase costs whoever guesses it: 64 MiB, three passes.
const COST: (u32, u32, u32) = (64 * 1024, 3, 1);
/// The most that opening a file may cost: 1 GiB, 16 passes, 16 lanes.
const MAX_COST: (u32, u32, u32) = (1 << 20, 16, 16);
const RECOVERY: &str = "mvrk1-";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    version: u8,
    made: Timestamp,
    kdf: Kdf,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
enum Kdf {
    Argon2id { m: u32, t: u32, p: u32, salt: String },
    RecoveryKey { salt: String },
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Line {
    User { user: Uuid, generation: u32, kek: String, key: String },
    End { users: usize },
}

impl Backup {
    /// Reads a ring and its vault; both may be in use.
    ///
    /// # Errors
    /// `Io`, `Denied`, `Corrupt`, `Unavailable`.
    pub async fn read(ring: &Ring, vault: &dyn Vault, now: Timestamp) -> Result<Backup, KeyError> {
        let (mut users, mut after) = (Vec::new(), None);
        loop {
            let page = vault.list(after, 256).await?;
            let Some(last) = page.last() else { break };
            after = Some(*last);
            for user in page {
                if let Some(wrapped) = vault.load(user).await? {
                    users.push((user, wrapped));
                }
            }
        }
        // The ring comes last: a rotation meanwhile only adds keys to it.
        ring.refresh().await?;
        let ring = Ring::from_text(&ring.text()?, "the ring")?;
        Ok(Backup { ring, users, made: now })
    }

    /// Tells whether the ring unwraps every user's key.
    ///
    /// # Errors
    /// `Corrupt`, `Missing`: with the first user whose key it does not unwrap.
    pub async fn check(&self) -> Result<(), KeyError> {
        for (user, wrapped) in &self.users {
            self.ring.unwrap(*user, wrapped).await.map_err(|e| {
                KeyError::new(e.kind(), format!("the key of user {user} cannot be unwrapped: {e}"))
            })?;
        }
        Ok(())
    }

    /// Returns how many users have a key in it.
    pub fn users(&self) -> usize {
        self.users.len()
    }

    /// Returns when it was made.
    pub fn made(&self) -> Timestamp {
        self.made
    }

    /// Encrypts it. Takes a moment with a passphrase.
    ///
    /// # Errors
    /// `WeakKey` when the passphrase is too short, `Unavailable` when the entropy source or memory fails.
    pub fn seal(&self, secret: &BackupSecret) -> Result<Vec<u8>, KeyError> {
        let mut salt = [0; 16];
        fill_random(&mut salt)?;
        let salt = STANDARD.encode(salt);
        let kdf = match secret {
            BackupSecret::Passphrase(_) => {
                let (m, t, p) = COST;
                Kdf::Argon2id { m, t, p, salt }
            }
            BackupSecret::RecoveryKey(_) => Kdf::RecoveryKey { salt },
        };
        let header = Header { format: FORMAT.to_owned(), version: 1, made: self.made, kdf };
        let mut out = json(&header)?;
        out.push(b'\n');
        let cipher = cipher(&out, &header.kdf, secret)?;
        let text = self.text()?;
        let pieces = text.len().div_ceil(PIECE).max(1);
        for (number, piece) in text.chunks(PIECE).enumerate() {
            cipher.seal(&nonce(number, number + 1 == pieces)?, &[], piece, &mut out);
        }
        Ok(out)
    }

    /// Decrypts a backup and checks that it is whole. Takes a moment with a passphrase.
    ///
    /// # Errors
    /// `Denied` when the secret is not the right one, `Corrupt` when the file was changed or cut, `WeakKey`,
    /// `Unavailable`.
    pub fn open(bytes: &[u8], secret: &BackupSecret) -> Result<Backup, KeyError> {
        let foreign = || KeyError::corrupt("this is no backup of keys, or of a later version");
        let end = bytes.iter().take(4_096).position(|byte| *byte == b'\n').ok_or_else(foreign)?;
        let (first, sealed) = bytes.split_at(end + 1);
        let header: Header = serde_json::from_slice(first).map_err(|e| foreign().with_source(e))?;
        if header.format != FORMAT || header.version != 1 {
            return Err(foreign());
        }
        let cipher = cipher(first, &header.kdf, secret)?;
        let pieces = sealed.len().div_ceil(PIECE + TAG);
        let mut text = Zeroizing::new(Vec::with_capacity(sealed.len()));
        for (number, piece) in sealed.chunks(PIECE + TAG).enumerate() {
            let opened = cipher.open(&nonce(number, number + 1 == pieces)?, &[], piece);
            let opened = opened.map(Zeroizing::new).ok_or_else(|| match number {
                0 => KeyError::new(
                    KeyErrorKind::Denied,
                    "the secret is not the one that this backup was made with",
                ),
                _ => KeyError::corrupt("the backup was changed or cut"),
            })?;
            text.extend_from_slice(&opened);
        }
        let (ring, users) = parse(&text).ok_or_else(|| KeyError::corrupt("the backup was cut"))??;
        Ok(Backup { ring, users, made: header.made })
    }

    /// Writes the ring into a folder that has none and users' keys into a vault that has none, except the keys of users that were erased since, reads them
    /// back and unwraps every key. Only when that went well the ring is put in its place. Blocks now and then.
    ///
    /// # Errors
    /// `Denied` when there is a ring or a user's key already; `Io`, `Corrupt`, `Missing`.
    pub async fn restore(&self, dir: &Path, vault: &dyn Vault, without: &[Uuid]) -> Result<usize, KeyError> {
        durable::create_folder(dir).map_err(|e| durable::failed("cannot create", dir, e))?;
        let _lock = durable::lock_folder(dir).map_err(|e| durable::failed("cannot lock", dir, e))?;
        let path = dir.join("ring.json");
        if path.exists() || !vault.list(None, 1).await?.is_empty() {
            let detail = format!("{} has keys already: restore into a folder without", dir.display());
            return Err(KeyError::new(KeyErrorKind::Denied, detail));
        }
        let wanted = self.users.iter().filter(|(user, _)| !without.contains(user));
        let mut restored = 0;
        for (user, wrapped) in wanted {
            vault.create(*user, wrapped).await?;
            let back = vault.load(*user).await?;
            if back.as_ref() != Some(wrapped) {
                return Err(KeyError::corrupt(format!("the key of user {user} was not written as it was")));
            }
            self.ring.unwrap(*user, wrapped).await?;
            restored += 1;
        }
        RingFile::parse(&self.ring.text()?, "the backup")?.store(&path)?;
        Ring::load(&path)?;
        Ok(restored)
    }

    fn text(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let ring = self.ring.text()?;
        // The capacity covers the text, so that growing leaves no unwiped copies behind.
        let mut text = Zeroizing::new(Vec::with_capacity(ring.len() + 64 + 320 * self.users.len()));
        // The ring's text has line ends of its own; as compact JSON it is one line.
        let compact: Box<RawValue> = compact(&ring)?;
        text.extend_from_slice(compact.get().as_bytes());
        text.push(b'\n');
        for (user, wrapped) in &self.users {
            check_id(&wrapped.kek)?;
            let line = Line::User {
                user: *user,
                generation: wrapped.generation,
                kek: wrapped.kek.clone(),
                key: STANDARD.encode(&wrapped.bytes),
            };
            text.extend_from_slice(&json(&line)?);
            text.push(b'\n');
        }
        text.extend_from_slice(&json(&Line::End { users: self.users.len() })?);
        text.push(b'\n');
        Ok(text)
    }
}

impl fmt::Debug for Backup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Backup({} users, {})", self.users.len(), self.made)
    }
}

impl BackupSecret {
    /// Draws a recovery key and returns it with its text, which is what somebody keeps.
    ///
    /// # Errors
    /// `Unavailable` when the operating system's entropy source fails.
    pub fn generate() -> Result<(BackupSecret, Zeroizing<String>), KeyError> {
        let key = SecretKey::generate()?;
        let bytes = Zeroizing::new([&key.as_bytes()[..], &checksum(&key)].concat());
        let text = Zeroizing::new(format!("{RECOVERY}{}", URL_SAFE_NO_PAD.encode(&bytes)));
        Ok((BackupSecret::RecoveryKey(key), text))
    }

    /// Reads the text of a recovery key.
    ///
    /// # Errors
    /// `Corrupt` when it is mistyped.
    pub fn recovery_key(text: &str) -> Result<BackupSecret, KeyError> {
        let mistyped = || KeyError::corrupt("this is no recovery key, or it is mistyped");
        let text = text.trim().strip_prefix(RECOVERY).ok_or_else(mistyped)?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).map_err(|_| mistyped())?);
        let (key, sum) = bytes.split_last_chunk::<4>().ok_or_else(mistyped)?;
        let key = SecretKey::from_slice(key).map_err(|_| mistyped())?;
        if *sum != checksum(&key) {
            return Err(mistyped());
        }
        Ok(BackupSecret::RecoveryKey(key))
    }
}

impl fmt::Debug for BackupSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackupSecret(…)")
    }
}

fn checksum(key: &SecretKey) -> [u8; 4] {
    let digest = Sha256::new().chain_update("mvchat recovery key\0").chain_update(key.as_bytes()).finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

fn cipher(first_line: &[u8], kdf: &Kdf, secret: &BackupSecret) -> Result<Aead, KeyError> {
    let key = match (kdf, secret) {
        (Kdf::Argon2id { m, t, p, salt }, BackupSecret::Passphrase(words)) => {
            stretch(words, salt, (*m, *t, *p))?
        }
        (Kdf::RecoveryKey { .. }, BackupSecret::RecoveryKey(key)) => key.clone(),
        (Kdf::Argon2id { .. }, _) => return Err(other("a passphrase")),
        (Kdf::RecoveryKey { .. }, _) => return Err(other("a recovery key")),
    };
    Ok(Aead::new(&key.derive(LABEL, first_line)))
}

fn other(wanted: &str) -> KeyError {
    KeyError::new(KeyErrorKind::Denied, format!("this backup was made with {wanted}"))
}

fn stretch(words: &str, salt: &str, cost: (u32, u32, u32)) -> Result<SecretKey, KeyError> {
    if words.chars().count() < MIN_PASSPHRASE {
        return Err(KeyError::new(KeyErrorKind::WeakKey, "a passphrase must have 12 characters or more"));
    }
    let (m, t, p) = cost;
    if m > MAX_COST.0 || t > MAX_COST.1 || p > MAX_COST.2 {
        return Err(KeyError::corrupt("opening this backup would cost more than any that we make"));
    }
    let salt =
        STANDARD.decode(salt).map_err(|_| KeyError::corrupt("the salt of the backup is not base64"))?;
    let failed =
        |e: argon2::Error| KeyError::new(KeyErrorKind::Unavailable, "Argon2id failed").with_source(e);
    let params = Params::new(m, t, p, Some(32)).map_err(failed)?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(words.as_bytes(), &salt, key.as_mut())
        .map_err(failed)?;
    SecretKey::from_slice(key.as_ref())
}

fn nonce(number: usize, last: bool) -> Result<[u8; NONCE], KeyError> {
    let number = u32::try_from(number).map_err(|_| KeyError::corrupt("the backup is too long"))?;
    let mut nonce = [0; NONCE];
    nonce[7..11].copy_from_slice(&number.to_be_bytes());
    nonce[11] = u8::from(last);
    Ok(nonce)
}

/// Reads the text of a backup; `None` if its last line is missing.
#[expect(clippy::type_complexity, reason = "what a backup is made of, once")]
fn parse(text: &[u8]) -> Option<Result<(Ring, Vec<(Uuid, WrappedKey)>), KeyError>> {
    let mut lines = text.strip_suffix(b"\n")?.split(|byte| *byte == b'\n');
    let ring = match Ring::from_text(lines.next()?, "the ring of the backup") {
        Ok(ring) => ring,
        Err(error) => return Some(Err(error)),
    };
    let mut users = Vec::new();
    for line in lines.by_ref() {
        match serde_json::from_slice(line).ok()? {
            Line::User { user, generation, kek, key } => {
                users.push((user, WrappedKey::new(kek, generation, STANDARD.decode(key).ok()?)));
            }
            Line::End { users: count } if count == users.len() => {
                return lines.next().is_none().then_some(Ok((ring, users)));
            }
            Line::End { .. } => return None,
        }
    }
    None
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, KeyError> {
    serde_json::to_vec(value).map_err(|e| KeyError::corrupt("a backup cannot be written").with_source(e))
}

/// Takes the line ends out of JSON that has none within texts.
fn compact(text: &[u8]) -> Result<Box<RawValue>, KeyError> {
    let failed = || KeyError::corrupt("a ring cannot be written");
    let line: String =
        std::str::from_utf8(text).map_err(|_| failed())?.lines().map(str::trim_start).collect();
    RawValue::from_string(line).map_err(|_| failed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::keys::{Context, FileVault, Keys};
    use crate::seam::keys::KeyPurpose;

    const MADE: Timestamp = Timestamp::from_micros(1_000_000);

    fn user(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn words(text: &str) -> BackupSecret {
        BackupSecret::Passphrase(Zeroizing::new(text.to_owned()))
    }

    /// A folder of keys with so many users, and what was sealed for each.
    async fn filled(dir: &Path, users: u128) -> (Keys, Vec<Vec<u8>>) {
        let keys = Keys::load_or_create(dir).unwrap();
        let mut sealed = Vec::new();
        for n in 0..users {
            keys.create_user(user(n)).await.unwrap();
            sealed.push(keys.user(user(n)).await.unwrap().seal(&Context::Email { user: user(n) }, b"text"));
        }
        (keys, sealed)
    }

    async fn read(dir: &Path) -> Backup {
        let ring = Ring::load(dir.join("ring.json")).unwrap();
        Backup::read(&ring, &FileVault::open(dir.join("vault")).unwrap(), MADE).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_lost_comes_back() {
        let (dir, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        // More than one piece.
        let (keys, sealed) = filled(dir.path(), 400).await;
        keys.rotate(KeyPurpose::Wrap, MADE).await.unwrap();
        let backup = read(dir.path()).await;
        backup.check().await.unwrap();
        let (secret, text) = BackupSecret::generate().unwrap();
        let file = backup.seal(&secret).unwrap();
        assert!(file.len() > PIECE);
        drop(keys);
        let again = Backup::open(&file, &BackupSecret::recovery_key(&text).unwrap()).unwrap();
        assert_eq!((again.users(), again.made()), (400, MADE));
        let vault = FileVault::open(to.path().join("vault")).unwrap();
        assert_eq!(again.restore(to.path(), &vault, &[user(7)]).await.unwrap(), 399);
        let keys = Keys::load(to.path()).unwrap();
        for n in 0..400 {
            let found = keys.user(user(n)).await;
            match n {
                7 => assert_eq!(found.unwrap_err().kind(), KeyErrorKind::Missing),
                _ => {
                    let context = Context::Email { user: user(n) };
                    assert_eq!(found.unwrap().open(&context, &sealed[n as usize]).unwrap(), b"text");
                }
            }
        }
        assert_eq!(again.restore(to.path(), &vault, &[]).await.unwrap_err().kind(), KeyErrorKind::Denied);
        // Rotation goes on where it was.
        keys.rewrap(|_| {}).await.unwrap();
    }

    #[tokio::test]
    async fn only_the_right_words_open_it() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), 2).await;
        let backup = read(dir.path()).await;
        let file = backup.seal(&words("correct horse battery")).unwrap();
        assert_eq!(Backup::open(&file, &words("correct horse battery")).unwrap().users(), 2);
        let refusal = |secret: &BackupSecret| Backup::open(&file, secret).unwrap_err().kind();
        assert_eq!(refusal(&words("correct horse batterz")), KeyErrorKind::Denied);
        assert_eq!(refusal(&BackupSecret::generate().unwrap().0), KeyErrorKind::Denied);
        assert_eq!(backup.seal(&words("too short")).unwrap_err().kind(), KeyErrorKind::WeakKey);
        // No key is in it as it is, nor is the ring's text.
        let ring = std::fs::read_to_string(dir.path().join("ring.json")).unwrap();
        for part in ring.split('"').filter(|part| part.len() > 12) {
            assert!(!String::from_utf8_lossy(&file).contains(part), "{part}");
        }
    }

    #[tokio::test]
    async fn every_change_and_every_cut_is_found() {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), 400).await;
        let (secret, _) = BackupSecret::generate().unwrap();
        let file = read(dir.path()).await.seal(&secret).unwrap();
        let header = file.iter().position(|byte| *byte == b'\n').unwrap();
        for at in (0..=header).chain((header..file.len()).step_by(997)) {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(Backup::open(&changed, &secret).is_err(), "byte {at}");
        }
        for length in [0, header, header + 1, header + 1 + PIECE + TAG, file.len() - 1] {
            assert!(Backup::open(&file[..length], &secret).is_err(), "cut at {length}");
        }
        // A file that asks for all the memory there is.
        let costly = br#"{"format":"mvchat keys backup","version":1,"made":"2026-01-01T00:00:00Z","kdf":{"name":"argon2id","m":4294967295,"t":1,"p":1,"salt":"AAAAAAAAAAAAAAAAAAAAAA=="}}
x"#;
        let refused = Backup::open(costly, &words("correct horse battery")).unwrap_err();
        assert_eq!(refused.kind(), KeyErrorKind::Corrupt);
    }

    #[test]
    fn mistyped_recovery_keys_are_found() {
        let (_, text) = BackupSecret::generate().unwrap();
        assert!(BackupSecret::recovery_key(&format!(" {}\n", *text)).is_ok());
        for wrong in
            [text.replace("mvrk1-", "mvrk2-"), text[..text.len() - 2].to_owned(), text.to_uppercase()]
        {
            assert!(BackupSecret::recovery_key(&wrong).is_err(), "{wrong}");
        }
    }
}
