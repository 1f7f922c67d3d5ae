//! Reports on what was done to a user's data, signed by the server that did it.
//!
//! A report is one JSON object in one line whose last member, `mac`, is HMAC-SHA256 over what stands before it, under a
//! key derived from the ring's root, which no rotation changes. So whoever holds the ring can check it, years later.

use super::audit::chain::{CLOSE, OPEN, hex, split};
use super::keys::Keys;
use crate::proto::UserId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

const PURPOSE: &str = "report";

/// What was done, to whom, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Report {
    /// Which kind of report it is.
    pub report: ReportKind,
    /// To whom it was done; after an erasure, the id is all that is left.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
    /// What an export has written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ReportFile>,
    /// What an erasure came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Erased>,
}

/// What a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ReportKind {
    /// A user's data was written to files.
    Export,
    /// A user was erased.
    Erasure,
}

impl Report {
    /// Reports an export.
    pub fn of_export(user: UserId, at: Timestamp, files: Vec<ReportFile>) -> Self {
        Self { report: ReportKind::Export, user, at, files, done: None }
    }

    /// Reports an erasure.
    pub fn of_erasure(user: UserId, at: Timestamp, done: Erased) -> Self {
        Self { report: ReportKind::Erasure, user, at, files: Vec::new(), done: Some(done) }
    }
}

/// A file of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportFile {
    /// Its name, beside the manifest.
    pub name: String,
    /// How long it is.
    pub bytes: u64,
    /// How many lines it has.
    pub lines: u64,
    /// SHA-256, in hex.
    pub sha256: String,
}

/// What erasing a user came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Erased {
    /// The user's data key is gone from the vault.
    pub key_destroyed: bool,
    /// Sessions that were ended.
    pub sessions: u64,
    /// Messages of the user that became tombstones.
    pub messages: u64,
    /// Groups that the user left.
    pub groups_left: u64,
    /// Groups that got another owner first.
    pub groups_handed_over: u64,
    /// Contacts of the user that were removed.
    pub contacts: u64,
    /// Invites of the user that were taken back.
    pub invites: u64,
    /// Files of the user that were forgotten.
    #[serde(default)]
    pub files: u64,
    /// Steps that failed; the log says why. Erasing again tries them again.
    pub failed: u64,
}

/// Writes and signs a report.
///
/// # Errors
/// None in practice: reports are flat.
pub fn sign(keys: &Keys, report: &Report) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string(report)?;
    let body = text.strip_suffix('}').unwrap_or(&text);
    let mac = hex(&keys.mac(PURPOSE, &[body.as_bytes()]));
    Ok(format!("{body}{OPEN}{mac}{CLOSE}\n"))
}

/// Reads a report; `None` if it was changed, is none, or another ring signed it.
pub fn check(keys: &Keys, text: &str) -> Option<Report> {
    let (body, mac) = split(text.strip_suffix('\n').unwrap_or(text))?;
    if keys.mac(PURPOSE, &[body.as_bytes()]) != mac {
        return None;
    }
    serde_json::from_str(&format!("{body}}}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_signed_checks() {
        let keys = Keys::ephemeral();
        let done = Erased { messages: 3, key_destroyed: true, ..Erased::default() };
        let user = UserId(uuid::Uuid::from_u128(1));
        let report = Report::of_erasure(user, Timestamp::from_micros(1), done);
        let text = sign(&keys, &report).unwrap();
        assert_eq!(check(&keys, &text), Some(report));
        assert_eq!(check(&Keys::ephemeral(), &text), None);
        for at in 0..text.len() - 1 {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            assert_eq!(check(&keys, &String::from_utf8_lossy(&changed)), None, "byte {at}");
        }
    }
}
