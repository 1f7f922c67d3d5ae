//! What is known of files.

use super::chat::Inner;
use crate::builtin::keys::Context;
use crate::error::Result;
use crate::proto::{FileId, UserId};
use crate::seam::audit::AuditEvent;
use crate::seam::{FileRow, FileState};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most files that are read or forgotten at once.
const PAGE: usize = 100;

/// What only those know who may have a file: as JSON, sealed, it is [`FileRow::sealed`].
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileDetails {
    /// The name that it was uploaded with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// SHA-256 of its bytes, in hex. Sealed, because it tells whoever has the same file that this is it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The width in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// The height in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// How long it plays, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
}

impl fmt::Debug for FileDetails {
    /// Shows nothing of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileDetails")
    }
}

/// A file as its uploader is shown it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FileItem {
    id: FileId,
    created_at: Timestamp,
    mime: String,
    size: u64,
    state: FileState,
    /// What could not be opened is absent.
    #[serde(flatten)]
    details: Option<FileDetails>,
}

impl Inner {
    /// Returns everything that is known of a user's files, the newest first.
    pub(super) async fn all_files(&self, user: UserId) -> Result<Vec<FileItem>> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            self.closing.admit()?;
            let page = self.store.files_of(user, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(found) };
            after = Some((last.created_at, last.id));
            for row in page {
                let details = self.file_details(&row).await?;
                let FileRow { id, created_at, mime, size, state, .. } = row;
                found.push(FileItem { id, created_at, mime, size, state, details });
            }
        }
    }

    /// Forgets all files of a user; `done` counts them.
    pub(super) async fn forget_files(&self, user: UserId, done: &mut u64) -> Result<()> {
        loop {
            match self.store.forget_files(user, PAGE).await? {
                0 => return Ok(()),
                forgotten => *done += forgotten,
            }
        }
    }

    async fn file_details(&self, row: &FileRow) -> Result<Option<FileDetails>> {
        let context = Context::File { user: row.uploader.0, file: row.id.0 };
        let place = |event: AuditEvent| event.object(&row.id.to_string());
        let clear = self.opened(row.uploader, &context, &row.sealed, "file", place).await?;
        Ok(clear.and_then(|clear| serde_json::from_slice(&clear).ok()))
    }
}
