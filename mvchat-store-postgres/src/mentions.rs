//! Messages that mention somebody.

use crate::PgStore;
use crate::rows::{MESSAGE, get, limit, message, message_columns};
use mvchat_core::proto::{ConvId, UserId};
use mvchat_core::seam::{Mention, StoreResult};

const MENTIONS: &str = concat!(
    "select ",
    message_columns!(),
    ", m.conv, r.seq, r.rev, r.id, r.sender, r.ts, r.state, r.content, r.cid, r.reply_to, r.view_once, r.mentions, \
     r.extra, r.expires_at, r.event from @.mentions x \
     join @.members me on me.conv = x.conv and me.user_id = $1 and me.standing = 1 join @.messages m on m.conv = x.conv and m.seq = x.seq \
     left join @.messages r on r.conv = m.conv and r.seq = m.reply_to and r.seq > me.clear_seq and not exists \
     (select from @.hidden h where h.conv = r.conv and h.user_id = $1 and h.seq = r.seq) \
     where x.user_id = $1 and m.state = 1 and m.seq > me.clear_seq and not exists \
     (select from @.hidden h where h.conv = m.conv and h.user_id = $1 and h.seq = m.seq) \
     order by x.ts desc, x.conv desc, x.seq desc limit $2"
);
pub(crate) const STATEMENTS: &[&str] = &[MENTIONS];

impl PgStore {
    pub(crate) async fn mentions_of(&self, viewer: UserId, most: usize) -> StoreResult<Vec<Mention>> {
        let rows = self.read(|| sqlx::query(self.sql(MENTIONS)).bind(viewer.0).bind(limit(most))).await?;
        let read = |row| {
            let answered = get::<Option<i64>>(row, MESSAGE + 1)?.is_some();
            Ok(Mention {
                conv: ConvId(get(row, MESSAGE)?),
                message: message(row, 0)?,
                replied: answered.then(|| message(row, MESSAGE + 1)).transpose()?,
            })
        };
        rows.iter().map(read).collect()
    }
}
