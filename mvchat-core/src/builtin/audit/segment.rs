use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::chain::Head;
use crate::builtin::keys::durable;

/// Where the head of a log is.
pub(super) fn head_path(folder: &Path) -> PathBuf {
    folder.join("head.json")
}

/// Reads the head of a log, if it has one.
pub(super) fn head(folder: &Path) -> io::Result<Option<Head>> {
    match fs::read(head_path(folder)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        other => Ok(Some(serde_json::from_slice(&other?)?)),
    }
}

pub(super) fn write_head(folder: &Path, head: &Head) -> io::Result<()> {
    durable::write(&head_path(folder), &serde_json::to_vec(head)?)
}

/// Where the segment is that begins with an event.
pub(super) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("audit-{first:012}.jsonl"))
}

/// Returns the segments of a log, the oldest first, each with the number of its first event.
pub(super) fn list(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(found),
        other => other?,
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let digits = name.strip_prefix("audit-").and_then(|rest| rest.strip_suffix(".jsonl"));
        if let Some(first) = digits.and_then(|digits| digits.parse().ok()) {
            found.push((first, path));
        }
    }
    found.sort_unstable();
    Ok(found)
}
