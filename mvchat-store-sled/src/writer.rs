//! The one thread that writes.

use crate::batch::Batch;
use crate::disk::Disk;
use crate::health::Health;
use crate::hot::Hot;
use crate::queue::Queue;
use crate::snapshot::{Durable, Version};
use crate::syncer::Syncer;
use sled::Tree;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

/// At most so many jobs share one sync.
const MAX_JOBS: usize = 512;
/// No further job joins a batch of so many bytes.
///
/// sled moves pages about while it writes, and gives the space they left to what comes two segments (of 512 KiB)
/// later, without a sync in between. So what is written between two of our syncs should be less than that; pages and
/// indexes make a batch about three times as large on the disk.
const MAX_BYTES: usize = 256 * 1024;

/// The name of the file that says that a sync failed.
pub(crate) const FAILED: &str = "failed";

/// A write: changes the batch and leaves an answer for later.
pub(crate) type Job = Box<dyn FnOnce(&mut Batch) -> Answer + Send>;
/// Called when the write is durable; dropped when it is not known to be.
pub(crate) type Answer = Box<dyn FnOnce() + Send>;

/// Takes all jobs that wait, runs them on one batch, makes that durable, and only then answers them all.
///
/// There is no timer: while one batch is on its way to the disk the next one gathers by itself.
pub(crate) struct Writer {
    pub(crate) tree: Tree,
    pub(crate) jobs: Arc<Queue<Job>>,
    pub(crate) health: Arc<Health>,
    pub(crate) durable: Arc<Durable>,
    pub(crate) disk: Disk,
    pub(crate) syncer: Arc<dyn Syncer>,
    /// The version that the tree has.
    pub(crate) version: Arc<Version>,
    pub(crate) hot: Hot,
    /// Where sled keeps its files.
    pub(crate) dir: PathBuf,
}

impl Writer {
    pub(crate) fn run(mut self) {
        while let Some(job) = self.jobs.wait() {
            let full = self.disk.check();
            let refused = full.is_some() || self.health.check().is_err();
            self.health.set_full(full);
            if refused {
                // A dropped job answers `Unavailable`.
                continue;
            }
            let mut batch = self.batch();
            let mut answers = vec![job(&mut batch)];
            while answers.len() < MAX_JOBS && batch.bytes() < MAX_BYTES {
                let Some(job) = self.jobs.try_next() else { break };
                answers.push(job(&mut batch));
            }
            if self.keep(batch) {
                answers.into_iter().for_each(|answer| answer());
            }
        }
    }

    pub(crate) fn batch(&mut self) -> Batch {
        Batch::new(&self.tree, std::mem::take(&mut self.hot))
    }

    /// Makes a batch durable and then visible; returns whether that went well.
    ///
    /// After a failure nothing is tried again: what the disk holds is not known any more.
    pub(crate) fn keep(&mut self, batch: Batch) -> bool {
        let (batch, hot) = batch.finish();
        // If the batch can't be kept, nothing is ever read from this again.
        self.hot = hot;
        let Some((batch, before)) = batch else { return true };
        let next = self.version.replaced(before);
        // Whatever sled left half done, nothing of it is read or written after a panic.
        let kept = catch_unwind(AssertUnwindSafe(|| self.write(batch)));
        match kept.unwrap_or_else(|_| Err("sled panicked".to_owned())) {
            Ok(()) => {
                self.durable.publish(Arc::clone(&next));
                self.version = next;
                true
            }
            Err(why) => {
                self.health.fail(why);
                // Best effort, for the next opening: see `forget_unwritten`.
                let _ = std::fs::write(self.dir.join(FAILED), []);
                false
            }
        }
    }

    fn write(&self, batch: sled::Batch) -> Result<(), String> {
        self.tree.apply_batch(batch).map_err(|error| format!("apply: {error}"))?;
        self.tree.flush().map_err(|error| format!("flush: {error}"))?;
        self.syncer.sync().map_err(|error| format!("sync: {error}"))
    }
}
