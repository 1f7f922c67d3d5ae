//! What an administrator asks of the server, whether it runs or not.
//!
//! A running server listens on the Unix socket `keys/control.sock` in its data folder. Only the user that runs the server
//! can enter that folder (mode 0700), so there is no password. A request is one line of JSON; the answer is lines of JSON
//! with `progress`, the last one with `done` or `error`. When nobody listens there, the command opens keys and store
//! itself and does the same.

mod call;
mod carry;
#[cfg(unix)]
mod listen;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use call::perform;
#[cfg(unix)]
pub(crate) use listen::listen;

/// What can be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Request {
    /// Count what each key wraps.
    KeysStatus,
    /// Replace the active key of a purpose.
    KeysRotate {
        /// The one that signs tokens, not the one that wraps users' keys.
        signing: bool,
    },
    /// Note that ring and vault were backed up.
    KeysBackedUp {
        /// How many users' keys.
        users: u64,
    },
    /// Write what a user could see.
    UserExport {
        /// An id or a login name.
        user: String,
        /// An existing folder, absolute.
        into: PathBuf,
    },
    /// Erase a user.
    UserErase {
        /// An id or a login name.
        user: String,
    },
}

/// One line of the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// It goes on.
    Progress(Value),
    /// It is done, and this came of it.
    Done(Value),
    /// It failed.
    Error(String),
}

/// Where the socket of a data folder is.
pub(crate) fn socket(data_dir: &Path) -> PathBuf {
    data_dir.join("keys").join("control.sock")
}
