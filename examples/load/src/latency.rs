//! Latencies: collected as they are, told as percentiles.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The longest latency that is told apart: an hour, in microseconds.
const LONGEST: u64 = 3_600_000_000;
/// Where the curve of a plot has its points: one part in so many is slower.
const CURVE: [f64; 14] =
    [1.0, 1.25, 2.0, 4.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0];

/// Latencies in microseconds, each as it was measured; one connection keeps few of them. They are so in JSON, too: what
/// several processes have measured becomes one distribution without a loss.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Samples(Vec<u32>);

impl Samples {
    pub(crate) fn add(&mut self, micros: u64) {
        self.0.push(u32::try_from(micros).unwrap_or(u32::MAX));
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// Returns the distribution; `None` without samples.
    pub(crate) fn latency(&self) -> Option<Latency> {
        // The bounds are in order and three digits are allowed, so that the histogram can be made.
        let mut histogram = Histogram::<u64>::new_with_bounds(1, LONGEST, 3).ok()?;
        for sample in &self.0 {
            histogram.saturating_record(u64::from(*sample).max(1));
        }
        (!self.0.is_empty()).then(|| Latency::of(&histogram))
    }
}

/// A distribution of latencies, in milliseconds.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Latency {
    /// How many were measured.
    pub count: u64,
    /// The mean.
    pub mean: f64,
    /// Half are faster.
    pub p50: f64,
    /// Nine of ten are faster.
    pub p90: f64,
    /// 99 of 100 are faster.
    pub p99: f64,
    /// 999 of 1,000 are faster.
    pub p999: f64,
    /// The slowest.
    pub max: f64,
    /// Points of the distribution: one part in the first number is slower than the second, in milliseconds.
    pub curve: Vec<(f64, f64)>,
}

impl Latency {
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile: f64| millis(histogram.value_at_quantile(quantile));
        let shown = CURVE.iter().filter(|parts| **parts <= histogram.len() as f64);
        Self {
            count: histogram.len(),
            mean: histogram.mean() / 1_000.0,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: millis(histogram.max()),
            curve: shown.map(|parts| (*parts, at(1.0 - 1.0 / parts))).collect(),
        }
    }
}

fn millis(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_samples() {
        let mut samples = Samples::default();
        assert!(samples.latency().is_none());
        (1..=10_000).for_each(|micros| samples.add(micros));
        let latency = samples.latency().unwrap();
        let near = |value: f64, wanted: f64| (value - wanted).abs() <= wanted * 0.002;
        assert_eq!(latency.count, 10_000);
        assert!(near(latency.p50, 5.0) && near(latency.p99, 9.9) && near(latency.max, 10.0), "{latency:?}");
        assert!(latency.curve.is_sorted_by(|a, b| a.1 <= b.1));
    }

    #[test]
    fn what_two_processes_measured_is_one_distribution() {
        let (mut one, mut other, mut whole) = (Samples::default(), Samples::default(), Samples::default());
        for micros in 1..=3_000 {
            whole.add(micros);
            if micros % 3 == 0 { one.add(micros) } else { other.add(micros) }
        }
        for part in [other, Samples::default()] {
            one.append(serde_json::from_str(&serde_json::to_string(&part).unwrap()).unwrap());
        }
        let told = |samples: &Samples| serde_json::to_value(samples.latency().unwrap()).unwrap();
        assert_eq!(told(&one), told(&whole));
    }

    #[test]
    fn what_takes_longer_than_can_be_told_is_not_dropped() {
        let mut samples = Samples::default();
        samples.add(u64::MAX);
        samples.add(0);
        let latency = samples.latency().unwrap();
        assert_eq!(latency.count, 2);
        assert!(latency.max > 3_500_000.0, "{latency:?}");
    }
}
