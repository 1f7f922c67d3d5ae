//! What comes of a run: figures with units, latencies, and everything that went wrong.

use crate::latency::{Latency, Samples};
use crate::ledger::Faults;
use crate::run::Used;
use crate::speaker::Heard;
use serde::Serialize;
use std::collections::BTreeMap;

/// A generator that is later than this falsifies what it measures, in milliseconds.
const LATE: f64 = 5.0;

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Figure {
    /// What it says.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: String,
}

/// One run of one scenario, or of one floor.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Outcome {
    /// The scenario, and what tells it apart from other runs of it.
    pub name: String,
    /// How it was set up.
    pub setup: Vec<(String, String)>,
    /// What was measured.
    pub figures: Vec<Figure>,
    /// Latencies by what they are of.
    pub latencies: BTreeMap<String, Latency>,
    /// What went wrong, and how often.
    pub errors: BTreeMap<String, u64>,
    /// What a reader has to know about this run.
    pub notes: Vec<String>,
}

impl Outcome {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            setup: Vec::new(),
            figures: Vec::new(),
            latencies: BTreeMap::new(),
            errors: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    /// Says how the run was set up.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.setup.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn figure(&mut self, name: &str, value: f64, unit: &str) {
        self.figures.push(Figure { name: name.to_owned(), value, unit: unit.to_owned() });
    }

    /// Returns a figure.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value)
    }

    /// Returns whether nothing went wrong.
    pub fn is_clean(&self) -> bool {
        self.errors.is_empty()
    }

    pub(crate) fn error(&mut self, what: &str, count: u64) {
        if count > 0 {
            *self.errors.entry(what.to_owned()).or_default() += count;
        }
    }

    pub(crate) fn latency(&mut self, name: &str, samples: &Samples) {
        if let Some(latency) = samples.latency() {
            for (percentile, value) in [("p50", latency.p50), ("p99", latency.p99)] {
                self.figure(&format!("{name} {percentile}"), value, "ms");
            }
            self.latencies.insert(name.to_owned(), latency);
        }
    }

    /// Adds what people have heard, with latencies, and holds it against what was sent.
    pub(crate) fn heard(&mut self, heard: &Heard, sent: u64, acked: u64, audience: u64) {
        self.latency("send to ack", &heard.acks);
        self.latency("send to delivery", &heard.deliveries);
        self.faults(heard.faults);
        self.error("sent and never acknowledged", sent.saturating_sub(acked));
        let wanted = acked * audience;
        self.error("acknowledged and not delivered", wanted.saturating_sub(heard.deliveries.len()));
        self.error("delivered and not acknowledged", heard.deliveries.len().saturating_sub(wanted));
        if let Some(lag) = heard.lag.latency() {
            self.figure("generator late p99", lag.p99, "ms");
            if lag.p99 > LATE {
                let late = format!("the generator itself was late, p99 {:.1} ms", lag.p99);
                self.notes.push(late + ": latencies include that");
            }
        }
    }

    pub(crate) fn faults(&mut self, faults: Faults) {
        self.error("delivered twice or out of order", faults.repeated);
        self.error("skipped in the order of a sender", faults.skipped);
    }

    /// Adds what was used, in all and per unit of work.
    pub(crate) fn used(&mut self, used: Used, units: u64, unit: &str) {
        self.used_per(used, units, unit);
        for (name, cpu) in [("server CPU", used.server), ("generator CPU", used.generator)] {
            if let Some(cpu) = cpu {
                self.figure(name, cpu.total() / used.seconds, "cores");
            }
        }
    }

    /// Adds what was used per unit of work.
    pub(crate) fn used_per(&mut self, used: Used, units: u64, unit: &str) {
        let each = |seconds: f64| seconds * 1e6 / (units.max(1) as f64);
        if let Some(cpu) = used.server {
            self.figure(&format!("server CPU per {unit}"), each(cpu.total()), "µs");
            self.figure(&format!("server user time per {unit}"), each(cpu.user), "µs");
        }
        if let Some(cpu) = used.database {
            self.figure(&format!("database CPU per {unit}"), each(cpu.total()), "µs");
        }
    }
}

/// Returns the middle of some values; 0 for none.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[odd / 2],
        even => (values[even / 2 - 1] + values[even / 2]) / 2.0,
    }
}

/// Makes one outcome of several rounds of the same run: medians of figures, sums of errors.
pub(crate) fn merge(rounds: &[Outcome]) -> Option<Outcome> {
    let mut merged = rounds.first()?.clone();
    // A round that could not be made has no figures.
    for figure in rounds.iter().flat_map(|round| &round.figures) {
        if merged.value(&figure.name).is_none() {
            merged.figures.push(figure.clone());
        }
    }
    for figure in &mut merged.figures {
        let mut values: Vec<f64> = rounds.iter().filter_map(|round| round.value(&figure.name)).collect();
        figure.value = median(&mut values);
    }
    // The round whose slowest percent is the middle one stands for the shape of the distribution.
    for (name, latency) in &mut merged.latencies {
        let mut all: Vec<&Latency> = rounds.iter().filter_map(|round| round.latencies.get(name)).collect();
        all.sort_by(|a, b| a.p99.total_cmp(&b.p99));
        if let Some(middle) = all.get(all.len() / 2) {
            *latency = Latency::clone(middle);
        }
    }
    merged.errors.clear();
    merged.notes.clear();
    for round in rounds {
        for (what, count) in &round.errors {
            *merged.errors.entry(what.clone()).or_default() += count;
        }
        merged.notes.extend(round.notes.iter().cloned());
    }
    Some(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(value: f64, errors: u64) -> Outcome {
        let mut round = Outcome::new("dm").with("store", "sled");
        round.figure("messages per second", value, "1/s");
        round.error("lost", errors);
        round
    }

    #[test]
    fn rounds_become_medians_and_errors_are_kept() {
        let merged = merge(&[round(3.0, 0), round(1.0, 2), round(2.0, 1)]).unwrap();
        assert_eq!(merged.value("messages per second"), Some(2.0));
        assert_eq!(merged.errors["lost"], 3);
        assert!(!merged.is_clean() && round(1.0, 0).is_clean());
        assert!(merge(&[]).is_none());
        let merged = merge(&[Outcome::new("dm"), round(3.0, 0), round(5.0, 0)]).unwrap();
        assert_eq!(merged.value("messages per second"), Some(4.0), "a round without figures");
        assert_eq!(median(&mut [4.0, 1.0]), 2.5);
    }

    #[test]
    fn what_is_missing_or_too_much_is_an_error() {
        let mut heard = Heard::default();
        (0..9).for_each(|_| heard.deliveries.add(1));
        let told = |sent, acked| {
            let mut outcome = Outcome::new("x");
            outcome.heard(&heard, sent, acked, 2);
            outcome.errors.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(told(5, 5), [("acknowledged and not delivered".to_owned(), 1)]);
        assert_eq!(told(6, 4).len(), 2, "two have no answer, and one has come too often");
    }
}
