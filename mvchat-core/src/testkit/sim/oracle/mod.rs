//! The promises, each as a check of a run's [`History`].
//!
//! A check knows nothing of the engine: it compares what connections were told with what the store holds in the end.
//! `promises.md` of the project numbers the promises; each file names those that it checks.

mod blocking;
mod bounded_queues;
mod complete_paging;
mod convergence;
mod durable_ack;
mod durable_before_visible;
mod idempotent_retry;
mod no_phantom;
mod no_silent_gap;
mod non_interference;
mod one_answer;
mod one_log;
mod read_your_writes;
mod revocation;
#[cfg(test)]
mod story;
mod true_presence;
mod windows;

use super::history::History;
use std::fmt;

/// A check: returns what broke the promise.
pub type Check = fn(&History) -> Vec<String>;

/// All promises that are checked, by name.
pub const PROMISES: &[(&str, Check)] = &[
    ("durable ack", durable_ack::check),
    ("one gap-free log", one_log::check),
    ("convergence", convergence::check),
    ("idempotent retry", idempotent_retry::check),
    ("no phantom", no_phantom::check),
    ("durable before visible", durable_before_visible::check),
    ("no silent gap", no_silent_gap::check),
    ("read your writes", read_your_writes::check),
    ("one answer", one_answer::check),
    ("complete paging", complete_paging::check),
    ("non-interference", non_interference::check),
    ("windows and counts", windows::check),
    ("blocking", blocking::check),
    ("revocation", revocation::check),
    ("true presence", true_presence::check),
    ("bounded queues", bounded_queues::check),
];

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The promise, as in [`PROMISES`].
    pub promise: &'static str,
    /// What happened instead.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.what)
    }
}

/// Checks all promises.
pub fn check(history: &History) -> Vec<Violation> {
    let broken = |(promise, check): &(&'static str, Check)| {
        let promise = *promise;
        check(history).into_iter().map(move |what| Violation { promise, what })
    };
    PROMISES.iter().flat_map(broken).collect()
}
