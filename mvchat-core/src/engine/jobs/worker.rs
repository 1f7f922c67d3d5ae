//! A worker: takes jobs while there are any.

use super::counts::KindCounts;
use super::{Job, JobEnd, Shared, State};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A job that was taken.
pub(super) struct Entry {
    pub(super) job: Job,
    pub(super) counts: Arc<KindCounts>,
    pub(super) cancel: CancellationToken,
    pub(super) tell: oneshot::Sender<JobEnd>,
    /// Since when it waits for a worker.
    pub(super) since: Instant,
}

impl Entry {
    fn over(self, end: JobEnd) {
        // Nobody has to wait for it.
        let _ = self.tell.send(end);
    }

    /// Ends a job that was cancelled before it was begun.
    pub(super) fn cancelled(self) {
        self.counts.ended(JobEnd::Cancelled);
        self.over(JobEnd::Cancelled);
    }
}

/// A worker, counted as long as it is there.
pub(super) struct Worker {
    shared: Arc<Shared>,
    has_left: bool,
}

impl Worker {
    /// Makes one more worker for a queue that has got something, if there may be one: to be started without the lock.
    pub(super) fn hire(shared: &Arc<Shared>, state: &mut State) -> Option<Self> {
        if state.workers >= shared.options.workers {
            return None;
        }
        state.workers += 1;
        Some(Self { shared: shared.clone(), has_left: false })
    }

    /// Lets it work in a task of its own.
    pub(super) fn start(self, runtime: &Handle) {
        drop(runtime.spawn(self.work()));
    }

    async fn work(mut self) {
        while let Some(entry) = self.next() {
            run(&self.shared, entry).await;
        }
    }

    /// Takes the next job; or leaves, in the same moment in which it finds none.
    fn next(&mut self) -> Option<Entry> {
        let mut state = self.shared.state.lock();
        let next = state.queue.pop();
        if next.is_none() {
            self.has_left = true;
            state.workers -= 1;
            drop(state);
            self.shared.settled.notify_waiters();
        }
        next
    }
}

impl Drop for Worker {
    /// A worker that a panic takes, with what was in its hands, leaves its place to another one. Without a panic it is
    /// the runtime that ends: then nothing is done any more, and what waits is let go of, because it may hold whatever
    /// holds the runner.
    fn drop(&mut self) {
        if self.has_left {
            return;
        }
        let mut state = self.shared.state.lock();
        state.workers -= 1;
        if !std::thread::panicking() {
            state.closed = true;
            let over = state.queue.purge(|_| true);
            drop(state);
            return drop(over);
        }
        let next = if state.queue.is_empty() { None } else { Self::hire(&self.shared, &mut state) };
        drop(state);
        self.shared.settled.notify_waiters();
        if let (Some(worker), Ok(runtime)) = (next, Handle::try_current()) {
            worker.start(&runtime);
        }
    }
}

async fn run(shared: &Arc<Shared>, mut entry: Entry) {
    if entry.cancel.is_cancelled() {
        return entry.cancelled();
    }
    let name = entry.job.name;
    shared.counts.waited(entry.job.priority).took(entry.since.elapsed());
    let begun = Instant::now();
    let end = attempt(&mut entry).await;
    entry.counts.took.took(begun.elapsed());
    entry.counts.ended(end);
    let failed = matches!(end, JobEnd::Failed | JobEnd::Panicked);
    if failed && entry.job.attempts > 1 && !shared.hurry.is_cancelled() {
        tracing::debug!(job = name, attempts = entry.job.attempts - 1, "a job is tried again");
        return again(shared, entry);
    }
    entry.over(end);
}

/// Makes one attempt; whatever happens in it stays in it.
async fn attempt(entry: &mut Entry) -> JobEnd {
    let name = entry.job.name;
    let work = &mut entry.job.work;
    // Also what makes the attempt may panic.
    let attempt = AssertUnwindSafe(async { work().await }).catch_unwind();
    tokio::select! { biased;
        () = entry.cancel.cancelled() => JobEnd::Cancelled,
        result = attempt => match result {
            Ok(Ok(())) => JobEnd::Done,
            Ok(Err(error)) => {
                tracing::warn!(job = name, error = &*error, "a job failed");
                JobEnd::Failed
            }
            Err(_) => {
                tracing::error!(job = name, "a job panicked");
                JobEnd::Panicked
            }
        },
    }
}

/// Lets a job wait for its next attempt, and then for a worker.
fn again(shared: &Arc<Shared>, mut entry: Entry) {
    entry.job.attempts -= 1;
    let pause = entry.job.pause;
    entry.job.pause = pause.saturating_mul(2);
    shared.state.lock().pausing += 1;
    let shared = shared.clone();
    tokio::spawn(async move {
        let pausing = Pausing(&shared);
        tokio::select! { biased;
            () = entry.cancel.cancelled() => {}
            () = shared.hurry.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
        entry.since = Instant::now();
        let mut state = shared.state.lock();
        // It had its place before: there is one for it whatever has come meanwhile.
        state.queue.push(entry.job.priority, entry);
        let worker = Worker::hire(&shared, &mut state);
        drop(state);
        drop(pausing);
        if let Some(worker) = worker {
            worker.start(&Handle::current());
        }
    });
}

/// Counts a job that waits for its next attempt out.
struct Pausing<'a>(&'a Shared);

impl Drop for Pausing<'_> {
    fn drop(&mut self) {
        self.0.state.lock().pausing -= 1;
        self.0.settled.notify_waiters();
    }
}
