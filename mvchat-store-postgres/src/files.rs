//! What is known of files.

use crate::PgStore;
use crate::codes::Code;
use crate::error::already_exists;
use crate::rows::{bytes, count, get, limit, number, text};
use async_trait::async_trait;
use mvchat_core::proto::{FileId, UserId};
use mvchat_core::seam::{FileRow, FileStore, StoreResult};
use mvchat_core::time::Timestamp;
use sqlx::postgres::PgRow;
use std::collections::BTreeMap;
use uuid::Uuid;

macro_rules! columns {
    () => {
        "select f.id, f.uploader, f.created_at, f.mime, f.size, f.location, f.state, f.sealed from @.files f"
    };
}

/// Of a file that is known, its uploader's own, nothing changes; of another's there is no row.
const CREATE: &str = "insert into @.files as f (id, uploader, created_at, mime, size, location, state, sealed) \
     values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (id) do update set id = f.id \
     where f.uploader = excluded.uploader returning f.xmax = 0";
const SOME: &str = concat!(columns!(), " where f.id = any($1)");
const NEWEST: &str =
    concat!(columns!(), " where f.uploader = $1 order by f.created_at desc, f.id desc limit $2");
const AFTER: &str = concat!(
    columns!(),
    " where f.uploader = $1 and (f.created_at, f.id) < ($2, $3) order by f.created_at desc, f.id desc limit $4"
);
const FORGET: &str = "with own as (select f.id from @.files f where f.uploader = $1 order by f.created_at, f.id \
     limit $2), gone as (delete from @.files f using own o where f.id = o.id returning f.id) \
     select count(*) from gone";
pub(crate) const STATEMENTS: &[&str] = &[CREATE, SOME, NEWEST, AFTER, FORGET];

#[async_trait]
impl FileStore for PgStore {
    async fn create_file(&self, row: FileRow) -> StoreResult<bool> {
        let state = row.state.to_number()?;
        let (mime, location) = (row.mime.as_bytes(), row.location.as_bytes());
        let made = self.write(|| {
            let query = sqlx::query(self.sql(CREATE)).bind(row.id.0).bind(row.uploader.0);
            let query = query.bind(row.created_at.as_micros()).bind(mime).bind(number(row.size));
            query.bind(location).bind(state).bind(row.sealed.to_vec())
        });
        match made.await?.first() {
            Some(made) => get(made, 0),
            None => Err(already_exists("the file's id is taken")),
        }
    }

    async fn files(&self, ids: &[FileId]) -> StoreResult<Vec<Option<FileRow>>> {
        let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let rows = self.read(|| sqlx::query(self.sql(SOME)).bind(&wanted[..])).await?;
        let known = rows.iter().map(|row| file(row).map(|file| (file.id, file)));
        let known = known.collect::<StoreResult<BTreeMap<_, _>>>()?;
        Ok(ids.iter().map(|id| known.get(id).cloned()).collect())
    }

    async fn files_of(
        &self,
        uploader: UserId,
        after: Option<(Timestamp, FileId)>,
        most: usize,
    ) -> StoreResult<Vec<FileRow>> {
        let rows = self.read(|| match after {
            None => sqlx::query(self.sql(NEWEST)).bind(uploader.0).bind(limit(most)),
            Some((at, id)) => {
                let query = sqlx::query(self.sql(AFTER)).bind(uploader.0);
                query.bind(at.as_micros()).bind(id.0).bind(limit(most))
            }
        });
        rows.await?.iter().map(file).collect()
    }

    async fn forget_files(&self, uploader: UserId, most: usize) -> StoreResult<u64> {
        let row = self.write_one(|| sqlx::query(self.sql(FORGET)).bind(uploader.0).bind(limit(most))).await?;
        count(&row, 0)
    }
}

pub(crate) fn file(row: &PgRow) -> StoreResult<FileRow> {
    Ok(FileRow {
        id: FileId(get(row, 0)?),
        uploader: UserId(get(row, 1)?),
        created_at: Timestamp::from_micros(get(row, 2)?),
        mime: text(row, 3)?.unwrap_or_default(),
        size: count(row, 4)?,
        location: text(row, 5)?.unwrap_or_default(),
        state: Code::of(get(row, 6)?)?,
        sealed: bytes(row, 7)?.unwrap_or_default(),
    })
}
