//! What is known of files. Their bytes stay where they are.

use mvchat_core::{
    builtin::keys::Context,
    engine::FileDetails,
    proto::{FileId, UserId},
    seam::{DumpPage, FileRow, FileState, Item, StoreResult},
};
use uuid::Uuid;

use super::{
    Mvchat2,
    dump::{broken, paged},
    rows::File,
};

const FILES: &str = "select (to_jsonb(t) || jsonb_build_object('more', to_jsonb(m) - 'thumbnail' - 'extra', \
     'thumbnail', coalesce(to_jsonb(m) ->> 'thumbnail', '') <> ''))::text \
     from files t left join file_metadata m on m.file_id = t.id where t.id > $1::uuid order by t.id limit $2::bigint";

impl Mvchat2 {
    pub(super) async fn files_page(&mut self, after: Option<String>, limit: usize) -> StoreResult<DumpPage> {
        let start = after.unwrap_or_else(|| Uuid::nil().to_string());
        let rows = self.rows::<File>(FILES, &[&start, &limit.to_string()]).await?;
        let (count, last) = (rows.len(), rows.last().map(|row| row.id.to_string()));
        let mut items = Vec::new();
        for row in rows {
            items.extend(self.file(row).await?.map(Item::File));
        }
        Ok(paged(items, count, limit, last))
    }

    async fn file(&mut self, row: File) -> StoreResult<Option<FileRow>> {
        if row.deleted_at.is_some() {
            self.remark("deleted files");
            return Ok(None);
        }
        let Some(uploader) = row.uploader_id.filter(|uploader| self.users.contains(uploader)) else {
            self.remark("files of nobody");
            return Ok(None);
        };
        self.remark("files, without their bytes: keep the folder in which these are");
        if row.thumbnail {
            self.remark("thumbnails of files, which stay in the table that has them");
        }
        let more = row.more.unwrap_or_default();
        let mut details = FileDetails::default();
        details.name = row.original_name.filter(|name| !name.is_empty());
        details.sha256 = row.hash.map(|hash| hash.to_lowercase()).filter(|hash| is_sha256(hash));
        details.width = more.width;
        details.height = more.height;
        details.duration = more.duration;
        let clear = serde_json::to_vec(&details).map_err(|error| broken(&error))?;
        let context = Context::File { user: uploader, file: row.id };
        Ok(Some(FileRow {
            id: FileId(row.id),
            uploader: UserId(uploader),
            created_at: row.created_at.unwrap_or_default(),
            mime: row.mime_type.unwrap_or_default(),
            size: row.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
            location: row.location.unwrap_or_default(),
            state: match row.status.as_deref() {
                Some("ready") => FileState::Ready,
                Some("failed") => FileState::Failed,
                _ => FileState::Pending,
            },
            sealed: self.seal(&context, uploader, &clear).await?,
        }))
    }
}

fn is_sha256(hash: &str) -> bool {
    hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit())
}
