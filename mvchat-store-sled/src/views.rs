//! Conversations as one of their members sees them.

use crate::chat::{Walk, active, members, position, tail};
use crate::keys::{CONV, CONV_OF, Key, MEMBER, MINE, PRIVATE, last_id};
use crate::log::untied;
use crate::read::{Rows, start};
use crate::rows::{ConvRow, Listed, Mine, Stored, Tail};
use mvchat_core::policy::{ConvKind, Member};
use mvchat_core::proto::{ConvId, Position, UserId};
use mvchat_core::seam::{StoreResult, View, ViewConv, ViewMember, ViewQuery, Views};
use mvchat_core::time::Timestamp;

/// Unread messages are counted to here.
const MOST_UNREAD: usize = 1_000;

pub(crate) fn views(rows: &impl Rows, viewer: UserId, query: ViewQuery) -> StoreResult<Views> {
    let position = position(rows)?;
    match query {
        ViewQuery::One(conv) => {
            let one = view(rows, viewer, conv)?.into_iter().collect();
            Ok(Views { rows: one, more: false, position })
        }
        ViewQuery::Page { before, limit } => {
            let (convs, more) = by_activity(rows, viewer, before, limit)?;
            let page = convs.into_iter().filter_map(|conv| view(rows, viewer, conv).transpose());
            Ok(Views { rows: page.collect::<StoreResult<_>>()?, more, position })
        }
        ViewQuery::Since { position: since, limit } => {
            let (convs, more) = by_touch(rows, viewer, since, limit)?;
            let last = convs.last().map_or(since, |(touched, _)| *touched);
            let mut page = Vec::new();
            for (_, conv) in convs {
                page.extend(match view(rows, viewer, conv)? {
                    None => gone(rows, viewer, conv)?,
                    view => view,
                });
            }
            Ok(Views { rows: page, more, position: if more { last } else { position } })
        }
        // A question that this store does not know has no answer.
        _ => Ok(Views { rows: Vec::new(), more: false, position }),
    }
}

/// Returns the viewer's conversations, the newest activity first, and whether there are more.
///
/// Costs one small row for each of them: to keep them in order on the disk, every message would have to be
/// noted for every member.
fn by_activity(
    rows: &impl Rows,
    viewer: UserId,
    before: Option<(Timestamp, ConvId)>,
    limit: usize,
) -> StoreResult<(Vec<ConvId>, bool)> {
    let mut found = Vec::new();
    for item in listed(rows, viewer) {
        let (conv, listed) = item?;
        if !listed.active {
            continue;
        }
        let place = (tail(rows, conv)?.last_at.unwrap_or(listed.created_at), conv);
        if before.is_none_or(|before| place < before) {
            found.push(place);
        }
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
    let more = found.len() > limit;
    Ok((found.into_iter().take(limit).map(|(_, conv)| conv).collect(), more))
}

/// Returns the viewer's conversations touched after a position, in that order, and whether there are more.
fn by_touch(
    rows: &impl Rows,
    viewer: UserId,
    since: Position,
    limit: usize,
) -> StoreResult<(Vec<(Position, ConvId)>, bool)> {
    let mut found = Vec::new();
    for item in listed(rows, viewer) {
        let (conv, listed) = item?;
        let touched = if listed.active {
            let mine: Mine = rows.row(&Key::member(MINE, conv, viewer))?.unwrap_or_default();
            Some(tail(rows, conv)?.touched.max(mine.touched))
        } else {
            listed.removed
        };
        found.extend(touched.filter(|touched| *touched > since).map(|touched| (touched, conv)));
    }
    found.sort_unstable();
    let end = untied(&found, limit, |(touched, _)| *touched);
    let more = found.len() > end;
    found.truncate(end);
    Ok((found, more))
}

fn listed(rows: &impl Rows, viewer: UserId) -> impl Iterator<Item = StoreResult<(ConvId, Listed)>> {
    rows.up(Key::user(CONV_OF, viewer).all()).map(|item| {
        let (key, stored) = item?;
        Ok((ConvId(last_id(&key)), rows.decoded(&key, &stored)?))
    })
}

/// Returns a conversation as an active member sees it.
pub(crate) fn view(rows: &impl Rows, viewer: UserId, conv: ConvId) -> StoreResult<Option<View>> {
    let Some(member) = active(rows, conv, viewer)? else { return Ok(None) };
    let Some(row) = rows.row::<ConvRow>(&Key::conv(CONV, conv))? else { return Ok(None) };
    let mine: Mine = rows.row(&Key::member(MINE, conv, viewer))?.unwrap_or_default();
    let tail = tail(rows, conv)?;
    let unread = unread(rows, viewer, conv, &mine, &tail)?;
    let peer = match row.kind {
        ConvKind::Dm => peer(rows, viewer, conv)?,
        _ => None,
    };
    let ConvRow { kind, created_at, settings, active, .. } = row;
    let Mine { own, read, recv, clear, favorite, muted, archived, .. } = mine;
    let Member { role, blocks: blocked, .. } = member;
    let private = rows.row(&Key::member(PRIVATE, conv, viewer))?;
    Ok(Some(View {
        conv: ViewConv {
            id: conv,
            kind,
            created_at,
            rev: tail.rev,
            last_seq: tail.last_seq,
            last_at: tail.last_at,
            settings,
        },
        me: ViewMember { role, own, read, recv, clear, favorite, muted, archived, blocked, private },
        unread,
        peer,
        members: usize::try_from(active).unwrap_or(usize::MAX),
        gone: false,
    }))
}

/// Counts the visible messages of others after the read mark. Reads the beginning of each only.
fn unread(rows: &impl Rows, viewer: UserId, conv: ConvId, mine: &Mine, tail: &Tail) -> StoreResult<u32> {
    let mut unread = 0;
    if mine.read >= tail.last_seq {
        return Ok(unread);
    }
    for item in Walk::up(rows, conv, viewer, mine, mine.read.next()) {
        if Stored::counts_as_unread(start(&item?.1), viewer)? {
            unread += 1;
            if unread as usize == MOST_UNREAD {
                break;
            }
        }
    }
    Ok(unread)
}

/// Returns the other member of a direct conversation and whether that one blocks the viewer.
fn peer(rows: &impl Rows, viewer: UserId, conv: ConvId) -> StoreResult<Option<(UserId, bool)>> {
    for item in members(rows, Key::conv(MEMBER, conv).all()) {
        let (user, member) = item?;
        if user != viewer {
            return Ok(Some((user, member.blocks)));
        }
    }
    Ok(None)
}

/// Returns what is left of a conversation for one who was a member: nothing of what it holds.
fn gone(rows: &impl Rows, viewer: UserId, conv: ConvId) -> StoreResult<Option<View>> {
    let Some(row) = rows.row::<ConvRow>(&Key::conv(CONV, conv))? else { return Ok(None) };
    let Some(member) = rows.row::<Member>(&Key::member(MEMBER, conv, viewer))? else { return Ok(None) };
    Ok(Some(View::gone(conv, row.kind, row.created_at, member.role)))
}
