//! What the accept loop counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use mvchat_core::engine::metrics::{Family, Info, Value};

pub(super) const CATALOGUE: [Info; 4] = [OPEN, ACCEPTED, REFUSED, FAILURES];

const OPEN: Info = Info::gauge(
    "mvchat_edge_connections",
    &[],
    "TCP connections that are open, those before a request among them.",
);
const ACCEPTED: Info =
    Info::counter("mvchat_edge_accepted_total", &[], "TCP connections that were accepted.");
const REFUSED: Info = Info::counter(
    "mvchat_edge_refused_total",
    &["reason"],
    "TCP connections that ended before they were served: `address` above the cap of their address, `tls` without a \
     handshake, `head` without a whole request in its time.",
);
const FAILURES: Info = Info::counter(
    "mvchat_edge_accept_failures_total",
    &[],
    "Times that the system had no connection to give.",
);

/// Why a connection is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Its address has as many as it may.
    Address,
    /// No TLS came about.
    Tls,
    /// The head of a request took too long.
    Head,
}

/// The counters of the accept loop.
#[derive(Debug, Default)]
pub struct EdgeCounts {
    open: AtomicU64,
    accepted: AtomicU64,
    refused: [AtomicU64; 3],
    failures: AtomicU64,
}

impl EdgeCounts {
    pub(crate) fn opened(&self) {
        self.accepted.fetch_add(1, Relaxed);
        self.open.fetch_add(1, Relaxed);
    }

    pub(crate) fn ended(&self) {
        self.open.fetch_sub(1, Relaxed);
    }

    pub(crate) fn refused(&self, why: Refused) {
        self.refused[why as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.failures.fetch_add(1, Relaxed);
    }

    pub(super) fn families(&self) -> Vec<Family> {
        let count = |counter: &AtomicU64| Value::Counter(counter.load(Relaxed));
        let [address, tls, head] = &self.refused;
        vec![
            // Exact up to 2^53 connections.
            Family::of(OPEN, Value::Gauge(self.open.load(Relaxed) as f64)),
            Family::of(ACCEPTED, count(&self.accepted)),
            Family::new(REFUSED)
                .with(["address"], count(address))
                .with(["tls"], count(tls))
                .with(["head"], count(head)),
            Family::of(FAILURES, count(&self.failures)),
        ]
    }
}
