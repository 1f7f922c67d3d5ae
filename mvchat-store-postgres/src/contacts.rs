//! Contacts: one row for each direction.

use crate::PgStore;
use crate::codes::Code;
use crate::rows::{bytes, get};
use async_trait::async_trait;
use bytes::Bytes;
use mvchat_core::proto::UserId;
use mvchat_core::seam::{ContactRow, ContactSource, ContactStore, StoreResult};
use mvchat_core::time::Timestamp;

/// The rows are written in one order, whoever adds whom.
const ADD: &str = "insert into @.contacts as c (owner, other, source, created_at, trusts, trusted) \
     select p.owner, p.other, $3, $4, p.trusts, p.trusted from (values ($1::uuid, $2::uuid, true, $5), ($2, $1, $5, true)) \
     p(owner, other, trusts, trusted) order by p.owner on conflict (owner, other) do update \
     set trusts = c.trusts or excluded.trusts, trusted = c.trusted or excluded.trusted";
const REMOVE: &str = "with pair as (select c.owner, c.other from @.contacts c \
     where (c.owner = $1 and c.other = $2) or (c.owner = $2 and c.other = $1) order by c.owner for update) \
     delete from @.contacts c using pair b where c.owner = b.owner and c.other = b.other";
const NAME: &str =
    "update @.contacts c set nickname = $3 where c.owner = $1 and c.other = $2 returning c.owner";
const OF: &str = "select c.other, c.source, c.created_at, c.nickname, c.trusts, c.trusted from @.contacts c where c.owner = $1 \
     order by c.created_at desc, c.other desc";
pub(crate) const STATEMENTS: &[&str] = &[ADD, REMOVE, NAME, OF];

#[async_trait]
impl ContactStore for PgStore {
    async fn add_contacts(
        &self,
        [a, b]: [UserId; 2],
        source: ContactSource,
        at: Timestamp,
    ) -> StoreResult<()> {
        let invited = source == ContactSource::Invite;
        let (source, at) = (source.to_number()?, at.as_micros());
        self.write(|| sqlx::query(self.sql(ADD)).bind(a.0).bind(b.0).bind(source).bind(at).bind(invited))
            .await
            .map(drop)
    }

    async fn remove_contacts(&self, [a, b]: [UserId; 2]) -> StoreResult<()> {
        self.write(|| sqlx::query(self.sql(REMOVE)).bind(a.0).bind(b.0)).await.map(drop)
    }

    async fn name_contact(&self, owner: UserId, other: UserId, name: Option<Bytes>) -> StoreResult<bool> {
        let name = name.map(|name| name.to_vec());
        let named =
            self.write(|| sqlx::query(self.sql(NAME)).bind(owner.0).bind(other.0).bind(&name)).await?;
        Ok(!named.is_empty())
    }

    async fn contacts(&self, owner: UserId) -> StoreResult<Vec<ContactRow>> {
        let rows = self.read(|| sqlx::query(self.sql(OF)).bind(owner.0)).await?;
        let read = |row| {
            Ok(ContactRow {
                user: UserId(get(row, 0)?),
                source: Code::of(get(row, 1)?)?,
                created_at: Timestamp::from_micros(get(row, 2)?),
                nickname: bytes(row, 3)?,
                trusts: get(row, 4)?,
                trusted: get(row, 5)?,
            })
        };
        rows.iter().map(read).collect()
    }
}
