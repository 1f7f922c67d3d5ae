//! What is known of files, and an index of them by uploader and time.

use crate::SledStore;
use crate::batch::Batch;
use crate::error::already_exists;
use crate::keys::{FILE, FILE_OF, Key, last_id};
use crate::read::Rows;
use async_trait::async_trait;
use mvchat_core::proto::{FileId, UserId};
use mvchat_core::seam::{FileRow, FileStore, StoreResult};
use mvchat_core::time::Timestamp;

#[async_trait]
impl FileStore for SledStore {
    async fn create_file(&self, row: FileRow) -> StoreResult<bool> {
        self.write_bytes(row.sealed.len(), move |batch| {
            match batch.row::<FileRow>(&file_key(row.id))? {
                Some(known) if known.uploader == row.uploader => return Ok(false),
                Some(_) => return Err(already_exists("the file's id is taken")),
                None => {}
            }
            put_file(batch, &row)?;
            Ok(true)
        })
        .await
    }

    async fn files(&self, ids: &[FileId]) -> StoreResult<Vec<Option<FileRow>>> {
        let keys: Vec<Key> = ids.iter().copied().map(file_key).collect();
        self.read(move |rows| keys.iter().map(|key| rows.row(key)).collect()).await
    }

    async fn files_of(
        &self,
        uploader: UserId,
        after: Option<(Timestamp, FileId)>,
        limit: usize,
    ) -> StoreResult<Vec<FileRow>> {
        let mut range = Key::user(FILE_OF, uploader).all();
        if let Some((created_at, id)) = after {
            range = range.before(&place_key(uploader, created_at, id));
        }
        self.read(move |rows| {
            let ids = rows.down(range).take(limit).map(|item| item.map(|(key, _)| FileId(last_id(&key))));
            ids.filter_map(|id| id.and_then(|id| rows.row(&file_key(id))).transpose()).collect()
        })
        .await
    }

    async fn forget_files(&self, uploader: UserId, limit: usize) -> StoreResult<u64> {
        self.write(move |batch| {
            let places = batch.up(Key::user(FILE_OF, uploader).all()).take(limit);
            let places = places.map(|item| item.map(|(key, _)| key)).collect::<StoreResult<Vec<_>>>()?;
            for place in &places {
                batch.remove(&file_key(FileId(last_id(place))))?;
                batch.remove(&Key::exactly(place))?;
            }
            Ok(places.len() as u64)
        })
        .await
    }
}

pub(crate) fn put_file(batch: &mut Batch, row: &FileRow) -> StoreResult<()> {
    batch.put(&place_key(row.uploader, row.created_at, row.id), &())?;
    batch.put(&file_key(row.id), row)
}

fn file_key(id: FileId) -> Key {
    Key::of(FILE).id(id.0)
}

fn place_key(uploader: UserId, created_at: Timestamp, id: FileId) -> Key {
    // Times before 1970 are negative; with the sign turned they come first.
    let at = created_at.as_micros().cast_unsigned() ^ (1 << 63);
    Key::user(FILE_OF, uploader).number(at).id(id.0)
}
