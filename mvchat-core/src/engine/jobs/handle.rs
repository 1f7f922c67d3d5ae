//! What is left with whoever submitted a job.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobEnd {
    /// It is done.
    Done,
    /// Its last attempt failed.
    Failed,
    /// Its last attempt panicked.
    Panicked,
    /// It was cancelled, or the runner was stopped before it was done.
    Cancelled,
}

/// A job that was submitted: a future of its end. Dropping it changes nothing about the job.
#[derive(Debug)]
pub struct JobHandle {
    pub(super) end: oneshot::Receiver<JobEnd>,
    pub(super) cancel: CancellationToken,
}

impl JobHandle {
    /// Takes the job back: one that waits is not begun, one that runs is dropped where it waits next.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }
}

impl Future for JobHandle {
    type Output = JobEnd;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<JobEnd> {
        // Whoever knew the end is gone with the runtime.
        Pin::new(&mut self.end).poll(cx).map(|end| end.unwrap_or(JobEnd::Cancelled))
    }
}

/// Why a job was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobRefused {
    /// As many of its priority wait as may.
    Full,
    /// The runner is stopping, or there is no runtime.
    Closed,
}

impl fmt::Display for JobRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "as many jobs wait as may",
            Self::Closed => "jobs are not taken any more",
        })
    }
}

impl std::error::Error for JobRefused {}
