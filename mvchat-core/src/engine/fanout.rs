//! Tells the members of a conversation what was committed.

use super::chat::Inner;
use super::committer::NOBODY;
use super::hub::Origin;
use crate::policy::{Conversation, Message};
use crate::proto::{Data, Head, HeadMention, Info, Json, Rev, ServerMsg, UserId, What};
use crate::seam::{Committed, LogEvent, ViewQuery};
use crate::session::Ended;
use futures_util::stream::{self, StreamExt as _};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How often something is read in vain, and how long is waited first; then twice as long each time.
const ATTEMPTS: u32 = 4;
const RETRY: Duration = Duration::from_millis(20);
/// After so many members others get a turn, so that a large group holds nobody up for long; not if more is told next,
/// which connections then take in one go.
const TURN: usize = 128;
/// How many members the store is asked about at once.
const LOOKS: usize = 16;

/// What is told about a change, besides what the commit says.
#[derive(Debug)]
pub(super) enum Publish {
    /// A new message in clear.
    Message {
        /// Irido.
        content: Json,
        /// Its mentions.
        mentions: Vec<HeadMention>,
    },
    /// A notice.
    Notice {
        /// What happened.
        event: LogEvent,
        /// The new content, profile or role.
        content: Option<Json>,
    },
}

/// Whether the requesting connection hears the notice besides its reply.
fn echoes(event: &LogEvent) -> bool {
    matches!(
        event,
        LogEvent::Pinned
            | LogEvent::Unpinned
            | LogEvent::TtlSet(_)
            | LogEvent::NoScreenshotsSet(_)
            | LogEvent::SlowModeSet(_)
            | LogEvent::JoinableSet(_)
            | LogEvent::Unbanned(_)
            | LogEvent::Muted(..)
            | LogEvent::Unmuted(_)
            | LogEvent::Joined(_)
            | LogEvent::RoleSet(..)
            | LogEvent::OwnerSet(_)
            | LogEvent::RetentionSet(_)
            | LogEvent::SystemMessagesSet(_)
    )
}

/// Whom else it concerns: those who are no members any more.
fn affected(event: &LogEvent, conv: &Conversation, rev: Rev) -> Vec<UserId> {
    match event {
        LogEvent::Left(user) | LogEvent::Kicked(user) | LogEvent::Banned(user) => vec![*user],
        LogEvent::Ended => {
            conv.members.iter().filter(|(_, member)| member.rev == rev).map(|(user, _)| *user).collect()
        }
        _ => Vec::new(),
    }
}

impl Inner {
    /// Returns how many connections of other users were reached. `last` is whether nothing is told right after it.
    pub(super) async fn fan_out(
        self: &Arc<Self>,
        conv: &Conversation,
        actor: UserId,
        origin: Option<&Origin>,
        publish: Publish,
        committed: &Committed,
        last: bool,
    ) -> u32 {
        let seen_by = match (&publish, &committed.message) {
            (Publish::Notice { event: LogEvent::Edited, .. }, Some(message)) => {
                Some(self.seen_by(conv, message).await)
            }
            _ => None,
        };
        // Without a claim the reply has gone already, without the `rev`.
        let origin = origin.filter(|origin| origin.claim());
        let (frame, own_frame, blank, event) = match publish {
            Publish::Message { content, mentions } => {
                let Some(message) = &committed.message else { return 0 };
                let mut data =
                    Data::new(conv.id, message.seq, committed.rev, message.from, content, message.ts);
                data.head = live_head(message, mentions).non_empty();
                let frame = ServerMsg::Data(data.clone()).encode();
                let own_frame = match &message.cid {
                    Some(cid) if self.hub.has_others(actor, origin) => {
                        data.cid = Some(cid.clone());
                        ServerMsg::Data(data).encode()
                    }
                    _ => frame.clone(),
                };
                (frame, own_frame, None, LogEvent::Sent)
            }
            Publish::Notice { event, content } => {
                let info = notice(conv, actor, committed, &event, content);
                let blank = Info { content: None, ..info.clone() };
                let blank = seen_by.map(|seen_by| (seen_by, ServerMsg::Info(blank).encode()));
                let frame = ServerMsg::Info(info).encode();
                (frame.clone(), frame, blank, event)
            }
        };
        let joined = match event {
            LogEvent::Joined(user) => Some(user),
            _ => None,
        };
        if let Some(origin) = origin {
            if !bug!(AnswerOutOfPlace) {
                origin.conn.reserve(origin.ticket, Some(conv.id));
            }
            if echoes(&event) {
                origin.conn.push(Some(conv.id), frame.clone());
            }
        }
        if let Some(user) = joined {
            self.tell_added(user, conv.id, None).await;
        }
        let (mut reached, mut delivered) = (0, 0);
        let gone = conv
            .members
            .keys()
            .copied()
            .filter(|user| bug!(RemovedStillHear) && conv.active(*user).is_none());
        let told = conv.active_members().map(|(user, _)| user);
        let told = told.chain(affected(&event, conv, committed.rev)).chain(gone);
        for (number, user) in told.enumerate() {
            if last && number % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            let frame = match &blank {
                Some((seen_by, blank)) if user != actor && !seen_by.contains(&user) => blank,
                _ if user == actor => &own_frame,
                _ => &frame,
            };
            let connections = self.hub.push(user, conv.id, frame, origin);
            delivered += connections;
            reached += if user == actor { 0 } else { connections };
        }
        self.counts.deliveries.add(delivered.into());
        reached
    }

    /// Returns which of the members who are here see a message. For the others it has expired, or they have hidden or
    /// cleared it: they are told that something has changed, but not what. So is who can't be asked about, or comes now.
    async fn seen_by(&self, conv: &Conversation, message: &Message) -> BTreeSet<UserId> {
        let here = conv.active_members().map(|(user, _)| user).filter(|user| self.hub.is_here(*user));
        let looks = here.map(async |user| {
            let seen = self.store.message(user, conv.id, message.seq).await;
            matches!(seen, Ok(Some(_))).then_some(user)
        });
        let seen = stream::iter(looks.collect::<Vec<_>>()).buffer_unordered(LOOKS);
        seen.filter_map(std::future::ready).collect().await
    }

    /// Tries something that only reads a few times, because what fails costs everybody their connection.
    pub(super) async fn insist<T, E, F: Future<Output = Result<T, E>>>(
        &self,
        work: impl Fn() -> F,
    ) -> Result<T, E> {
        let mut pause = RETRY;
        for _ in 1..ATTEMPTS {
            if let Ok(done) = work().await {
                return Ok(done);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        work().await
    }

    /// Gives a user's connections the view of a conversation that is new to them.
    pub(super) async fn tell_added(
        &self,
        user: UserId,
        conv: crate::proto::ConvId,
        but: Option<&super::conn::Conn>,
    ) {
        if !self.hub.is_here(user) {
            return;
        }
        let look = async || {
            let views = self.store.views(user, ViewQuery::One(conv)).await?;
            self.conv_items(user, views.rows).await
        };
        let items = match self.insist(look).await {
            Ok(items) => items,
            Err(error) => {
                tracing::warn!(%conv, ?error, "a new conversation could not be shown");
                // Who was not told has to catch up.
                return self.hub.end_all(user, Ended::Overflow, but);
            }
        };
        for item in items {
            let mut info = Info::new(What::ConvAdded, Some(conv), None, self.env.now());
            info.rev = Some(item.rev);
            info.own = Some(item.own);
            info.content = Some(Json::from_value(&item));
            self.hub.tell(user, &ServerMsg::Info(info), but);
        }
    }
}

/// What the server knows about a new message. The answered message's short form is left to readers, because it
/// depends on who reads.
fn live_head(message: &Message, mentions: Vec<HeadMention>) -> Head {
    Head {
        reply_to: message.reply_to,
        view_once: message.view_once.map(|_| true),
        view_once_ttl: message.view_once.flatten(),
        expires_at: message.expires_at,
        event: message.event,
        mentions,
        ..Head::default()
    }
}

fn notice(
    conv: &Conversation,
    actor: UserId,
    committed: &Committed,
    event: &LogEvent,
    content: Option<Json>,
) -> Info {
    let what = match event {
        LogEvent::Edited => What::Edit,
        LogEvent::Unsent => What::Unsend,
        LogEvent::Deleted => What::Delete,
        LogEvent::Reacted { .. } => What::React,
        LogEvent::Pinned => What::Pin,
        LogEvent::Unpinned => What::Unpin,
        LogEvent::TtlSet(_) => What::DisappearingUpdated,
        LogEvent::NoScreenshotsSet(_) | LogEvent::ProfileSet => What::RoomUpdated,
        LogEvent::Joined(_) => What::MemberJoined,
        LogEvent::Left(_) => What::MemberLeft,
        LogEvent::Kicked(_) => What::MemberKicked,
        LogEvent::Banned(_) => What::MemberBanned,
        LogEvent::Unbanned(_) => What::MemberUnbanned,
        LogEvent::Muted(..) | LogEvent::Unmuted(_) => What::MemberMuted,
        LogEvent::SlowModeSet(_)
        | LogEvent::JoinableSet(_)
        | LogEvent::RetentionSet(_)
        | LogEvent::SystemMessagesSet(_) => What::GroupUpdated,
        LogEvent::Expired => What::Expired,
        LogEvent::Ended => What::ConvDeleted,
        LogEvent::RoleSet(..) => What::RoleChanged,
        LogEvent::OwnerSet(_) => What::OwnerChanged,
        LogEvent::Created | LogEvent::Sent => What::ConvAdded,
    };
    let actor = Some(actor).filter(|actor| *actor != NOBODY);
    let mut info = Info::new(what, Some(conv.id), actor, committed.at);
    info.rev = Some(committed.rev);
    info.content = content;
    match event {
        LogEvent::Reacted { emoji, add, count } => {
            info.emoji = Some(emoji.clone());
            info.op = Some(if *add { "add" } else { "remove" }.to_owned());
            info.count = Some(*count);
        }
        LogEvent::TtlSet(ttl) => info.ttl = *ttl,
        LogEvent::Joined(user)
        | LogEvent::Kicked(user)
        | LogEvent::Banned(user)
        | LogEvent::Unbanned(user)
        | LogEvent::Muted(user, _)
        | LogEvent::Unmuted(user)
        | LogEvent::RoleSet(user, _)
        | LogEvent::OwnerSet(user) => info.user = Some(*user),
        LogEvent::Pinned => info.seq = conv.settings.pinned.map(|pinned| pinned.seq),
        _ => {}
    }
    if let Some(message) = &committed.message {
        info.seq = Some(message.seq);
    }
    info
}
