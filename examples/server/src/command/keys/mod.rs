//! `mvchat keys`: the keys of data at rest.

mod backup;

use std::{collections::BTreeMap, path::PathBuf};

use clap::Subcommand;
use mvchat_core::{
    builtin::{
        SystemEnv,
        keys::{BackupSecret, KeyStatus, Ring},
    },
    seam::{
        Env,
        keys::{KeyInfo, KeyProvider, KeyPurpose},
    },
    time::Timestamp,
};

use super::{DataArgs, print, tell};
use crate::control::{Request, perform};

pub use backup::{BackupArgs, RestoreArgs};

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Print a new key ring, for a secrets manager that hands it over in MVCHAT_KEY_RING, or a recovery key.
    Generate {
        /// Print the ring that comes after the one in this file, with a new key-encryption key.
        #[arg(long, value_name = "FILE", conflicts_with = "recovery_key")]
        after: Option<PathBuf>,
        /// With --after: a new key that signs tokens instead.
        #[arg(long, requires = "after")]
        signing: bool,
        /// Print a recovery key for backups instead.
        #[arg(long)]
        recovery_key: bool,
    },
    /// List the keys of the ring, without the keys themselves.
    List(DataArgs),
    /// Count how many users' keys each key wraps.
    Status {
        /// Which data.
        #[command(flatten)]
        data: DataArgs,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Replace the key-encryption key and bring all users' keys under the new one, while the server runs or not.
    Rotate {
        /// Which data.
        #[command(flatten)]
        data: DataArgs,
        /// Replace the key that signs tokens instead.
        #[arg(long)]
        signing: bool,
    },
    /// Write ring and vault into an encrypted file, and read it back.
    Backup(BackupArgs),
    /// Bring ring and vault back into a data folder that has none.
    Restore(RestoreArgs),
}

impl KeysCommand {
    /// Does it.
    ///
    /// # Errors
    /// A sentence for the administrator.
    pub fn run(self) -> Result<(), String> {
        match self {
            Self::Generate { recovery_key: true, .. } => {
                let (_, text) = BackupSecret::generate().map_err(|error| error.to_string())?;
                print(&format!("{}\n", *text))
            }
            Self::Generate { after: None, .. } => {
                let ring = Ring::generate().map_err(|error| error.to_string())?;
                print(&String::from_utf8_lossy(&ring))
            }
            Self::Generate { after: Some(path), signing, .. } => {
                let purpose = if signing { KeyPurpose::Sign } else { KeyPurpose::Wrap };
                let ring = Ring::load(path).and_then(|ring| ring.rotated(purpose, now()));
                print(&String::from_utf8_lossy(&ring.map_err(|error| error.to_string())?))
            }
            Self::List(data) => {
                let config = data.load()?;
                let ring = crate::chat::open_ring(&config).map_err(|error| error.to_string())?;
                print(&table(&ring.list(), None))
            }
            Self::Status { data, json } => {
                let value = perform(&data.load()?, Request::KeysStatus, |_| {})?;
                if json {
                    return print(&format!("{value}\n"));
                }
                let status: KeyStatus = serde_json::from_value(value).map_err(|error| error.to_string())?;
                print(&format!("{} users\n{}", status.users, table(&status.keys, Some(&status.wraps))))
            }
            Self::Rotate { data, signing } => {
                let config = data.load()?;
                let done = perform(&config, Request::KeysRotate { signing }, |told| {
                    tell(&format!("{} users' keys looked at", told["seen"]));
                })?;
                let (key, told) = (done["key"].as_str().unwrap_or_default(), &done["rewrapped"]);
                if signing {
                    return print(&format!("{key} signs\n"));
                }
                let (seen, failed) = (&told["seen"], &told["failed"]);
                print(&format!("{key} wraps the keys of {seen} users; {failed} could not be unwrapped\n"))?;
                match failed.as_u64() {
                    Some(0) => Ok(()),
                    _ => Err("the log names the users; the old keys are kept for them".to_owned()),
                }
            }
            Self::Backup(args) => args.run(),
            Self::Restore(args) => args.run(),
        }
    }
}

fn table(keys: &[KeyInfo], wraps: Option<&BTreeMap<String, u64>>) -> String {
    let mut lines = String::new();
    for key in keys {
        let (purpose, state) = (word(&key.purpose), word(&key.state));
        let users = match (wraps, key.purpose) {
            (Some(wraps), KeyPurpose::Wrap) => format!("  {} users", wraps.get(&key.id).unwrap_or(&0)),
            _ => String::new(),
        };
        lines += &format!("{}  {purpose:4}  {state:12}  since {}{users}\n", key.id, key.changed);
    }
    lines
}

/// The one word that serde writes for a value.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default().trim_matches('"').to_owned()
}

pub(super) fn now() -> Timestamp {
    SystemEnv::default().now()
}
