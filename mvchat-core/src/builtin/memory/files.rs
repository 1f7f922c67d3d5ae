//! Files in memory.

use super::{MemoryStore, already_exists};
use crate::proto::{FileId, UserId};
use crate::seam::{FileRow, FileStore, StoreResult};
use crate::time::Timestamp;
use async_trait::async_trait;
use std::cmp::Reverse;
use std::collections::btree_map::Entry;

#[async_trait]
impl FileStore for MemoryStore {
    async fn create_file(&self, row: FileRow) -> StoreResult<bool> {
        match self.state.lock().files.entry(row.id) {
            Entry::Vacant(place) => {
                place.insert(row);
                Ok(true)
            }
            Entry::Occupied(known) if known.get().uploader == row.uploader => Ok(false),
            Entry::Occupied(_) => Err(already_exists("the file's id is taken")),
        }
    }

    async fn files(&self, ids: &[FileId]) -> StoreResult<Vec<Option<FileRow>>> {
        let state = self.state.lock();
        Ok(ids.iter().map(|id| state.files.get(id).cloned()).collect())
    }

    async fn files_of(
        &self,
        uploader: UserId,
        after: Option<(Timestamp, FileId)>,
        limit: usize,
    ) -> StoreResult<Vec<FileRow>> {
        let state = self.state.lock();
        let place = |row: &FileRow| (row.created_at, row.id);
        let follows = |row: &&FileRow| after.is_none_or(|after| place(row) < after);
        let own = state.files.values().filter(|row| row.uploader == uploader);
        let mut rows: Vec<_> = own.filter(follows).cloned().collect();
        rows.sort_by_key(|row| Reverse(place(row)));
        rows.truncate(limit);
        Ok(rows)
    }

    async fn forget_files(&self, uploader: UserId, limit: usize) -> StoreResult<u64> {
        let files = &mut self.state.lock().files;
        let own = files.values().filter(|row| row.uploader == uploader);
        let gone: Vec<_> = own.map(|row| row.id).take(limit).collect();
        gone.iter().for_each(|id| drop(files.remove(id)));
        Ok(gone.len() as u64)
    }
}
