//! Numbers that anybody may add to at any time.

use super::{Buckets, Value};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The ranges of durations, in seconds.
pub(in crate::engine) const SECONDS: &[f64] =
    &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// The ranges of numbers of things.
pub(in crate::engine) const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// A number that only grows. Nothing is published by it, so relaxed ordering does.
#[derive(Debug, Default)]
pub(in crate::engine) struct Counter(AtomicU64);

impl Counter {
    pub(in crate::engine) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    pub(in crate::engine) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(in crate::engine) fn value(&self) -> Value {
        Value::Counter(self.count())
    }
}

/// How often values fell into which range. Reading it while values come may miss some of the newest.
#[derive(Debug)]
pub(in crate::engine) struct Histogram {
    bounds: &'static [f64],
    counts: Box<[Counter]>,
    /// In millionths, which hold microseconds and whole numbers exactly.
    sum: Counter,
}

impl Histogram {
    pub(in crate::engine) fn seconds() -> Self {
        Self::new(SECONDS)
    }

    pub(in crate::engine) fn sizes() -> Self {
        Self::new(SIZES)
    }

    fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| Counter::default()).collect(),
            sum: Counter::default(),
        }
    }

    /// Notes how long something took.
    pub(in crate::engine) fn took(&self, time: Duration) {
        self.note(time.as_secs_f64(), u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    /// Notes how many there were.
    pub(in crate::engine) fn many(&self, number: usize) {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        self.note(f64::from(number), u64::from(number) * 1_000_000);
    }

    fn note(&self, value: f64, millionths: u64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(at) {
            count.add(1);
        }
        self.sum.add(millionths);
    }

    /// Returns the value; `None` if nothing was noted yet.
    pub(in crate::engine) fn seen(&self) -> Option<Value> {
        let counts: Vec<_> = self.counts.iter().map(Counter::count).collect();
        counts.iter().any(|count| *count > 0).then(|| self.with(counts))
    }

    pub(in crate::engine) fn value(&self) -> Value {
        self.with(self.counts.iter().map(Counter::count).collect())
    }

    fn with(&self, counts: Vec<u64>) -> Value {
        // What is lost below a microsecond in thousands of years of sums is nothing.
        let sum = self.sum.count() as f64 / 1e6;
        Value::Histogram(Buckets { bounds: self.bounds, counts, sum })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_falls_into_the_range_that_ends_with_it() {
        let histogram = Histogram::seconds();
        assert_eq!(histogram.seen(), None);
        for millis in [0, 1, 2, 10_000, 10_001] {
            histogram.took(Duration::from_millis(millis));
        }
        let Some(Value::Histogram(buckets)) = histogram.seen() else { panic!("nothing was noted") };
        assert_eq!(buckets.counts.len(), SECONDS.len() + 1);
        assert_eq!(buckets.counts[..3], [1, 1, 1]);
        assert_eq!(buckets.counts[SECONDS.len() - 1..], [1, 1]);
        assert!((buckets.sum - 20.004).abs() < 1e-9, "{}", buckets.sum);
        assert_eq!(buckets.count(), 5);
    }

    #[test]
    fn bounds_ascend() {
        for bounds in [SECONDS, SIZES] {
            assert!(bounds.is_sorted_by(|one, other| one < other));
        }
    }
}
