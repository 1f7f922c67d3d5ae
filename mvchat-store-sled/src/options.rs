//! How a store is opened.

use crate::SledStore;
use crate::disk::{FileSystem, Probe};
use crate::syncer::Syncer;
use mvchat_core::seam::StoreError;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// At most so many bytes of content wait to be written.
pub(crate) const MOST_BYTES: usize = 64 << 20;

/// How a [`SledStore`] is opened.
///
/// # Defaults
/// | option | value |
/// |---|---|
/// | [`cache`](Self::cache) | 64 MiB |
/// | [`read_threads`](Self::read_threads) | one for each core, 2 to 8 |
/// | [`queue`](Self::queue) | 4,096 calls |
/// | [`ballast`](Self::ballast) | 64 MiB |
/// | [`watermark`](Self::watermark) | 32 MiB |
///
/// # Examples
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("chat-data");
/// let store = mvchat_store_sled::SledStore::options().cache(16 << 20).ballast(1 << 20).open(path)?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "options do nothing until the store is opened with them"]
pub struct SledOptions {
    pub(crate) cache: u64,
    pub(crate) read_threads: usize,
    pub(crate) queue: usize,
    pub(crate) ballast: u64,
    pub(crate) watermark: u64,
    pub(crate) unfinished: bool,
    pub(crate) probe: Arc<dyn Probe>,
    /// Instead of the sync of the database file.
    pub(crate) syncer: Option<Arc<dyn Syncer>>,
}

impl Default for SledOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            cache: 64 << 20,
            read_threads: cores.clamp(2, 8),
            queue: 4_096,
            ballast: 64 << 20,
            watermark: 32 << 20,
            unfinished: false,
            probe: Arc::new(FileSystem),
            syncer: None,
        }
    }
}

impl SledOptions {
    /// Sets the size of the cache in bytes, at least 1 MiB.
    pub fn cache(mut self, bytes: u64) -> Self {
        self.cache = bytes.max(1 << 20);
        self
    }

    /// Sets the number of threads that read, at least 1. One more writes.
    pub fn read_threads(mut self, threads: usize) -> Self {
        self.read_threads = threads.max(1);
        self
    }

    /// Sets how many reads, and how many writes, may wait, at least 1 each; further calls are `Unavailable`. So are
    /// writes when 64 MiB of content wait.
    pub fn queue(mut self, calls: usize) -> Self {
        self.queue = calls.max(1);
        self
    }

    /// Sets the size in bytes of the file that is given up so that the store can be opened on a full disk. With 0
    /// there is none.
    pub fn ballast(mut self, bytes: u64) -> Self {
        self.ballast = bytes;
        self
    }

    /// Sets how many bytes stay free on the disk: with less, writes are `Unavailable`.
    pub fn watermark(mut self, bytes: u64) -> Self {
        self.watermark = bytes;
        self
    }

    /// Also opens what another store is being copied into, to go on with that.
    pub fn accept_unfinished(mut self) -> Self {
        self.unfinished = true;
        self
    }

    /// Opens the store, or makes a new one. It lives in `<path>/store`; other things may lie beside that.
    ///
    /// # Errors
    /// * `Unavailable`: the store is open already, in this or another process; or the disk fails.
    /// * `Internal`: the data are damaged, or were written by a newer version.
    /// * `Conflict`: another store is being copied into this one, and that was not finished.
    pub fn open(self, path: impl AsRef<Path>) -> Result<SledStore, StoreError> {
        SledStore::start(path.as_ref(), self)
    }
}

impl fmt::Debug for SledOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cache, read_threads, queue, ballast, watermark, .. } = self;
        f.debug_struct("SledOptions")
            .field("cache", cache)
            .field("read_threads", read_threads)
            .field("queue", queue)
            .field("ballast", ballast)
            .field("watermark", watermark)
            .finish_non_exhaustive()
    }
}
