//! What is measured of jobs.

use super::{JobEnd, Priority};
use crate::engine::metrics::{Counter, Family, Histogram, Sample, Value, catalogue};
use parking_lot::Mutex;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Of more kinds than so many, the later ones are counted together: their names may be made up.
const MAX_KINDS: usize = 128;
const OTHER: &str = "other";
const OUTCOMES: [&str; 4] = ["done", "failed", "panicked", "cancelled"];

/// The counters of a runner.
#[derive(Debug)]
pub(super) struct JobCounts {
    waited: [Histogram; Priority::ALL.len()],
    kinds: Mutex<BTreeMap<&'static str, Arc<KindCounts>>>,
}

/// The counters of a kind of job.
#[derive(Debug)]
pub(super) struct KindCounts {
    pub(super) took: Histogram,
    ended: [Counter; OUTCOMES.len()],
    pub(super) refused: Counter,
}

impl KindCounts {
    pub(super) fn ended(&self, end: JobEnd) {
        let at = match end {
            JobEnd::Done => 0,
            JobEnd::Failed => 1,
            JobEnd::Panicked => 2,
            JobEnd::Cancelled => 3,
        };
        self.ended[at].add(1);
    }
}

impl Default for JobCounts {
    fn default() -> Self {
        Self { waited: std::array::from_fn(|_| Histogram::seconds()), kinds: Mutex::default() }
    }
}

impl JobCounts {
    pub(super) fn of(&self, name: &'static str) -> Arc<KindCounts> {
        let mut kinds = self.kinds.lock();
        let name = if kinds.len() < MAX_KINDS || kinds.contains_key(name) { name } else { OTHER };
        let new = || {
            Arc::new(KindCounts {
                took: Histogram::seconds(),
                ended: std::array::from_fn(|_| Counter::default()),
                refused: Counter::default(),
            })
        };
        kinds.entry(name).or_insert_with(new).clone()
    }

    pub(super) fn waited(&self, priority: Priority) -> &Histogram {
        &self.waited[priority as usize]
    }

    /// Reads all of it out; the numbers of jobs that wait and run are given.
    pub(super) fn families(&self, waiting: [usize; Priority::ALL.len()], running: usize) -> Vec<Family> {
        // Exact up to 2^53 jobs.
        let gauge = |number: usize| Value::Gauge(number as f64);
        let by_priority = Priority::ALL.into_iter().map(Priority::name);
        let waiting = by_priority.clone().zip(waiting);
        let waited = by_priority.zip(&self.waited);
        let kinds = self.kinds.lock();
        let mut ended = Family::new(catalogue::JOBS_ENDED);
        let mut refused = Family::new(catalogue::JOBS_REFUSED);
        let mut took = Family::new(catalogue::JOBS_TOOK);
        for (name, counts) in kinds.iter() {
            for (outcome, counter) in OUTCOMES.iter().zip(&counts.ended).filter(|(_, seen)| seen.count() > 0)
            {
                let labels = vec![Cow::Borrowed(*name), Cow::Borrowed(*outcome)];
                ended.samples.push(Sample { labels, value: counter.value() });
            }
            if let Some(value) = counts.took.seen() {
                took = took.with([*name], value);
            }
            if counts.refused.count() > 0 {
                refused = refused.with([*name], counts.refused.value());
            }
        }
        vec![
            waiting.fold(Family::new(catalogue::JOBS_WAITING), |family, (name, number)| {
                family.with([name], gauge(number))
            }),
            Family::of(catalogue::JOBS_RUNNING, gauge(running)),
            waited.fold(Family::new(catalogue::JOBS_WAITED), |family, (name, times)| {
                family.with([name], times.value())
            }),
            took,
            ended,
            refused,
        ]
    }
}
