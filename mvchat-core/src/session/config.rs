//! What a session must know.

use crate::proto::{ConnId, Limits};
use std::sync::Arc;

/// The settings of a connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionConfig {
    /// Names the connection in the `hi` reply.
    pub conn: ConnId,
    /// The server's limits.
    pub limits: Arc<Limits>,
    /// The server's build, for the `hi` reply.
    pub build: Arc<str>,
    /// What the server offers beyond the base protocol, for the `hi` reply.
    pub caps: Arc<[String]>,
}

impl SessionConfig {
    /// Makes settings with the default limits.
    pub fn new(conn: ConnId) -> Self {
        Self { conn, limits: Arc::default(), build: Arc::from("dev"), caps: Arc::default() }
    }
}
