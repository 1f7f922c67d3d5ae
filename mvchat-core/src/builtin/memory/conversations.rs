//! Conversations in memory, and what their members change for themselves.

use super::chat::Chat;
use super::{MemoryStore, State, already_exists, full};
use crate::policy::{ConvKind, Conversation, Member, Standing};
use crate::proto::{ConvId, Epoch, Rev, Seq, UserId};
use crate::seam::{
    ConversationStore, Counted, LogEntry, LogEvent, Marked, Marks, MemberPatch, NewConversation, ReceiptRow,
    StoreResult, ViewQuery, Views,
};
use async_trait::async_trait;
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// What a conversation is found by when it is made again.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Found {
    Dm(Vec<UserId>),
    Me(Vec<UserId>),
    Group(Option<UserId>, String),
}

impl Found {
    fn by(new: &NewConversation) -> Option<Self> {
        let members = || new.members.keys().copied().collect();
        match new.kind {
            ConvKind::Dm => Some(Self::Dm(members())),
            ConvKind::Me => Some(Self::Me(members())),
            ConvKind::Group => Some(Self::Group(new.owner, new.cid.clone()?)),
        }
    }
}

#[async_trait]
impl ConversationStore for MemoryStore {
    async fn create_conversation(&self, new: NewConversation) -> StoreResult<(Arc<Conversation>, bool)> {
        self.state.lock().create_conversation(new)
    }

    async fn conversation(&self, conv: ConvId) -> StoreResult<Option<Arc<Conversation>>> {
        Ok(self.state.lock().chats.get(&conv).map(|chat| chat.conv.clone()))
    }

    async fn views(&self, viewer: UserId, query: ViewQuery) -> StoreResult<Views> {
        Ok(self.state.lock().views(viewer, query))
    }

    async fn mark(&self, viewer: UserId, conv: ConvId, marks: Marks) -> StoreResult<Option<Marked>> {
        Ok(self.state.lock().mark(viewer, conv, marks))
    }

    async fn configure(
        &self,
        viewer: UserId,
        conv: ConvId,
        patch: MemberPatch,
    ) -> StoreResult<Option<(Counted, Option<Arc<Conversation>>)>> {
        Ok(self.state.lock().configure(viewer, conv, patch))
    }

    async fn hide(&self, viewer: UserId, conv: ConvId, seq: Seq) -> StoreResult<Option<Counted>> {
        Ok(self.state.lock().hide(viewer, conv, seq))
    }

    async fn receipts(
        &self,
        viewer: UserId,
        conv: ConvId,
        after: Option<UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<ReceiptRow>>> {
        let state = self.state.lock();
        let Some(chat) = state.chats.get(&conv).filter(|chat| chat.mine(viewer).is_some()) else {
            return Ok(None);
        };
        let rows = chat
            .mine
            .iter()
            .filter(|(user, _)| {
                chat.conv.active(**user).is_some() && after.is_none_or(|after| **user > after)
            })
            .take(limit)
            .map(|(user, mine)| ReceiptRow { user: *user, read: mine.read, recv: mine.recv });
        Ok(Some(rows.collect()))
    }

    async fn peers(&self, user: UserId, max_members: usize) -> StoreResult<Vec<UserId>> {
        let state = self.state.lock();
        let blocked = state.blocked_with(user);
        let near = state.chats.values().filter(|chat| {
            chat.conv.active(user).is_some()
                && (chat.conv.kind == ConvKind::Dm || chat.conv.active_members().count() <= max_members)
        });
        let peers: BTreeSet<UserId> =
            near.flat_map(|chat| chat.conv.active_members().map(|(peer, _)| peer)).collect();
        Ok(peers.into_iter().filter(|peer| *peer != user && !blocked.contains(peer)).collect())
    }

    async fn blocked_with(&self, user: UserId) -> StoreResult<Vec<UserId>> {
        Ok(self.state.lock().blocked_with(user).into_iter().collect())
    }
}

impl State {
    fn create_conversation(&mut self, new: NewConversation) -> StoreResult<(Arc<Conversation>, bool)> {
        let found = Found::by(&new);
        let known = found.as_ref().and_then(|found| self.found.get(found)).and_then(|id| self.chats.get(id));
        if let Some(chat) = known {
            return Ok((chat.conv.clone(), false));
        }
        if self.chats.contains_key(&new.id) {
            return Err(already_exists("the conversation exists"));
        }
        if let Some(most) = new.max_per_user
            && new.members.keys().any(|user| self.count_of(*user) >= most)
        {
            return Err(full());
        }
        let position = self.advance();
        let (conv, at) = (new.id, new.at);
        let actor = new.owner.or_else(|| new.members.keys().next().copied()).unwrap_or(UserId(Uuid::nil()));
        let member = |role| Member {
            role,
            standing: Standing::Active,
            blocks: false,
            muted_until: None,
            joined_at: at,
            rev: Rev(0),
        };
        let chat = Chat::new(
            Conversation {
                id: conv,
                kind: new.kind,
                epoch: Epoch(0),
                owner: new.owner,
                created_at: at,
                settings: new.settings,
                members: new.members.into_iter().map(|(user, role)| (user, member(role))).collect(),
            },
            position,
        );
        let made = chat.conv.clone();
        self.chats.insert(conv, chat);
        self.found.extend(found.map(|found| (found, conv)));
        self.log.push(LogEntry {
            position,
            conv,
            rev: Rev(0),
            actor,
            at,
            seq: None,
            event: LogEvent::Created,
        });
        Ok((made, true))
    }

    /// Returns how many conversations a user is in.
    pub(super) fn count_of(&self, user: UserId) -> usize {
        self.chats.values().filter(|chat| chat.conv.active(user).is_some()).count()
    }

    fn mark(&mut self, viewer: UserId, conv: ConvId, marks: Marks) -> Option<Marked> {
        let next = self.position.next();
        let chat = self.chats.get_mut(&conv)?;
        let last = chat.last_seq;
        let moved = |mark: Seq, to: Option<Seq>| to.map_or(mark, |to| mark.max(to.min(last)));
        let read = chat.past_own(viewer, moved(chat.mine(viewer)?.read, marks.read));
        let mine = chat.mine_mut(viewer)?;
        let before = (mine.read, mine.recv, mine.clear);
        mine.read = read;
        mine.recv = moved(mine.recv, marks.recv).max(mine.read);
        mine.clear = moved(mine.clear, marks.clear);
        let moved = before != (mine.read, mine.recv, mine.clear);
        if moved {
            mine.touch(next);
        }
        let mut marked =
            Marked { read: mine.read, recv: mine.recv, clear: mine.clear, own: mine.own, moved, due: None };
        if moved {
            self.advance();
            marked.due = self.start(conv, viewer, (before.0, marked.read), marks.at);
            if marked.clear > before.2 {
                self.look_again(conv);
            }
        }
        Some(marked)
    }

    fn configure(
        &mut self,
        viewer: UserId,
        conv: ConvId,
        patch: MemberPatch,
    ) -> Option<(Counted, Option<Arc<Conversation>>)> {
        let next = self.position.next();
        let chat = self.chats.get_mut(&conv)?;
        let blocks = chat.conv.active(viewer)?.blocks;
        let blocked = patch.blocked.filter(|blocked| chat.conv.kind == ConvKind::Dm && *blocked != blocks);
        let mine = chat.mine_mut(viewer)?;
        let before = (mine.favorite, mine.muted, mine.archived, mine.private.clone());
        mine.favorite = patch.favorite.unwrap_or(mine.favorite);
        mine.muted = patch.muted.unwrap_or(mine.muted);
        mine.archived = patch.archived.unwrap_or(mine.archived);
        if let Some(private) = patch.private {
            mine.private = private;
        }
        let after = (mine.favorite, mine.muted, mine.archived, mine.private.clone());
        if before == after && blocked.is_none() {
            return Some((Counted { own: mine.own, moved: false }, None));
        }
        mine.touch(next);
        let own = mine.own;
        let changed = blocked.map(|blocked| {
            let conv = Arc::make_mut(&mut chat.conv);
            conv.epoch = conv.epoch.next();
            conv.members.entry(viewer).and_modify(|member| member.blocks = blocked);
            chat.conv.clone()
        });
        self.advance();
        Some((Counted { own, moved: true }, changed))
    }

    fn hide(&mut self, viewer: UserId, conv: ConvId, seq: Seq) -> Option<Counted> {
        let next = self.position.next();
        let chat = self.chats.get_mut(&conv)?;
        let known = chat.messages.contains_key(&seq);
        let mine = chat.mine_mut(viewer)?;
        if mine.hidden.contains_key(&seq) {
            return Some(Counted { own: mine.own, moved: false });
        }
        if !known || !mine.sees(seq) {
            return None;
        }
        mine.touch(next);
        mine.hidden.insert(seq, mine.own);
        let own = mine.own;
        self.advance();
        self.look_again(conv);
        Some(Counted { own, moved: true })
    }

    fn blocked_with(&self, user: UserId) -> BTreeSet<UserId> {
        let dms = self.chats.values().filter(|chat| chat.conv.kind == ConvKind::Dm);
        dms.filter(|chat| chat.conv.members.values().any(|member| member.blocks))
            .filter(|chat| chat.conv.members.contains_key(&user))
            .filter_map(|chat| chat.conv.peer_of(user))
            .collect()
    }
}
