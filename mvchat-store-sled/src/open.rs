//! Opening the files in the right order.

use crate::disk::Disk;
use crate::error::{from_sled, internal, unavailable};
use crate::hot::Hot;
use crate::keys::{Key, META};
use crate::options::{MOST_BYTES, SledOptions};
use crate::queue::Queue;
use crate::read::Rows;
use crate::snapshot::{Durable, Version};
use crate::syncer::{DbFile, Syncer, forget_unwritten, sync_dir};
use crate::writer::{FAILED, Writer};
use mvchat_core::seam::{StoreError, StoreErrorKind, StoreResult};
use sled::Db;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

/// The version of the schema: of the kinds of rows and their keys.
const SCHEMA: u64 = 1;

/// The key of the schema's version.
fn schema() -> Key {
    Key::of(META).text("schema")
}

/// The key of the note how far another store was copied into this one.
pub(crate) fn loading() -> Key {
    Key::of(META).text("loading")
}

/// What has to be open for as long as the store.
pub(crate) struct Opened {
    pub(crate) writer: Writer,
    pub(crate) db: Db,
    pub(crate) lock: File,
}

/// Opens the store in `<path>/store`.
pub(crate) fn open(path: &Path, options: &SledOptions) -> StoreResult<Opened> {
    let dir = path.join("store");
    fs::create_dir_all(&dir).map_err(|error| at(&dir, &error))?;
    // Nothing is touched before the lock is ours: the store may be in use.
    let lock = lock(path, &dir)?;
    let disk = Disk::prepare(dir.clone(), options.ballast, options.watermark, Arc::clone(&options.probe));
    if dir.join(FAILED).exists() {
        forget_unwritten(&dir.join("db"))
            .and_then(|()| fs::remove_file(dir.join(FAILED)))
            .map_err(|error| at(&dir, &error))?;
    }
    drop_unfinished(&dir).map_err(|error| at(&dir, &error))?;
    let db = open_sled(&dir, options.cache)?;
    let file = DbFile::open(&dir).map_err(|error| at(&dir, &error))?;
    settle(path, &dir, &file).map_err(|error| at(&dir, &error))?;
    let version = Arc::<Version>::default();
    let mut writer = Writer {
        tree: (*db).clone(),
        jobs: Arc::new(Queue::new(options.queue, MOST_BYTES)),
        health: Arc::default(),
        durable: Arc::new(Durable::new(Arc::clone(&version))),
        disk,
        syncer: Arc::new(file),
        version,
        hot: Hot::new(usize::try_from(options.cache / 8).unwrap_or(usize::MAX)),
        dir,
    };
    check_schema(&mut writer, path, options.unfinished)?;
    if let Some(syncer) = &options.syncer {
        writer.syncer = Arc::clone(syncer);
    }
    // The ballast is made now, while nobody waits.
    let full = writer.disk.check();
    writer.health.set_full(full);
    Ok(Opened { writer, db, lock })
}

fn lock(path: &Path, dir: &Path) -> StoreResult<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("lock"))
        .map_err(|error| at(dir, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(unavailable(format!(
            "the store in {} is open already: within one process share clones of one SledStore, \
             and stop any other process that uses it",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => Err(at(dir, &error)),
    }
}

/// Removes snapshots that a start was writing when it died. Until such a file is renamed nothing stands on it, but sled
/// takes it for the newest one and refuses to open.
fn drop_unfinished(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "generating") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Opens sled. A store that was closed a moment ago may still hold its file: sled closes it from a thread of its
/// own. As our lock is free, nobody else uses it, and waiting helps.
fn open_sled(dir: &Path, cache: u64) -> StoreResult<Db> {
    // No thread of sled's own flushes: the writer does, after every batch.
    let config = sled::Config::new().path(dir).cache_capacity(cache).flush_every_ms(None);
    for _ in 0..200 {
        match config.open() {
            Err(sled::Error::Io(error)) if error.to_string().contains("could not acquire lock") => {
                sleep(Duration::from_millis(10));
            }
            opened => return opened.map_err(from_sled),
        }
    }
    config.open().map_err(from_sled)
}

/// Makes durable what is there: the names of the files, and what a process wrote that died before it could sync.
fn settle(path: &Path, dir: &Path, file: &DbFile) -> io::Result<()> {
    file.sync()?;
    File::open(dir.join("conf"))?.sync_all()?;
    sync_dir(&dir.join("blobs"))?;
    sync_dir(dir)?;
    sync_dir(path)?;
    // The folder around it is somebody else's, and perhaps not ours to read.
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let _ = sync_dir(parent.unwrap_or(Path::new(".")));
    Ok(())
}

/// Refuses what a newer version wrote and what is not finished, and signs a new store.
fn check_schema(writer: &mut Writer, path: &Path, unfinished: bool) -> StoreResult<()> {
    let mut batch = writer.batch();
    match batch.row::<u64>(&schema())? {
        Some(SCHEMA) if !unfinished && batch.has(&loading())? => {
            return Err(StoreError::new(
                StoreErrorKind::Conflict,
                format!("{} holds a copy that was not finished: finish it, or empty it", path.display()),
            ));
        }
        Some(SCHEMA) => {}
        Some(other) => {
            return Err(internal(format!(
                "the store was written by a newer version (schema {other}, this one knows {SCHEMA}): \
                 update mvchat-store-sled"
            )));
        }
        None if !writer.tree.is_empty() => {
            return Err(internal("the sled database in this folder was not written by mvchat"));
        }
        None => batch.put(&schema(), &SCHEMA)?,
    }
    // Also without a change, because the batch has borrowed what the writer remembers.
    if writer.keep(batch) { Ok(()) } else { Err(writer.health.why_unanswered()) }
}

fn at(dir: &Path, error: &io::Error) -> StoreError {
    unavailable(format!("{}: {error}", dir.display()))
}
