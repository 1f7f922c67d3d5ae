//! What members change for themselves.

use crate::batch::Batch;
use crate::chat::{active, advance, message_key, mine, tail, whole};
use crate::expiry::{look_again, start};
use crate::keys::{BLOCK, CONV, HIDDEN, HIDDEN_AT, Key, MEMBER, MINE, PRIVATE};
use crate::read::Rows;
use crate::rows::{ConvRow, Mine, Stored};
use bytes::Bytes;
use mvchat_core::policy::{ConvKind, Conversation};
use mvchat_core::proto::{ConvId, Seq, UserId};
use mvchat_core::seam::{Counted, Marked, Marks, MemberPatch, StoreResult};
use std::sync::Arc;

/// Counts a private change and writes what the member keeps.
fn touch(batch: &mut Batch, conv: ConvId, viewer: UserId, mine: &mut Mine) -> StoreResult<()> {
    mine.own = mine.own.next();
    mine.touched = advance(batch)?;
    batch.put(&Key::member(MINE, conv, viewer), mine)
}

/// Moves a read mark over the member's own messages that follow it.
fn past_own(batch: &Batch, viewer: UserId, conv: ConvId, mut read: Seq) -> StoreResult<Seq> {
    while let Some(Stored { message, .. }) = batch.row(&message_key(conv, read.next()))?
        && message.from == Some(viewer)
    {
        read = read.next();
    }
    Ok(read)
}

pub(crate) fn mark(
    batch: &mut Batch,
    viewer: UserId,
    conv: ConvId,
    marks: Marks,
) -> StoreResult<Option<Marked>> {
    let Some(mut mine) = mine(batch, conv, viewer)? else { return Ok(None) };
    let last = tail(batch, conv)?.last_seq;
    let before = mine;
    let forward = |mark: Seq, to: Option<Seq>| to.map_or(mark, |to| mark.max(to.min(last)));
    mine.read = past_own(batch, viewer, conv, forward(mine.read, marks.read))?;
    mine.recv = forward(mine.recv, marks.recv).max(mine.read);
    mine.clear = forward(mine.clear, marks.clear);
    let moved = mine != before;
    let mut due = None;
    if moved {
        touch(batch, conv, viewer, &mut mine)?;
        due = start(batch, conv, viewer, (before.read, mine.read), marks.at)?;
        if mine.clear > before.clear {
            look_again(batch, conv)?;
        }
    }
    let Mine { own, read, recv, clear, .. } = mine;
    Ok(Some(Marked { read, recv, clear, own, moved, due }))
}

pub(crate) fn configure(
    batch: &mut Batch,
    viewer: UserId,
    conv: ConvId,
    patch: MemberPatch,
) -> StoreResult<Option<(Counted, Option<Arc<Conversation>>)>> {
    let Some(mut mine) = mine(batch, conv, viewer)? else { return Ok(None) };
    let before = mine;
    mine.favorite = patch.favorite.unwrap_or(mine.favorite);
    mine.muted = patch.muted.unwrap_or(mine.muted);
    mine.archived = patch.archived.unwrap_or(mine.archived);
    let mut changed = mine != before;
    if let Some(private) = patch.private {
        let key = Key::member(PRIVATE, conv, viewer);
        if batch.row::<Bytes>(&key)? != private {
            changed = true;
            match private {
                Some(private) => batch.put(&key, &private)?,
                None => batch.remove(&key)?,
            }
        }
    }
    let blocked = match patch.blocked {
        Some(blocked) => block(batch, viewer, conv, blocked)?,
        None => None,
    };
    let moved = changed || blocked.is_some();
    if moved {
        touch(batch, conv, viewer, &mut mine)?;
    }
    Ok(Some((Counted { own: mine.own, moved }, blocked)))
}

/// Sets or lifts a block in a direct conversation; returns the conversation if that changed it.
fn block(
    batch: &mut Batch,
    viewer: UserId,
    conv: ConvId,
    blocked: bool,
) -> StoreResult<Option<Arc<Conversation>>> {
    let Some(row) = batch.row::<ConvRow>(&Key::conv(CONV, conv))? else { return Ok(None) };
    let Some(mut member) = active(batch, conv, viewer)? else { return Ok(None) };
    if row.kind != ConvKind::Dm || member.blocks == blocked {
        return Ok(None);
    }
    member.blocks = blocked;
    batch.put(&Key::member(MEMBER, conv, viewer), &member)?;
    let row = ConvRow { epoch: row.epoch.next(), ..row };
    batch.put(&Key::conv(CONV, conv), &row)?;
    let changed = whole(batch, conv, row)?;
    if let Some(peer) = changed.peer_of(viewer) {
        let stands = changed.members.values().any(|member| member.blocks);
        for (one, other) in [(viewer, peer), (peer, viewer)] {
            let key = Key::user(BLOCK, one).id(other.0);
            if stands { batch.put(&key, &())? } else { batch.remove(&key)? }
        }
    }
    Ok(Some(Arc::new(changed)))
}

pub(crate) fn hide(
    batch: &mut Batch,
    viewer: UserId,
    conv: ConvId,
    seq: Seq,
) -> StoreResult<Option<Counted>> {
    let Some(mut mine) = mine(batch, conv, viewer)? else { return Ok(None) };
    let key = Key::member(HIDDEN, conv, viewer).number(seq.0);
    if batch.has(&key)? {
        return Ok(Some(Counted { own: mine.own, moved: false }));
    }
    if seq <= mine.clear || !batch.has(&message_key(conv, seq))? {
        return Ok(None);
    }
    touch(batch, conv, viewer, &mut mine)?;
    batch.put(&key, &mine.own)?;
    batch.put(&Key::member(HIDDEN_AT, conv, viewer).number(mine.own.0), &seq)?;
    look_again(batch, conv)?;
    Ok(Some(Counted { own: mine.own, moved: true }))
}
