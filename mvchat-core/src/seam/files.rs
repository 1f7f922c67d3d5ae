//! What is known of files. Their bytes are elsewhere.

use super::StoreResult;
use crate::proto::{FileId, UserId};
use crate::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Files, one row each. Names and hashes arrive sealed.
///
/// # Contract
/// * A file is made once, however often that is asked, and stays as it was made (laws `a_file_is_returned_as_it_was_made`,
///   `a_file_is_made_once`).
/// * Nobody's file becomes another user's (law `a_file_stays_its_uploaders`).
/// * Pages of a user's files have each of them once (law `pages_of_files_have_each_once`).
/// * What was forgotten is gone, and nobody else's files are (law `forgotten_files_are_gone`).
#[async_trait]
pub trait FileStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps a file; returns whether it is new. If there is one with its id, that stays as it is. Errors:
    /// `AlreadyExists` if that is another user's.
    async fn create_file(&self, row: FileRow) -> StoreResult<bool>;

    /// Returns the files with these ids, in the same order, `None` for those that don't exist.
    async fn files(&self, ids: &[FileId]) -> StoreResult<Vec<Option<FileRow>>>;

    /// Returns at most `limit` files of a user, the newest first (then by id, descending): all, or those that come
    /// after the one that was made at a time and has an id.
    async fn files_of(
        &self,
        uploader: UserId,
        after: Option<(Timestamp, FileId)>,
        limit: usize,
    ) -> StoreResult<Vec<FileRow>>;

    /// Forgets at most `limit` files of a user; returns how many. None are left when that is 0.
    async fn forget_files(&self, uploader: UserId, limit: usize) -> StoreResult<u64>;
}

/// A file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRow {
    /// The file: what messages refer to.
    pub id: FileId,
    /// Who uploaded it.
    pub uploader: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Its media type, for example `image/png`.
    pub mime: String,
    /// How many bytes it has.
    pub size: u64,
    /// The key of its bytes, where those are kept. Several files may share one.
    pub location: String,
    /// Whether it can be used.
    pub state: FileState,
    /// What only those know who may have the file ([`FileDetails`](crate::engine::FileDetails)), sealed with the
    /// uploader's key.
    pub sealed: Bytes,
}

impl fmt::Debug for FileRow {
    /// Shows neither what is sealed nor where the bytes are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileRow({} of {}, {} bytes, {:?})", self.id, self.uploader, self.size, self.state)
    }
}

/// Whether a file can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FileState {
    /// Its bytes are not there yet, or are being looked at.
    Pending,
    /// It can.
    Ready,
    /// It was given up, and never can.
    Failed,
}
