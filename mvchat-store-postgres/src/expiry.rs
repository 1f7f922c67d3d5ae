//! What disappears by itself.

use crate::PgStore;
use crate::rows::{get, message, message_columns, unsigned};
use async_trait::async_trait;
use mvchat_core::policy::MessageState;
use mvchat_core::proto::{ConvId, Own, Position, Seq, UserId};
use mvchat_core::seam::{Expired, ExpiredFor, ExpiryStore, StoreResult};
use mvchat_core::time::Timestamp;
use uuid::Uuid;

const NEXT: &str = "select min(d.at) from @.due d";
const EXPIRE: &str = "select kind, conv, user_id, own, seqs, pos, more, upcoming from @.expire($1, $2)";
const SPENT: &str = concat!(
    "select i.conv, ",
    message_columns!(),
    " from unnest($1::uuid[], $2::bigint[]) with ordinality i(conv, seq, ord) \
     join @.messages m on m.conv = i.conv and m.seq = i.seq order by i.ord"
);
pub(crate) const STATEMENTS: &[&str] = &[NEXT, EXPIRE, SPENT];

#[async_trait]
impl ExpiryStore for PgStore {
    async fn expire(&self, now: Timestamp, limit: usize) -> StoreResult<Expired> {
        // Mostly nothing is due, and then nothing has to be written.
        let rows = self.read(|| sqlx::query(self.sql(NEXT))).await?;
        let next = rows.first().map(|row| get::<Option<i64>>(row, 0)).transpose()?.flatten();
        let next = next.map(Timestamp::from_micros);
        if next.is_none_or(|next| next > now) {
            return Ok(Expired { next, ..Expired::default() });
        }
        let most = i32::try_from(limit.min(MOST)).unwrap_or(i32::MAX);
        let rows = self.write(|| sqlx::query(self.sql(EXPIRE)).bind(now.as_micros()).bind(most)).await?;
        let mut expired = Expired::default();
        let mut spent: (Vec<Uuid>, Vec<i64>) = Default::default();
        for row in &rows {
            let seqs: Vec<i64> = get::<Option<Vec<i64>>>(row, 4)?.unwrap_or_default();
            match get::<i16>(row, 0)? {
                1 => {
                    self.reached(Position(unsigned(get(row, 5)?)));
                    expired.hidden.push(ExpiredFor {
                        conv: ConvId(get(row, 1)?),
                        user: UserId(get(row, 2)?),
                        own: Own(unsigned(get(row, 3)?)),
                        seqs: seqs.into_iter().map(|seq| Seq(unsigned(seq))).collect(),
                    });
                }
                2 => {
                    let conv: Uuid = get(row, 1)?;
                    spent.0.extend(seqs.iter().map(|_| conv));
                    spent.1.extend(seqs);
                }
                _ => {
                    expired.more = get(row, 6)?;
                    expired.next = get::<Option<i64>>(row, 7)?.map(Timestamp::from_micros);
                }
            }
        }
        if !spent.0.is_empty() {
            let query = || sqlx::query(self.sql(SPENT)).bind(&spent.0[..]).bind(&spent.1[..]);
            for row in &self.read(query).await? {
                let (conv, message) = (ConvId(get(row, 0)?), message(row, 1)?);
                // What somebody took back meanwhile is gone already.
                if message.body.state == MessageState::Live {
                    expired.spent.push((conv, message));
                }
            }
        }
        Ok(expired)
    }
}

/// Places in the log have ten bits for the entries of a statement.
const MOST: usize = 1_000;
