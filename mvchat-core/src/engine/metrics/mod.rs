//! What the engine measures, read out on demand.
//!
//! Nothing is installed and nothing is pushed: counters are numbers in memory that cost an addition, and whoever
//! exports them asks [`Chat::metrics`] when it is asked itself. The types are of the standard library, so that any
//! exporter can render them; the reference server does so for Prometheus.

pub(super) mod catalogue;
mod cells;
mod commands;
mod counts;
mod family;

pub use catalogue::CATALOGUE;
pub(super) use cells::{Counter, Histogram};
pub(super) use commands::Kind as CommandKind;
pub(super) use counts::{Counts, outcome_name, store_error_name};
pub use family::{Buckets, Family, Info, Kind, Sample, Value};

use super::chat::Chat;

impl Chat {
    /// Reads out what this engine has measured so far: every family of [`CATALOGUE`], in its order. Never awaits.
    pub fn metrics(&self) -> Vec<Family> {
        let gauge = |info: Info, number: usize| {
            // Exact up to 2^53 things.
            Family::of(info, Value::Gauge(number as f64))
        };
        let audit = self.audit_stats();
        let mut families = vec![
            gauge(catalogue::CONNECTIONS, self.0.closing.connected()),
            gauge(catalogue::SESSIONS, self.connections()),
            gauge(catalogue::USERS, self.online()),
        ];
        families.extend(self.0.counts.families());
        families.extend([
            gauge(catalogue::STORE_OK, usize::from(self.health().status == "ok")),
            Family::new(catalogue::AUDIT_EVENTS)
                .with(["written"], Value::Counter(audit.written))
                .with(["dropped"], Value::Counter(audit.dropped)),
            Family::of(catalogue::DECRYPT_FAILURES, Value::Counter(audit.decrypt_failures)),
            gauge(catalogue::NODES, self.other_nodes()),
        ]);
        families.extend(self.0.jobs.metrics());
        let place = |family: &Family| CATALOGUE.iter().position(|info| info.name == family.info.name);
        families.sort_by_key(place);
        families
    }
}
