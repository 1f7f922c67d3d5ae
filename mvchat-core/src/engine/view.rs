//! What users see: rows of the store, opened and put together.

use super::chat::Inner;
use super::system;
use crate::builtin::keys::Context;
use crate::error::Result;
use crate::irido::{Irido, Rules};
use crate::policy::{self, Access, Message, MessageState, Ties};
use crate::proto::{
    Audience, ConvId, ConvItem, Head, HeadMention, HeadReply, Json, MemberItem, MessageItem, Privacy, UserId,
    UserItem,
};
use crate::seam::audit::AuditEvent;
use crate::seam::{ContactRow, UserRow, View};
use std::collections::{BTreeMap, BTreeSet};

/// The longest preview of an answered message, in grapheme clusters.
const PREVIEW: usize = 50;
/// How often it is looked who may know something, when that changes meanwhile.
const MAX_LOOKS: usize = 16;

/// Accounts that were loaded in one go, and how the viewer stands to them.
#[derive(Clone)]
pub(super) struct People {
    viewer: UserId,
    rows: BTreeMap<UserId, UserRow>,
    blocked: BTreeSet<UserId>,
    /// Of the viewer; empty if nobody shows anything to contacts only.
    contacts: BTreeMap<UserId, ContactRow>,
}

impl People {
    /// Returns what the viewer and another user show, and how they stand to each other.
    fn pair(&self, user: UserId) -> (Privacy, Privacy, Ties) {
        let privacy = |user| self.rows.get(&user).map(|row| row.privacy).unwrap_or_default();
        let contact = self.contacts.get(&user);
        let ties = Ties {
            trusts: contact.is_some_and(|contact| contact.trusted),
            trusted: contact.is_some_and(|contact| contact.trusts),
            share: false,
        };
        (privacy(self.viewer), privacy(user), ties)
    }

    fn sees(&self, user: UserId, rule: fn(&Privacy, &Privacy, Ties) -> bool) -> bool {
        let (looks, shown, ties) = self.pair(user);
        user == self.viewer || (!self.blocked.contains(&user) && rule(&looks, &shown, ties))
    }

    /// Returns whether the viewer learns when a user is and was here.
    pub(super) fn sees_last_seen(&self, user: UserId) -> bool {
        self.sees(user, policy::sees_last_seen)
    }

    /// Returns whether the viewer learns how far a user has read.
    pub(super) fn sees_receipts(&self, user: UserId) -> bool {
        self.sees(user, policy::sees_receipts)
    }

    /// Returns whether the viewer learns that a user is writing.
    pub(super) fn sees_typing(&self, user: UserId) -> bool {
        self.sees(user, policy::sees_typing)
    }

    /// Returns whether the viewer finds a user by name.
    pub(super) fn discovers(&self, user: UserId) -> bool {
        let (_, shown, ties) = self.pair(user);
        policy::may_discover(&shown, ties)
    }

    /// Returns whether there is such an account.
    pub(super) fn exists(&self, user: UserId) -> bool {
        self.rows.get(&user).is_some_and(|row| row.state.exists())
    }

    /// Returns whether the viewer may know that there is such an account.
    pub(super) fn shows(&self, user: UserId) -> bool {
        self.exists(user) && !self.blocked.contains(&user)
    }
}

impl Inner {
    pub(super) async fn people(
        &self,
        viewer: UserId,
        ids: impl IntoIterator<Item = UserId>,
    ) -> Result<People> {
        let ids: Vec<_> = ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let (rows, blocked, contacts) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        let mut people = People { viewer, rows, blocked, contacts };
        if ids.is_empty() {
            return Ok(people);
        }
        let ids: Vec<_> = ids.into_iter().chain([viewer]).collect();
        let rows = self.shown_users(&ids).await?;
        people.rows = rows.into_iter().flatten().map(|row| (row.id, row)).collect();
        people.blocked = self.store.blocked_with(viewer).await?.into_iter().collect();
        if people.rows.values().any(|row| for_contacts(&row.privacy)) {
            let contacts = self.store.contacts(viewer).await?;
            people.contacts = contacts.into_iter().map(|row| (row.user, row)).collect();
        }
        Ok(people)
    }

    /// Returns the same people, if their viewer showed this much.
    pub(super) async fn people_as_if(&self, people: &People, privacy: Privacy) -> Result<People> {
        let mut people = people.clone();
        people.rows.entry(people.viewer).and_modify(|row| row.privacy = privacy);
        if for_contacts(&privacy) {
            let contacts = self.store.contacts(people.viewer).await?;
            people.contacts = contacts.into_iter().map(|row| (row.user, row)).collect();
        }
        Ok(people)
    }

    /// Returns whether a user may look at another one, add the contact, and open a direct conversation.
    pub(super) async fn may_meet(&self, people: &People, user: UserId) -> Result<bool> {
        let (_, shown, ties) = people.pair(user);
        if user == people.viewer || policy::may_meet(&shown, ties) {
            return Ok(true);
        }
        // A block stands in a direct conversation.
        let share = people.blocked.contains(&user)
            || self.store.peers(people.viewer, usize::MAX).await?.contains(&user);
        Ok(policy::may_meet(&shown, Ties { share, ..ties }))
    }

    /// Tells something ephemeral of a user to those members of a conversation who are here and may know it. The rules
    /// are the same in both directions: who sees something of the user is of whom the user sees it.
    pub(super) async fn tell_listeners(
        &self,
        user: UserId,
        conv: ConvId,
        rule: fn(&People, UserId) -> bool,
        most: usize,
        push: impl Fn(UserId),
    ) -> Result<()> {
        for _ in 0..MAX_LOOKS {
            let sight = self.hub.sight();
            let Some(known) = self.conversation(conv).await? else { return Ok(()) };
            let access = Access::of(Some(&known), user, self.env.now(), &self.limits);
            if access.and_then(|access| access.not_blocked()).is_err()
                || known.active_members().count() > most
            {
                return Ok(());
            }
            let here = known.active_members().map(|(member, _)| member);
            let here: Vec<_> = here.filter(|member| self.hub.is_here(*member)).collect();
            let people = self.people(user, here.iter().copied()).await?;
            let told = || here.into_iter().filter(|member| rule(&people, *member)).for_each(&push);
            if self.hub.if_still(sight, told) {
                return Ok(());
            }
        }
        Ok(())
    }

    pub(super) fn user_item(&self, people: &People, user: UserId) -> UserItem {
        let row = people.rows.get(&user).filter(|row| row.state.exists());
        let hidden = row.is_none() || !people.sees_last_seen(user);
        UserItem {
            id: user,
            public: row.and_then(|row| row.public.clone()),
            online: !hidden && self.is_online(user),
            last_seen: row.filter(|_| !hidden).and_then(|row| row.last_seen),
            status: row.filter(|_| !hidden).and_then(|row| row.status.clone()),
        }
    }

    pub(super) fn member_item(
        &self,
        people: &People,
        user: UserId,
        member: &crate::policy::Member,
    ) -> MemberItem {
        let gone = member.standing != crate::policy::Standing::Active;
        let UserItem { id, public, online, last_seen, .. } = self.user_item(people, user);
        if gone {
            return MemberItem {
                id,
                role: None,
                public: None,
                online: false,
                last_seen: None,
                muted_until: None,
                gone: Some(true),
            };
        }
        let muted_until = member.muted_until.filter(|until| *until > self.env.now());
        MemberItem { id, role: Some(member.role), public, online, last_seen, muted_until, gone: None }
    }

    /// Turns views of the viewer's conversations into what is shown.
    pub(super) async fn conv_items(&self, viewer: UserId, views: Vec<View>) -> Result<Vec<ConvItem>> {
        let people =
            self.people(viewer, views.iter().filter_map(|view| view.peer.map(|(peer, _)| peer))).await?;
        let mut privates = BTreeMap::new();
        for View { conv, me, .. } in &views {
            let Some(sealed) = &me.private else { continue };
            let context = Context::MemberPrivate { user: viewer.0, conv: conv.id.0 };
            let place = |event: AuditEvent| event.conv(conv.id);
            let clear = self.opened(viewer, &context, sealed, "private data of a member", place).await?;
            privates.extend(clear.and_then(json).map(|private| (conv.id, private)));
        }
        let mut item = |view: View| {
            let View { conv, me, unread, peer, .. } = view;
            let private = privates.remove(&conv.id);
            let public = peer.is_none().then(|| conv.settings.public.clone().unwrap_or_else(Json::null));
            ConvItem {
                id: conv.id,
                kind: conv.kind.as_str().to_owned(),
                rev: conv.rev,
                own: me.own,
                last_seq: conv.last_seq,
                read_seq: me.read,
                recv_seq: me.recv,
                clear_seq: me.clear,
                unread,
                role: me.role,
                favorite: me.favorite,
                muted: me.muted,
                archived: me.archived,
                blocked: me.blocked,
                private,
                last_msg_at: conv.last_at,
                user: peer.map(|(peer, _)| self.user_item(&people, peer)),
                public,
                disappearing_ttl: conv.settings.ttl,
                pinned_seq: conv.settings.pinned.map(|pinned| pinned.seq),
                pinned_at: conv.settings.pinned.map(|pinned| pinned.at),
                pinned_by: conv.settings.pinned.map(|pinned| pinned.by),
                no_screenshots: conv.settings.no_screenshots.then_some(true),
                slow_mode: conv.settings.slow_mode,
                joinable: conv.settings.closed.then_some(false),
                retention: conv.settings.retention,
                system_messages: conv.settings.system_messages.then_some(true),
            }
        };
        Ok(views.into_iter().map(&mut item).collect())
    }

    /// Opens messages for a viewer. One that can't be opened is shown as unavailable; the others are not
    /// touched by it.
    ///
    /// # Errors
    /// `Unavailable` while a key can't be reached.
    pub(super) async fn message_items(
        &self,
        viewer: UserId,
        conv: ConvId,
        messages: &[Message],
        replied: &[Message],
    ) -> Result<Vec<MessageItem>> {
        let mut previews = BTreeMap::new();
        for message in replied {
            if let Some(content) = self.open(conv, message).await?
                && let Some(content) = self.reread(&content)
            {
                let reply = HeadReply::new(message.seq, message.from, content.preview(PREVIEW));
                previews.insert(message.seq, reply);
            }
        }
        let mut items = Vec::with_capacity(messages.len());
        for message in messages {
            let content = match &message.event {
                Some(event) if message.body.state == MessageState::Live => Some(system::content(event)),
                _ => self.open(conv, message).await?,
            };
            let live = message.body.state == MessageState::Live;
            let mentions = match &content {
                Some(content) if !message.body.mentions.is_empty() => {
                    self.reread(content).map(|content| mentions(&content)).unwrap_or_default()
                }
                _ => Vec::new(),
            };
            let reply = message.reply_to.and_then(|seq| previews.get(&seq)).cloned();
            let head = if live {
                Head {
                    reply_to: message.reply_to,
                    reply,
                    view_once: message.view_once.map(|_| true),
                    view_once_ttl: message.view_once.flatten(),
                    expires_at: message.expires_at,
                    event: message.event,
                    mentions,
                    edit_count: (message.body.edits > 0).then_some(message.body.edits),
                    edited_at: message.body.edited_at,
                    reactions: message.body.reactions.iter().cloned().collect(),
                    ..Head::default()
                }
            } else {
                let is = |state| (message.body.state == state).then_some(true);
                let (unsent, expired) = (is(MessageState::Unsent), is(MessageState::Expired));
                Head { unsent, expired, ..Head::default() }
            };
            items.push(MessageItem {
                seq: message.seq,
                rev: message.rev,
                from: message.from,
                ts: message.ts,
                unavailable: (live && content.is_none()).then_some(true),
                content,
                deleted: (!live).then_some(true),
                head: head.non_empty(),
                view_once: message.view_once.filter(|_| live).map(|_| true),
                cid: message.cid.clone().filter(|_| live && message.from == Some(viewer)),
            });
        }
        Ok(items)
    }

    /// Opens a message; `None` if it can't be opened, now or ever.
    pub(super) async fn open(&self, conv: ConvId, message: &Message) -> Result<Option<Json>> {
        let (Some(sealed), Some(from)) = (&message.body.content, message.from) else { return Ok(None) };
        let context = message_context(conv, message, message.body.edits);
        let place = |event: AuditEvent| event.conv(conv).seq(message.seq);
        Ok(self.opened(from, &context, sealed, "message", place).await?.and_then(json))
    }

    /// Reads content that was valid when it was accepted.
    pub(super) fn reread(&self, content: &Json) -> Option<Irido> {
        let rules = Rules { opaque: true, ..self.rules.clone() };
        Irido::parse(content.as_str(), &rules).ok()
    }
}

fn for_contacts(privacy: &Privacy) -> bool {
    let Privacy { last_seen, receipts, typing, discoverable } = *privacy;
    [last_seen, receipts, typing, discoverable].contains(&Audience::Contacts)
}

fn json(clear: Vec<u8>) -> Option<Json> {
    String::from_utf8(clear).ok().and_then(|text| Json::parse(text).ok())
}

/// What the ciphertext of a message is bound to, in its given revision.
pub(super) fn message_context(conv: ConvId, message: &Message, revision: u32) -> Context {
    let sender = message.from.map_or(uuid::Uuid::nil(), |from| from.0);
    Context::Message { conv: conv.0, id: message.id.0, sender, revision }
}

/// The mentions of a content, as they stand in heads.
pub(super) fn mentions(content: &Irido) -> Vec<HeadMention> {
    let mention = |mention: &crate::irido::Mention| HeadMention {
        user_id: mention.user_id,
        username: mention.username.clone(),
        offset: mention.offset,
        length: mention.length,
    };
    content.mentions().iter().map(mention).collect()
}
