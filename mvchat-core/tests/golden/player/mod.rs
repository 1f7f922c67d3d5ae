//! What plays recordings against a server, whichever way its clients reach it.
//!
//! Transports include this folder and `tests/door` in a test of their own, and play the recordings over real
//! connections.

mod additions;
mod compare;
pub(crate) mod differences;
pub(crate) mod names;
pub(crate) mod own;
mod placeholders;
pub(crate) mod replay;
mod scenario;
pub(crate) mod server;
mod stage;
mod tokens;
mod verdict;

use std::path::PathBuf;

/// Where the recordings are.
pub(crate) fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "mvchat-core", "tests", "golden"].iter().collect()
}
