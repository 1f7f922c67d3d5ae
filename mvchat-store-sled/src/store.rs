//! The handle of the store.

use crate::batch::Batch;
use crate::disk::Probe;
use crate::error::{internal, unavailable};
use crate::health::Health;
use crate::open::{Opened, open};
use crate::options::{MOST_BYTES, SledOptions};
use crate::queue::Queue;
use crate::reader::{Look, Reader};
use crate::snapshot::Snapshot;
use crate::writer::{Answer, Job, Writer};
use mvchat_core::seam::{Durability, Store, StoreError, StoreResult};
use std::fmt;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use tokio::sync::oneshot;

/// A durable store in a folder, for one process.
///
/// A cheap handle: clones share one store. When the last one is dropped, the writes that wait are finished and
/// everything is closed; that blocks for as long as the disk needs.
///
/// # Examples
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("chat-data");
/// let store = mvchat_store_sled::SledStore::open(path)?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SledStore {
    shared: Arc<Shared>,
}

/// What the clones share. The threads have none of it, so that the last clone can end them.
struct Shared {
    path: PathBuf,
    jobs: Arc<Queue<Job>>,
    looks: Arc<Queue<Look>>,
    health: Arc<Health>,
    probe: Arc<dyn Probe>,
    threads: Vec<JoinHandle<()>>,
    /// Closed by the last clone, after the threads have ended.
    db: Option<sled::Db>,
    /// Given back last of all.
    _lock: File,
}

impl SledStore {
    /// Opens the store in `<path>/store`, or makes a new one, with the default options.
    ///
    /// # Errors
    /// See [`SledOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::options().open(path)
    }

    /// Returns the default options, to change them.
    pub fn options() -> SledOptions {
        SledOptions::default()
    }

    pub(crate) fn start(path: &Path, options: SledOptions) -> StoreResult<Self> {
        let Opened { writer, db, lock } = open(path, &options)?;
        let looks = Arc::new(Queue::new(options.queue, MOST_BYTES));
        let reader =
            Reader { tree: (*db).clone(), looks: Arc::clone(&looks), durable: Arc::clone(&writer.durable) };
        let mut shared = Shared {
            path: path.to_owned(),
            jobs: Arc::clone(&writer.jobs),
            looks,
            health: Arc::clone(&writer.health),
            probe: Arc::clone(&options.probe),
            threads: Vec::new(),
            db: Some(db),
            _lock: lock,
        };
        shared.spawn(writer, reader, options.read_threads).map_err(unavailable)?;
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Returns the folder.
    pub(crate) fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Runs a write on the writer's thread; it happens wholly or not at all. Returns when it is durable.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut Batch) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        self.write_bytes(0, write).await
    }

    /// Like [`SledStore::write`], for a write that holds so many bytes of content.
    pub(crate) async fn write_bytes<T: Send + 'static>(
        &self,
        bytes: usize,
        write: impl FnOnce(&mut Batch) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        let Shared { health, jobs, .. } = &*self.shared;
        health.check()?;
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |batch| {
            let result = batch.attempt(write);
            // Nobody listens if the call was dropped; the write is finished all the same.
            let answer: Answer = Box::new(move || drop(sender.send(result)));
            answer
        });
        jobs.push(job, bytes).map_err(|_| unavailable("too many writes wait"))?;
        receiver.await.unwrap_or_else(|_| Err(health.why_unanswered()))
    }

    /// Runs a read on one of the readers' threads, on one durable state.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Snapshot) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        let Shared { health, looks, .. } = &*self.shared;
        health.check()?;
        let (sender, receiver) = oneshot::channel();
        let look: Look = Box::new(move |snapshot| {
            if sender.is_closed() {
                return;
            }
            // A read changes nothing that a panic could leave half done.
            let result = catch_unwind(AssertUnwindSafe(|| read(snapshot)));
            let panicked = |_| Err(internal("a read panicked; the panic's message is in the output"));
            drop(sender.send(result.unwrap_or_else(panicked)));
        });
        looks.push(look, 0).map_err(|_| unavailable("too many reads wait"))?;
        receiver.await.unwrap_or_else(|_| Err(health.why_unanswered()))
    }
}

impl Shared {
    fn spawn(&mut self, writer: Writer, reader: Reader, read_threads: usize) -> io::Result<()> {
        let thread = Builder::new().name("mvchat-sled-write".into()).spawn(move || writer.run())?;
        self.threads.push(thread);
        for _ in 0..read_threads {
            let reader = reader.clone();
            let thread = Builder::new().name("mvchat-sled-read".into()).spawn(move || reader.run())?;
            self.threads.push(thread);
        }
        Ok(())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.jobs.close();
        self.looks.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to close.
            let _ = thread.join();
        }
        // sled writes and syncs once more when its last handle goes, and panics if it can't; everything that was
        // acknowledged is durable by then. The lock is given back after that.
        let db = self.db.take();
        if catch_unwind(AssertUnwindSafe(|| drop(db))).is_err() {
            tracing::error!("sled could not be closed well");
        }
    }
}

impl Store for SledStore {
    fn durability(&self) -> Durability {
        Durability::Sync
    }

    fn trouble(&self) -> Option<String> {
        let Shared { health, probe, path, .. } = &*self.shared;
        health.trouble(|| probe.free(path).ok())
    }
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SledStore({})", self.shared.path.display())
    }
}
