//! Invites to the server.

use crate::PgStore;
use crate::codes::Code;
use crate::error::{already_exists, internal};
use crate::rows::{bytes, get, limit};
use async_trait::async_trait;
use mvchat_core::proto::{InviteId, UserId};
use mvchat_core::seam::{ContactSource, InviteHash, InviteRow, InviteStore, StoreErrorKind, StoreResult};
use mvchat_core::time::Timestamp;
use sqlx::postgres::PgRow;
use uuid::Uuid;

macro_rules! columns {
    () => {
        "select i.id, i.inviter, i.code, i.email, i.sealed, i.created_at, i.expires_at, i.used_by, i.used_at \
         from @.invites i"
    };
}

const CREATE: &str = "insert into @.invites (id, inviter, code, email, sealed, created_at, expires_at, used_by, \
     used_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const ONE: &str = concat!(columns!(), " where i.code = $1");
const OF: &str = concat!(columns!(), " where i.inviter = $1 order by i.created_at desc, i.id desc");
const UNUSED: &str =
    concat!(columns!(), " where i.email = $1 and i.used_by is null order by i.created_at, i.id limit $2");
const REVOKE: &str =
    "delete from @.invites i where i.inviter = $1 and i.id = $2 and i.used_by is null returning i.id";
const USE: &str = "with used as (update @.invites i set used_by = $2, used_at = $3 \
     where i.id = $1 and i.used_by is null and $3 < i.expires_at returning i.inviter), \
     known as (insert into @.contacts as c (owner, other, source, created_at, trusts, trusted) \
     select distinct p.owner, p.other, $4::smallint, $3, true, true from used u, lateral (values \
     (u.inviter, $2), ($2, u.inviter)) p(owner, other) order by p.owner on conflict (owner, other) do update \
     set trusts = true, trusted = true) select count(*) from used";
pub(crate) const STATEMENTS: &[&str] = &[CREATE, ONE, OF, UNUSED, REVOKE, USE];

#[async_trait]
impl InviteStore for PgStore {
    async fn create_invite(&self, row: InviteRow) -> StoreResult<()> {
        let (used_by, used_at) = row.used.map(|(by, at)| (by.0, at.as_micros())).unzip();
        let made = self.write(|| {
            let query = sqlx::query(self.sql(CREATE)).bind(row.id.0).bind(row.inviter.0);
            let query = query.bind(row.code.to_vec()).bind(row.email.to_vec()).bind(row.sealed.to_vec());
            let query = query.bind(row.created_at.as_micros()).bind(row.expires_at.as_micros());
            query.bind(used_by).bind(used_at)
        });
        match made.await {
            Err(error) if error.kind() == StoreErrorKind::AlreadyExists => {
                Err(already_exists("the invite's code or id is taken"))
            }
            result => result.map(drop),
        }
    }

    async fn invite(&self, code: &InviteHash) -> StoreResult<Option<InviteRow>> {
        let rows = self.read(|| sqlx::query(self.sql(ONE)).bind(code.to_vec())).await?;
        rows.first().map(invite).transpose()
    }

    async fn invites_of(&self, inviter: UserId) -> StoreResult<Vec<InviteRow>> {
        let rows = self.read(|| sqlx::query(self.sql(OF)).bind(inviter.0)).await?;
        rows.iter().map(invite).collect()
    }

    async fn unused_invites(&self, email: &InviteHash, most: usize) -> StoreResult<Vec<InviteRow>> {
        let rows = self.read(|| sqlx::query(self.sql(UNUSED)).bind(email.to_vec()).bind(limit(most))).await?;
        rows.iter().map(invite).collect()
    }

    async fn revoke_invite(&self, inviter: UserId, id: InviteId) -> StoreResult<bool> {
        let revoked = self.write(|| sqlx::query(self.sql(REVOKE)).bind(inviter.0).bind(id.0)).await?;
        Ok(!revoked.is_empty())
    }

    async fn use_invite(&self, id: InviteId, by: UserId, at: Timestamp) -> StoreResult<bool> {
        let source = ContactSource::Invite.to_number()?;
        let row = self
            .write_one(|| sqlx::query(self.sql(USE)).bind(id.0).bind(by.0).bind(at.as_micros()).bind(source))
            .await?;
        Ok(get::<i64>(&row, 0)? > 0)
    }
}

pub(crate) fn invite(row: &PgRow) -> StoreResult<InviteRow> {
    let hash =
        |index| get::<Vec<u8>>(row, index)?.try_into().map_err(|_| internal("a hash of another length"));
    let used_at: Option<i64> = get(row, 8)?;
    Ok(InviteRow {
        id: InviteId(get(row, 0)?),
        inviter: UserId(get(row, 1)?),
        code: hash(2)?,
        email: hash(3)?,
        sealed: bytes(row, 4)?.unwrap_or_default(),
        created_at: Timestamp::from_micros(get(row, 5)?),
        expires_at: Timestamp::from_micros(get(row, 6)?),
        used: get::<Option<Uuid>>(row, 7)?.map(UserId).zip(used_at.map(Timestamp::from_micros)),
    })
}
