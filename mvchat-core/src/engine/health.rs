//! Whether the server is there.

use super::chat::Chat;
use serde::Serialize;
use std::sync::atomic::Ordering;

/// What a health check is told; as JSON `{"status":"ok","sessions":n,"online":n}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// `ok`; or `unavailable` while a store that several nodes share does not answer, which is known within two
    /// seconds, and while the store says that it refuses writes ([`Store::trouble`](crate::seam::Store::trouble)).
    pub status: &'static str,
    /// Connections that are logged in.
    pub sessions: usize,
    /// Users with at least one of them.
    pub online: usize,
}

impl Health {
    /// Writes it as JSON.
    pub fn to_json(&self) -> String {
        let Self { status, sessions, online } = self;
        format!(r#"{{"status":"{status}","sessions":{sessions},"online":{online}}}"#)
    }
}

impl Chat {
    /// Returns what a health check is told. Asks the store only what it knows, never awaits.
    pub fn health(&self) -> Health {
        let lost = self.0.store_lost.load(Ordering::Relaxed) || self.0.store.trouble().is_some();
        let status = if lost { "unavailable" } else { "ok" };
        Health { status, sessions: self.connections(), online: self.online() }
    }
}
