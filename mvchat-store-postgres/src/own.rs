//! What members change for themselves.

use crate::PgStore;
use crate::rows::{conversation, count, get, number};
use mvchat_core::policy::Conversation;
use mvchat_core::proto::{ConvId, Own, Position, Seq, UserId};
use mvchat_core::seam::{Counted, Marked, Marks, MemberPatch, StoreResult};
use mvchat_core::time::Timestamp;
use sqlx::postgres::PgRow;
use std::sync::Arc;

const MARK: &str = "select own, moved, pos, read, recv, clear, due from @.mark($1, $2, $3, $4, $5, $6)";
const CONFIGURE: &str = "select own, moved, pos, conv from @.configure($1, $2, $3, $4, $5, $6, $7, $8)";
const HIDE: &str = "select own, moved, pos from @.hide($1, $2, $3)";
pub(crate) const STATEMENTS: &[&str] = &[MARK, CONFIGURE, HIDE];

impl PgStore {
    pub(crate) async fn move_marks(
        &self,
        viewer: UserId,
        conv: ConvId,
        marks: Marks,
    ) -> StoreResult<Option<Marked>> {
        let seq = |mark: Option<Seq>| mark.map(|seq| number(seq.0));
        let (read, recv, clear) = (seq(marks.read), seq(marks.recv), seq(marks.clear));
        let row = self
            .write_one(|| {
                let query = sqlx::query(self.sql(MARK)).bind(viewer.0).bind(conv.0);
                query.bind(read).bind(recv).bind(clear).bind(marks.at.as_micros())
            })
            .await?;
        let Some(Counted { own, moved }) = self.counted(&row)? else { return Ok(None) };
        let seq = |index| count(&row, index).map(Seq);
        let due = get::<Option<i64>>(&row, 6)?.map(Timestamp::from_micros);
        Ok(Some(Marked { read: seq(3)?, recv: seq(4)?, clear: seq(5)?, own, moved, due }))
    }

    pub(crate) async fn set_own(
        &self,
        viewer: UserId,
        conv: ConvId,
        patch: MemberPatch,
    ) -> StoreResult<Option<(Counted, Option<Arc<Conversation>>)>> {
        let private = patch.private.as_ref().and_then(|private| private.as_ref().map(|bytes| bytes.to_vec()));
        let row = self
            .write_one(|| {
                sqlx::query(self.sql(CONFIGURE))
                    .bind(viewer.0)
                    .bind(conv.0)
                    .bind(patch.favorite)
                    .bind(patch.muted)
                    .bind(patch.archived)
                    .bind(patch.blocked)
                    .bind(patch.private.is_some())
                    .bind(&private)
            })
            .await?;
        let Some(counted) = self.counted(&row)? else { return Ok(None) };
        let blocked: Option<&str> = get(&row, 3)?;
        let blocked = blocked.map(|text| conversation(text).map(Arc::new)).transpose()?;
        Ok(Some((counted, blocked)))
    }

    pub(crate) async fn hide_message(
        &self,
        viewer: UserId,
        conv: ConvId,
        seq: Seq,
    ) -> StoreResult<Option<Counted>> {
        let row = self
            .write_one(|| sqlx::query(self.sql(HIDE)).bind(viewer.0).bind(conv.0).bind(number(seq.0)))
            .await?;
        self.counted(&row)
    }

    /// Reads own, moved and pos; nothing if the viewer is no active member.
    fn counted(&self, row: &PgRow) -> StoreResult<Option<Counted>> {
        let Some(moved) = get::<Option<bool>>(row, 1)? else { return Ok(None) };
        if let Some(position) = get::<Option<i64>>(row, 2)? {
            self.reached(Position(crate::rows::unsigned(position)));
        }
        Ok(Some(Counted { own: Own(count(row, 0)?), moved }))
    }
}
