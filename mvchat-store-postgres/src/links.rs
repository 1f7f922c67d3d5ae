//! Links to groups.

use crate::PgStore;
use crate::error::{already_exists, not_found};
use crate::rows::{get, of_json, to_json, unsigned};
use async_trait::async_trait;
use mvchat_core::proto::ConvId;
use mvchat_core::seam::{LinkRow, LinkStore, StoreErrorKind, StoreResult};
use mvchat_core::time::Timestamp;
use sqlx::postgres::PgRow;

const CREATE: &str = "insert into @.links (code, conv, expires_at, max_uses, uses, row) \
     select $1, $2, $3, $4, $5, $6 where exists (select from @.conversations c where c.id = $2) returning uses";
const ONE: &str = "select l.uses, l.row from @.links l where l.code = $1";
const OF: &str = "select l.uses, l.row from @.links l where l.conv = $1";
const REVOKE: &str = "delete from @.links l where l.conv = $1 and l.code = $2 returning l.conv";
pub(crate) const STATEMENTS: &[&str] = &[CREATE, ONE, OF, REVOKE];

#[async_trait]
impl LinkStore for PgStore {
    async fn create_link(&self, row: LinkRow) -> StoreResult<()> {
        let (code, text) = (row.code.as_bytes(), to_json(&row)?);
        let made = self.write(|| {
            let query = sqlx::query(self.sql(CREATE)).bind(code).bind(row.conv.0);
            let query = query.bind(row.expires_at.map(Timestamp::as_micros));
            query.bind(row.max_uses.map(i64::from)).bind(i64::from(row.uses)).bind(&text)
        });
        match made.await {
            Ok(rows) if rows.is_empty() => Err(not_found("there is no such conversation")),
            Err(error) if error.kind() == StoreErrorKind::AlreadyExists => {
                Err(already_exists("the link's code is taken"))
            }
            result => result.map(drop),
        }
    }

    async fn link(&self, code: &str) -> StoreResult<Option<LinkRow>> {
        let rows = self.read(|| sqlx::query(self.sql(ONE)).bind(code.as_bytes().to_vec())).await?;
        rows.first().map(link).transpose()
    }

    async fn links_of(&self, conv: ConvId) -> StoreResult<Vec<LinkRow>> {
        let rows = self.read(|| sqlx::query(self.sql(OF)).bind(conv.0)).await?;
        let mut links = rows.iter().map(link).collect::<StoreResult<Vec<_>>>()?;
        links.sort_by(|a, b| (a.created_at, &a.code).cmp(&(b.created_at, &b.code)));
        Ok(links)
    }

    async fn revoke_link(&self, conv: ConvId, code: &str) -> StoreResult<bool> {
        let code = code.as_bytes();
        let revoked = self.write(|| sqlx::query(self.sql(REVOKE)).bind(conv.0).bind(code)).await?;
        Ok(!revoked.is_empty())
    }
}

pub(crate) fn link(row: &PgRow) -> StoreResult<LinkRow> {
    let kept: LinkRow = of_json(get(row, 1)?)?;
    let uses = u32::try_from(unsigned(get(row, 0)?)).unwrap_or(u32::MAX);
    Ok(LinkRow { uses, ..kept })
}
