//! Who is mentioned where: an index of the live messages, by mentioned user and time.

use crate::batch::Batch;
use crate::chat::{mine, visible};
use crate::keys::{Key, MENTION, last_id, last_number};
use crate::read::Rows;
use mvchat_core::policy::{Message, MessageBody, MessageState};
use mvchat_core::proto::{ConvId, Seq, UserId};
use mvchat_core::seam::{Mention, StoreResult};
use mvchat_core::time::Timestamp;
use std::collections::{BTreeSet, HashMap};

/// Writes what a message mentions now, and takes out what it mentioned before.
pub(crate) fn index(
    batch: &mut Batch,
    conv: ConvId,
    message: &Message,
    before: Option<&MessageBody>,
) -> StoreResult<()> {
    let before = before.map(mentioned).unwrap_or_default();
    let now = mentioned(&message.body);
    let key = |user: &UserId| mention_key(*user, conv, message.ts, message.seq);
    for gone in before.difference(&now) {
        batch.remove(&key(gone))?;
    }
    for new in now.difference(&before) {
        batch.put(&key(new), &())?;
    }
    Ok(())
}

/// Takes out what a message mentions, because it is erased.
pub(crate) fn forget(batch: &mut Batch, conv: ConvId, message: &Message) -> StoreResult<()> {
    for user in mentioned(&message.body) {
        batch.remove(&mention_key(user, conv, message.ts, message.seq))?;
    }
    Ok(())
}

fn mentioned(body: &MessageBody) -> BTreeSet<UserId> {
    let live = body.state == MessageState::Live;
    body.mentions.iter().copied().filter(|_| live).collect()
}

fn mention_key(user: UserId, conv: ConvId, at: Timestamp, seq: Seq) -> Key {
    // Times before 1970 are negative; with the sign turned they come first.
    let at = at.as_micros().cast_unsigned() ^ (1 << 63);
    Key::user(MENTION, user).number(at).id(conv.0).number(seq.0)
}

/// Walks the index from its end and keeps what the viewer can see.
pub(crate) fn mentions(rows: &impl Rows, viewer: UserId, limit: usize) -> StoreResult<Vec<Mention>> {
    let mut found = Vec::new();
    let mut known = HashMap::new();
    for item in rows.down(Key::user(MENTION, viewer).all()) {
        if found.len() == limit {
            break;
        }
        let (key, _) = item?;
        let (place, seq) = key.split_at(key.len().saturating_sub(8));
        let (conv, seq) = (ConvId(last_id(place)), Seq(last_number(seq)));
        let mine = match known.get(&conv) {
            Some(mine) => *mine,
            None => *known.entry(conv).or_insert(mine(rows, conv, viewer)?),
        };
        let Some(mine) = mine else { continue };
        let Some(message) = visible(rows, conv, viewer, &mine, seq)? else { continue };
        let replied = match message.reply_to {
            Some(seq) => visible(rows, conv, viewer, &mine, seq)?,
            None => None,
        };
        found.push(Mention { conv, message, replied });
    }
    Ok(found)
}
