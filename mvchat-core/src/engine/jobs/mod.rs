//! Work in the background: bounded queues with priorities, and workers that nothing kills.
//!
//! A worker is a task of the runtime that is there while there is something to do, not a thread: jobs wait, for the
//! store or the network, and what computes has threads of its own. Time is the runtime's, so that the simulation runs
//! jobs like everything else.

mod counts;
mod handle;
mod job;
mod queue;
mod worker;

#[cfg(test)]
mod tests;

pub use handle::{JobEnd, JobHandle, JobRefused};
pub use job::{Job, JobFailure, Priority};

use super::chat::Chat;
use super::metrics::Family;
use counts::JobCounts;
use parking_lot::Mutex;
use queue::Queue;
use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use worker::{Entry, Worker};

/// How many jobs run at once for each core of the machine: most of their time they wait.
const PER_CORE: usize = 4;
/// How many jobs of a priority may wait for each worker.
const PER_WORKER: usize = 100;

/// How much is done at once, and how much may wait.
///
/// # Defaults
/// Four workers for each core, and room for a hundred jobs of each priority for each worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobOptions {
    /// How many jobs run at once.
    pub workers: usize,
    /// How many jobs of each priority may wait.
    pub waiting: usize,
}

impl JobOptions {
    /// Lets so many jobs run at once, 1 at least, and a hundred times as many of each priority wait.
    #[must_use]
    pub fn with_workers(workers: usize) -> Self {
        let workers = workers.max(1);
        Self { workers, waiting: workers.saturating_mul(PER_WORKER) }
    }
}

impl Default for JobOptions {
    fn default() -> Self {
        Self::with_workers(available_parallelism().map_or(1, NonZero::get).saturating_mul(PER_CORE))
    }
}

/// Runs jobs in the background: the engine's own ([`Chat::jobs`]), or an app's.
///
/// * At most [`JobOptions::workers`] jobs run at once. The more urgent go first, but none waits for ever.
/// * A queue that is full refuses; nothing that was taken is dropped but by whoever cancels it.
/// * A job that fails or panics harms no other one, and is tried again if it says so.
#[derive(Clone)]
pub struct Jobs {
    shared: Arc<Shared>,
}

struct Shared {
    options: JobOptions,
    state: Mutex<State>,
    counts: JobCounts,
    /// Cancels everything.
    stop: CancellationToken,
    /// Ends the pauses of those that wait for their next attempt.
    hurry: CancellationToken,
    /// Rings when nothing is left to do.
    settled: Notify,
}

struct State {
    queue: Queue<Entry>,
    /// How many workers there are, each with a job or about to take one.
    workers: usize,
    /// How many jobs wait for their next attempt.
    pausing: usize,
    closed: bool,
}

impl Chat {
    /// Returns what runs the engine's jobs in the background, for those of the app: they share its workers, and are waited
    /// for when the engine is drained. An app that wants to stop its own ones apart from that makes a runner of its own.
    ///
    /// # Examples
    /// ```
    /// use mvchat_core::engine::jobs::{Job, JobEnd, Priority};
    /// use std::time::Duration;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// # let chat = mvchat_core::Chat::builder(mvchat_core::builtin::MemoryStore::default()).build().await?;
    /// async fn count_the_day() -> std::io::Result<()> {
    ///     Ok(()) // what takes its time
    /// }
    ///
    /// let job = Job::new("statistics", count_the_day).priority(Priority::Low).attempts(3, Duration::from_secs(5));
    /// let counting = chat.jobs().submit(job)?;
    /// assert_eq!(counting.await, JobEnd::Done);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn jobs(&self) -> &Jobs {
        &self.0.jobs
    }
}

impl Jobs {
    /// Makes a runner. It has no tasks while it has nothing to do.
    pub fn new(options: JobOptions) -> Self {
        let state = State { queue: Queue::new(options.waiting), workers: 0, pausing: 0, closed: false };
        let shared = Shared {
            options,
            state: Mutex::new(state),
            counts: JobCounts::default(),
            stop: CancellationToken::new(),
            hurry: CancellationToken::new(),
            settled: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Hands a job over, to be run as soon as it is its turn. Never waits.
    ///
    /// # Errors
    /// `Full` if as many of its priority wait as may, `Closed` after [`drain`](Jobs::drain) or outside of a runtime.
    pub fn submit(&self, job: Job) -> Result<JobHandle, JobRefused> {
        self.take(job, true)
    }

    /// Hands over what there are never more than a few of, room or not.
    pub(super) fn submit_own(&self, job: Job) -> Result<JobHandle, JobRefused> {
        self.take(job, false)
    }

    fn take(&self, job: Job, bounded: bool) -> Result<JobHandle, JobRefused> {
        let shared = &self.shared;
        let counts = shared.counts.of(job.name);
        // The runtime may be gone when the last jobs are submitted.
        let Ok(runtime) = Handle::try_current() else {
            counts.refused.add(1);
            return Err(JobRefused::Closed);
        };
        let (tell, end) = oneshot::channel();
        let (priority, cancel) = (job.priority, shared.stop.child_token());
        let handle = JobHandle { end, cancel: cancel.clone() };
        let entry = Entry { job, counts: counts.clone(), cancel, tell, since: Instant::now() };
        let mut state = shared.state.lock();
        let mut over = Vec::new();
        if bounded && state.queue.is_full(priority) {
            over = state.queue.purge(|entry| entry.cancel.is_cancelled());
        }
        let refused = match state.closed {
            true => Some(JobRefused::Closed),
            false => (bounded && state.queue.is_full(priority)).then_some(JobRefused::Full),
        };
        let mut worker = None;
        if refused.is_none() {
            state.queue.push(priority, entry);
            worker = Worker::hire(shared, &mut state);
        }
        drop(state);
        if let Some(worker) = worker {
            worker.start(&runtime);
        }
        over.into_iter().for_each(Entry::cancelled);
        match refused {
            None => Ok(handle),
            Some(refused) => {
                counts.refused.add(1);
                Err(refused)
            }
        }
    }

    /// Waits until nothing is left to do. What waits for another attempt makes it at once, and what fails is not tried again.
    pub(super) async fn settle(&self) {
        self.shared.hurry.cancel();
        loop {
            let settled = self.shared.settled.notified();
            if self.shared.is_settled() {
                return;
            }
            settled.await;
        }
    }

    /// Takes no more jobs, and cancels what waits or runs.
    pub(super) fn stop(&self) {
        self.shared.state.lock().closed = true;
        self.shared.stop.cancel();
        let over = self.shared.state.lock().queue.purge(|_| true);
        over.into_iter().for_each(Entry::cancelled);
    }

    /// Takes no more jobs, finishes those that it has, and cancels what is left after a time. What waits for another
    /// attempt makes it at once, as its last one. Returns whether everything was finished.
    pub async fn drain(&self, within: Duration) -> bool {
        self.shared.state.lock().closed = true;
        let finished = tokio::time::timeout(within, self.settle()).await.is_ok();
        self.stop();
        finished
    }

    pub(super) fn is_closed(&self) -> bool {
        self.shared.state.lock().closed
    }

    /// Returns how many jobs of a priority wait for a worker.
    pub fn waiting(&self, priority: Priority) -> usize {
        self.shared.state.lock().queue.len(priority)
    }

    /// Reads out what was measured: queue lengths, times and outcomes, by kind of job.
    pub fn metrics(&self) -> Vec<Family> {
        let (waiting, running) = {
            let state = self.shared.state.lock();
            (Priority::ALL.map(|priority| state.queue.len(priority)), state.workers)
        };
        self.shared.counts.families(waiting, running)
    }
}

impl Shared {
    fn is_settled(&self) -> bool {
        let state = self.state.lock();
        state.workers == 0 && state.pausing == 0 && state.queue.is_empty()
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("options", &self.shared.options).finish_non_exhaustive()
    }
}
