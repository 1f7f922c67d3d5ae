//! Conversations as their members see them, in memory.

use super::chat::Chat;
use super::{State, untied};
use crate::policy::Standing;
use crate::proto::{ConvId, Position, UserId};
use crate::seam::{View, ViewConv, ViewQuery, Views};
use std::cmp::Reverse;

impl State {
    pub(super) fn views(&self, viewer: UserId, query: ViewQuery) -> Views {
        match query {
            ViewQuery::One(conv) => self.one(viewer, conv),
            ViewQuery::Page { before, limit } => {
                let mut rows: Vec<View> = self.chats.values().filter_map(|chat| chat.view(viewer)).collect();
                rows.sort_by_key(|row| Reverse((row.conv.activity(), row.conv.id)));
                rows.retain(|row| before.is_none_or(|before| (row.conv.activity(), row.conv.id) < before));
                let more = rows.len() > limit;
                rows.truncate(limit);
                Views { rows, more, position: self.position }
            }
            ViewQuery::Since { position, limit } => self.since(viewer, position, limit),
        }
    }

    fn one(&self, viewer: UserId, conv: ConvId) -> Views {
        let row = self.chats.get(&conv).and_then(|chat| chat.view(viewer));
        Views { rows: row.into_iter().collect(), more: false, position: self.position }
    }

    fn since(&self, viewer: UserId, position: Position, limit: usize) -> Views {
        let mut touched: Vec<(Position, &Chat)> = self
            .chats
            .values()
            .filter_map(|chat| Some((chat.touched_for(viewer)?, chat)))
            .filter(|(touched, _)| *touched > position)
            .collect();
        touched.sort_by_key(|(touched, _)| *touched);
        let end = untied(&touched, limit, |(touched, _)| *touched);
        let more = touched.len() > end;
        touched.truncate(end);
        let last = touched.last().map_or(position, |(touched, _)| *touched);
        let rows =
            touched.into_iter().filter_map(|(_, chat)| chat.view(viewer).or_else(|| chat.gone(viewer)));
        Views { rows: rows.collect(), more, position: if more { last } else { self.position } }
    }
}

impl Chat {
    /// Returns the conversation as an active member sees it.
    pub(super) fn view(&self, viewer: UserId) -> Option<View> {
        let mine = self.mine(viewer)?;
        let peer = self.conv.peer_of(viewer);
        Some(View {
            conv: ViewConv {
                id: self.conv.id,
                kind: self.conv.kind,
                created_at: self.conv.created_at,
                rev: self.rev,
                last_seq: self.last_seq,
                last_at: self.last_at,
                settings: self.conv.settings.clone(),
            },
            me: self.view_member(viewer, mine)?,
            unread: self.unread(viewer, mine),
            peer: peer.map(|peer| (peer, self.conv.members.get(&peer).is_some_and(|member| member.blocks))),
            members: self.conv.active_members().count(),
            gone: false,
        })
    }

    /// Returns what is left of the conversation for one who was a member: nothing that came after.
    fn gone(&self, viewer: UserId) -> Option<View> {
        let member = self.conv.members.get(&viewer)?;
        Some(View::gone(self.conv.id, self.conv.kind, self.conv.created_at, member.role))
    }

    /// Returns where the conversation last changed for one who is or was a member.
    fn touched_for(&self, viewer: UserId) -> Option<Position> {
        let mine = self.mine.get(&viewer)?;
        match self.conv.members.get(&viewer)?.standing {
            Standing::Active => Some(self.touched.max(mine.touched)),
            Standing::Left | Standing::Kicked | Standing::Banned => mine.removed,
        }
    }
}
