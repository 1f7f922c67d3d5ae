use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::durable;
use crate::seam::keys::{KeyError, Vault, WrappedKey, check_id};

/// A vault of small files: `<folder>/7c/<user>.key`, where `7c` is the last byte of the user's id.
///
/// Several processes may share it. Writers take the lock of the folder (`.lock`), readers none: a file is always whole.
/// What a crash leaves beside a file is never read.
#[derive(Debug, Clone)]
pub struct FileVault {
    folder: Arc<PathBuf>,
    /// Bounds how many threads of the runtime's blocking pool wait for the disk.
    threads: Arc<Semaphore>,
}

/// The content of one file. The key in it is wrapped, so the text is no secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    version: u8,
    user: Uuid,
    generation: u32,
    kek: String,
    key: String,
}

const VERSION: u8 = 1;
const THREADS: usize = 8;

impl FileVault {
    /// Opens a vault, creating its folder if needed. Blocks briefly; meant for start-up.
    ///
    /// # Errors
    /// `Io`, `Denied`.
    pub fn open(folder: impl Into<PathBuf>) -> Result<FileVault, KeyError> {
        let folder = folder.into();
        durable::create_folder(&folder).map_err(|e| durable::failed("cannot create", &folder, e))?;
        Ok(FileVault { folder: Arc::new(folder), threads: Arc::new(Semaphore::new(THREADS)) })
    }

    /// Tells whether no user has a key. Blocks.
    pub(super) fn is_empty(&self) -> Result<bool, KeyError> {
        Ok(page(&self.folder, None, 1)?.is_empty())
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T, KeyError> + Send + 'static,
    ) -> Result<T, KeyError> {
        let folder = Arc::clone(&self.folder);
        let permit = Arc::clone(&self.threads).acquire_owned().await;
        let permit = permit.map_err(|e| KeyError::unavailable("the vault is closed", e))?;
        let work = move || {
            let _permit = permit;
            work(&folder)
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|e| KeyError::unavailable("the vault's thread did not finish", e))?
    }
}

#[async_trait]
impl Vault for FileVault {
    async fn load(&self, user: Uuid) -> Result<Option<WrappedKey>, KeyError> {
        self.blocking(move |folder| read(&file(folder, user), user)).await
    }

    async fn create(&self, user: Uuid, key: &WrappedKey) -> Result<Option<WrappedKey>, KeyError> {
        let record = encode(user, key)?;
        self.blocking(move |folder| {
            let path = file(folder, user);
            let _lock = lock(folder)?;
            if let Some(there) = read(&path, user)? {
                // Whoever wrote it may have died before the folders were synced.
                sync_above(folder, user).map_err(|e| durable::failed("cannot sync", &path, e))?;
                return Ok(Some(there));
            }
            durable::create_folder(&shard(folder, user))
                .and_then(|()| durable::write(&path, &record))
                .and_then(|()| sync_above(folder, user))
                .map_err(|e| durable::failed("cannot write", &path, e))?;
            Ok(None)
        })
        .await
    }

    async fn replace(&self, user: Uuid, old: &WrappedKey, new: &WrappedKey) -> Result<bool, KeyError> {
        let (old, record) = (old.clone(), encode(user, new)?);
        self.blocking(move |folder| {
            let path = file(folder, user);
            let _lock = lock(folder)?;
            if read(&path, user)?.as_ref() != Some(&old) {
                return Ok(false);
            }
            durable::write(&path, &record).map_err(|e| durable::failed("cannot write", &path, e))?;
            Ok(true)
        })
        .await
    }

    async fn erase(&self, user: Uuid) -> Result<(), KeyError> {
        self.blocking(move |folder| {
            let path = file(folder, user);
            let _lock = lock(folder)?;
            durable::remove(&path).map_err(|e| durable::failed("cannot remove", &path, e))
        })
        .await
    }

    async fn list(&self, after: Option<Uuid>, limit: usize) -> Result<Vec<Uuid>, KeyError> {
        self.blocking(move |folder| page(folder, after, limit)).await
    }
}

/// The last byte is random in every version of UUID that mvchat makes; the first ones of a v7 are a clock.
fn shard(folder: &Path, user: Uuid) -> PathBuf {
    folder.join(format!("{:02x}", user.as_bytes()[15]))
}

fn file(folder: &Path, user: Uuid) -> PathBuf {
    shard(folder, user).join(format!("{}.key", user.hyphenated()))
}

fn lock(folder: &Path) -> Result<fs::File, KeyError> {
    durable::lock_folder(folder).map_err(|e| durable::failed("cannot lock", folder, e))
}

fn sync_above(folder: &Path, user: Uuid) -> io::Result<()> {
    durable::sync_folder(&shard(folder, user))?;
    durable::sync_folder(folder)
}

fn encode(user: Uuid, key: &WrappedKey) -> Result<Vec<u8>, KeyError> {
    check_id(&key.kek)?;
    let record = Record {
        version: VERSION,
        user,
        generation: key.generation,
        kek: key.kek.clone(),
        key: STANDARD.encode(&key.bytes),
    };
    serde_json::to_vec(&record)
        .map_err(|e| KeyError::corrupt("a wrapped key cannot be written").with_source(e))
}

fn read(path: &Path, user: Uuid) -> Result<Option<WrappedKey>, KeyError> {
    let Some(bytes) = durable::read(path, |_| Ok(()))? else {
        return Ok(None);
    };
    let corrupt = |what: &str| KeyError::corrupt(format!("{}: {what}", path.display()));
    let record: Record =
        serde_json::from_slice(&bytes).map_err(|e| corrupt("not a key file").with_source(e))?;
    if record.version != VERSION {
        return Err(corrupt("unknown version"));
    }
    if record.user != user {
        return Err(corrupt("the key of another user"));
    }
    let key = STANDARD.decode(&record.key).map_err(|e| corrupt("not base64").with_source(e))?;
    Ok(Some(WrappedKey::new(record.kek, record.generation, key)))
}

/// Walks in the order of (last byte, id): one folder after the other, each sorted.
fn page(folder: &Path, after: Option<Uuid>, limit: usize) -> Result<Vec<Uuid>, KeyError> {
    let mut users = Vec::new();
    for byte in after.map_or(0, |user| user.as_bytes()[15])..=u8::MAX {
        if users.len() >= limit {
            break;
        }
        let shard = folder.join(format!("{byte:02x}"));
        let mut found = users_in(&shard, byte).map_err(|e| durable::failed("cannot list", &shard, e))?;
        found.retain(|user| {
            after.is_none_or(|after| user.as_bytes()[15] > after.as_bytes()[15] || *user > after)
        });
        found.sort_unstable();
        users.extend(found);
    }
    users.truncate(limit);
    Ok(users)
}

fn users_in(shard: &Path, byte: u8) -> io::Result<Vec<Uuid>> {
    let entries = match fs::read_dir(shard) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut users = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let stem = name.to_str().and_then(|name| name.strip_suffix(".key"));
        let Some(user) = stem.and_then(|stem| Uuid::try_parse(stem).ok()) else {
            continue;
        };
        if user.as_bytes()[15] == byte {
            users.push(user);
        }
    }
    Ok(users)
}
