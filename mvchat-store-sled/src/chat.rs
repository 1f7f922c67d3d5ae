//! One conversation, put together from its rows.

use crate::batch::Batch;
use crate::codec::decode;
use crate::error::internal;
use crate::keys::{CONV, HIDDEN, Key, KeyRange, MEMBER, MESSAGE, META, MINE, TAIL, last_id, last_number};
use crate::read::{Rows, Scan};
use crate::rows::{ConvRow, Mine, Stored, Tail};
use mvchat_core::policy::{Conversation, Member, Message, Standing};
use mvchat_core::proto::{ConvId, Position, Seq, UserId};
use mvchat_core::seam::StoreResult;
use std::collections::BTreeMap;
use std::iter::Peekable;

/// Returns a conversation with its members.
pub(crate) fn conversation(rows: &impl Rows, conv: ConvId) -> StoreResult<Option<Conversation>> {
    let Some(row) = rows.row::<ConvRow>(&Key::conv(CONV, conv))? else { return Ok(None) };
    whole(rows, conv, row).map(Some)
}

/// Adds the members to what is known of a conversation.
pub(crate) fn whole(rows: &impl Rows, conv: ConvId, row: ConvRow) -> StoreResult<Conversation> {
    let ConvRow { kind, epoch, owner, created_at, settings, .. } = row;
    let members = members(rows, Key::conv(MEMBER, conv).all()).collect::<StoreResult<BTreeMap<_, _>>>()?;
    Ok(Conversation { id: conv, kind, epoch, owner, created_at, settings, members })
}

/// Walks members in the order of their ids.
pub(crate) fn members(
    rows: &impl Rows,
    range: KeyRange,
) -> impl Iterator<Item = StoreResult<(UserId, Member)>> {
    rows.up(range).map(|item| {
        let (key, stored) = item?;
        Ok((UserId(last_id(&key)), decode(&stored)?))
    })
}

/// Returns the active member with this id.
pub(crate) fn active(rows: &impl Rows, conv: ConvId, user: UserId) -> StoreResult<Option<Member>> {
    let member: Option<Member> = rows.row(&Key::member(MEMBER, conv, user))?;
    Ok(member.filter(|member| member.standing == Standing::Active))
}

/// Returns what an active member keeps.
pub(crate) fn mine(rows: &impl Rows, conv: ConvId, user: UserId) -> StoreResult<Option<Mine>> {
    match active(rows, conv, user)? {
        Some(_) => rows.row(&Key::member(MINE, conv, user)),
        None => Ok(None),
    }
}

/// Returns what the shared changes of a conversation moved.
pub(crate) fn tail(rows: &impl Rows, conv: ConvId) -> StoreResult<Tail> {
    rows.row(&Key::conv(TAIL, conv))?.ok_or_else(|| internal("a conversation without its counters"))
}

pub(crate) fn message_key(conv: ConvId, seq: Seq) -> Key {
    Key::conv(MESSAGE, conv).number(seq.0)
}

/// Returns a message that a member with these marks can see.
pub(crate) fn visible(
    rows: &impl Rows,
    conv: ConvId,
    viewer: UserId,
    mine: &Mine,
    seq: Seq,
) -> StoreResult<Option<Message>> {
    if seq <= mine.clear || rows.has(&Key::member(HIDDEN, conv, viewer).number(seq.0))? {
        return Ok(None);
    }
    let stored: Option<Stored> = rows.row(&message_key(conv, seq))?;
    Ok(stored.map(|stored| stored.message))
}

/// A walk over the stored messages that a viewer can see.
pub(crate) struct Walk<'a, R: Rows> {
    messages: Scan<'a, R>,
    hidden: Peekable<Scan<'a, R>>,
    downwards: bool,
}

impl<'a, R: Rows> Walk<'a, R> {
    /// Walks upwards from a message on, at least from behind the cleared ones.
    pub(crate) fn up(rows: &'a R, conv: ConvId, viewer: UserId, mine: &Mine, from: Seq) -> Self {
        let from = from.0.max(mine.clear.0.saturating_add(1));
        Self {
            messages: rows.up(Key::conv(MESSAGE, conv).starting(from)),
            hidden: rows.up(Key::member(HIDDEN, conv, viewer).starting(from)).peekable(),
            downwards: false,
        }
    }

    /// Walks downwards from before a message to behind the cleared ones.
    pub(crate) fn down(rows: &'a R, conv: ConvId, viewer: UserId, mine: &Mine, before: Seq) -> Self {
        let from = mine.clear.0.saturating_add(1);
        Self {
            messages: rows.down(Key::conv(MESSAGE, conv).between(from, before.0)),
            hidden: rows.down(Key::member(HIDDEN, conv, viewer).between(from, before.0)).peekable(),
            downwards: true,
        }
    }

    /// Returns whether the message is among the hidden ones, which are walked alongside.
    fn is_hidden(&mut self, seq: u64) -> StoreResult<bool> {
        while let Some(item) = self.hidden.peek() {
            let hidden = match item {
                Ok((key, _)) => last_number(key),
                Err(_) => return self.hidden.next().map_or(Ok(false), |item| item.map(|_| false)),
            };
            let behind = if self.downwards { hidden > seq } else { hidden < seq };
            if !behind {
                return Ok(hidden == seq);
            }
            self.hidden.next();
        }
        Ok(false)
    }
}

impl<R: Rows> Iterator for Walk<'_, R> {
    type Item = StoreResult<(sled::IVec, sled::IVec)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (key, stored) = match self.messages.next()? {
                Ok(item) => item,
                Err(error) => return Some(Err(error)),
            };
            match self.is_hidden(last_number(&key)) {
                Ok(false) => return Some(Ok((key, stored))),
                Ok(true) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

pub(crate) fn position_key() -> Key {
    Key::of(META).text("position")
}

/// Returns the last position that was given out.
pub(crate) fn position(rows: &impl Rows) -> StoreResult<Position> {
    Ok(rows.row(&position_key())?.unwrap_or_default())
}

/// Gives out the next position.
pub(crate) fn advance(batch: &mut Batch) -> StoreResult<Position> {
    let next = position(batch)?.next();
    batch.put(&position_key(), &next)?;
    Ok(next)
}
