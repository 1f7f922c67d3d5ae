//! A piece of work, before it is handed over.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::fmt;
use std::time::Duration;

/// What a job that fails says, for logs.
pub type JobFailure = Box<dyn std::error::Error + Send + Sync>;

/// How urgent a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// Somebody notices when it is late.
    High,
    /// Everything else.
    #[default]
    Normal,
    /// It can wait while there is anything else.
    Low,
}

impl Priority {
    pub(super) const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

/// Work to be done in the background: see [`Jobs::submit`](super::Jobs::submit).
///
/// # Defaults
/// Normal priority, one attempt.
#[must_use = "a job does nothing until it is submitted"]
pub struct Job {
    pub(super) name: &'static str,
    pub(super) priority: Priority,
    pub(super) attempts: u32,
    pub(super) pause: Duration,
    pub(super) work: Work,
}

/// What makes an attempt.
pub(super) type Work = Box<dyn FnMut() -> BoxFuture<'static, Result<(), JobFailure>> + Send>;

impl Job {
    /// Describes a job by its kind and by what makes an attempt of it. The work must wait rather than compute: what
    /// computes for long belongs on a thread of the app's own, for which the job then waits.
    pub fn new<F, E>(name: &'static str, mut work: impl FnMut() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<JobFailure>,
    {
        let work: Work = Box::new(move || {
            let attempt = work();
            async move { attempt.await.map_err(Into::into) }.boxed()
        });
        Self { name, priority: Priority::default(), attempts: 1, pause: Duration::from_secs(1), work }
    }

    /// Sets how urgent it is.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Lets it be tried so often while it fails or panics, 1 at least; after `pause`, which doubles each time. While it
    /// waits for that it takes no worker from others.
    pub fn attempts(mut self, attempts: u32, pause: Duration) -> Self {
        self.attempts = attempts.max(1);
        self.pause = pause;
        self
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job({})", self.name)
    }
}
