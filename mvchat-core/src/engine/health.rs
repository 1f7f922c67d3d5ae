//! Whether the server is there.

use super::chat::Chat;
use serde::Serialize;

/// What a health check is told; as JSON `{"status":"ok","sessions":n,"online":n}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// `ok`: whoever can answer is well.
    pub status: &'static str,
    /// Connections that are logged in.
    pub sessions: usize,
    /// Users with at least one of them.
    pub online: usize,
}

impl Chat {
    /// Returns what a health check is told. Asks no store, never awaits.
    pub fn health(&self) -> Health {
        Health { status: "ok", sessions: self.connections(), online: self.online() }
    }
}
