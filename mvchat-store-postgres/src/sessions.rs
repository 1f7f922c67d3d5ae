//! Sessions.

use crate::PgStore;
use crate::error::{already_exists, not_found};
use crate::rows::{get, limit, of_json, to_json};
use async_trait::async_trait;
use mvchat_core::proto::{SessionId, UserId};
use mvchat_core::seam::{
    EndSessions, RefreshChange, SessionRow, SessionStore, StoreError, StoreErrorKind, StoreResult,
};
use mvchat_core::time::Timestamp;
use sqlx::postgres::PgRow;
use std::collections::BTreeMap;
use uuid::Uuid;

const OPEN: &str = "select status, ended from @.open_session($1, $2, $3, $4, $5, $6)";
const ONE: &str = "select s.used_at, s.expires_at, s.row from @.sessions s where s.id = $1";
const MANY: &str = "select s.used_at, s.expires_at, s.row from @.sessions s where s.id = any($1)";
const TOUCH: &str = "update @.sessions s set used_at = greatest(s.used_at, $2), expires_at = $3 where s.id = $1 \
     returning s.id";
// The rest of a row changes with its refresh tokens only.
const REFRESH: &str = "update @.sessions s set used_at = greatest(s.used_at, $2), expires_at = $3, row = $4 \
     where s.id = $1 and s.row = $5 returning s.id";
const END: &str = "delete from @.sessions s where s.user_id = $1 and ($2::uuid is null or s.id = $2) \
     and ($3::uuid is null or s.id <> $3) returning s.id";
const OF: &str = "select s.used_at, s.expires_at, s.row from @.sessions s where s.user_id = $1 \
     order by s.used_at desc, s.id desc";
pub(crate) const STATEMENTS: &[&str] = &[OPEN, ONE, MANY, TOUCH, REFRESH, END, OF];

#[async_trait]
impl SessionStore for PgStore {
    async fn open_session(&self, row: SessionRow, max: usize) -> StoreResult<Vec<SessionId>> {
        let text = to_json(&row)?;
        let opened = self
            .write_one(|| {
                let query = sqlx::query(self.sql(OPEN)).bind(row.id.0).bind(row.user.0);
                let query = query.bind(row.used_at.as_micros()).bind(row.expires_at.as_micros());
                query.bind(&text).bind(limit(max))
            })
            .await?;
        match get::<i16>(&opened, 0)? {
            0 => Err(not_found("no such user")),
            1 => Ok(get::<Vec<Uuid>>(&opened, 1)?.into_iter().map(SessionId).collect()),
            _ => Err(already_exists("the session exists")),
        }
    }

    async fn session(&self, id: SessionId) -> StoreResult<Option<SessionRow>> {
        let rows = self.read(|| sqlx::query(self.sql(ONE)).bind(id.0)).await?;
        rows.first().map(session).transpose()
    }

    async fn sessions(&self, ids: &[SessionId]) -> StoreResult<Vec<Option<SessionRow>>> {
        let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let rows = self.read(|| sqlx::query(self.sql(MANY)).bind(&wanted)).await?;
        let rows = rows.iter().map(session).collect::<StoreResult<Vec<_>>>()?;
        let known: BTreeMap<SessionId, SessionRow> = rows.into_iter().map(|row| (row.id, row)).collect();
        Ok(ids.iter().map(|id| known.get(id).cloned()).collect())
    }

    async fn touch_session(
        &self,
        id: SessionId,
        used_at: Timestamp,
        expires_at: Timestamp,
    ) -> StoreResult<bool> {
        let (used_at, expires_at) = (used_at.as_micros(), expires_at.as_micros());
        let touched =
            self.write(|| sqlx::query(self.sql(TOUCH)).bind(id.0).bind(used_at).bind(expires_at)).await?;
        Ok(!touched.is_empty())
    }

    async fn refresh_session(&self, change: RefreshChange) -> StoreResult<()> {
        let RefreshChange { session: id, expect, refresh, used_at, expires_at } = change;
        let (used_at, expires_at) = (used_at.as_micros(), expires_at.as_micros());
        loop {
            let rows = self.read(|| sqlx::query(self.sql(ONE)).bind(id.0)).await?;
            let before: &str = get(rows.first().ok_or_else(|| not_found("no such session"))?, 2)?;
            let known: SessionRow = of_json(before)?;
            if known.refresh != expect {
                return Err(StoreError::new(StoreErrorKind::Conflict, "the refresh tokens are others"));
            }
            let after = to_json(&SessionRow { refresh: Some(refresh.clone()), ..known })?;
            let written = self
                .write(|| {
                    let query = sqlx::query(self.sql(REFRESH)).bind(id.0).bind(used_at).bind(expires_at);
                    query.bind(&after).bind(before)
                })
                .await?;
            // Otherwise somebody else was faster, or has ended the session.
            if !written.is_empty() {
                return Ok(());
            }
        }
    }

    async fn end_sessions(&self, user: UserId, which: EndSessions) -> StoreResult<Vec<SessionId>> {
        let (only, but) = match which {
            EndSessions::One(id) => (Some(id.0), None),
            EndSessions::AllBut(id) => (None, Some(id.0)),
            // Every session; a kind that this store does not know ends rather too many.
            _ => (None, None),
        };
        let rows = self.write(|| sqlx::query(self.sql(END)).bind(user.0).bind(only).bind(but)).await?;
        let mut ended = rows.iter().map(|row| get(row, 0).map(SessionId)).collect::<StoreResult<Vec<_>>>()?;
        ended.sort_unstable();
        Ok(ended)
    }

    async fn sessions_of(&self, user: UserId) -> StoreResult<Vec<SessionRow>> {
        let rows = self.read(|| sqlx::query(self.sql(OF)).bind(user.0)).await?;
        rows.iter().map(session).collect()
    }
}

pub(crate) fn session(row: &PgRow) -> StoreResult<SessionRow> {
    let kept: SessionRow = of_json(get(row, 2)?)?;
    let (used_at, expires_at) =
        (get(row, 0).map(Timestamp::from_micros)?, get(row, 1).map(Timestamp::from_micros)?);
    Ok(SessionRow { used_at, expires_at, ..kept })
}
