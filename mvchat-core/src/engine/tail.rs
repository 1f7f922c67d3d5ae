//! What other nodes commit to a shared store: every node follows the log and tells its own clients.

use super::chat::Inner;
use super::fanout::Publish;
use super::view::mentions;
use crate::error::{ErrorKind, Result};
use crate::policy::{Conversation, Message, MessageState, Standing};
use crate::proto::{
    ConvId, JoinableContent, Json, MAX_COUNTER, MutedContent, Position, RetentionContent, Rev, RoleContent,
    SlowModeContent, SystemMessagesContent, UserId,
};
use crate::seam::{Committed, LogEntry, LogEvent, Store};
use crate::session::Ended;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::Instant;

/// How often the log is read without a hint.
const PAUSE: Duration = Duration::from_secs(1);
/// How long after one read the next one comes at the earliest, so that what many nodes say at once is read at once.
const GATHER: Duration = Duration::from_millis(10);
/// A store that takes longer to answer does not count as there. Together with the pause it is less than two seconds.
const DEADLINE: Duration = Duration::from_millis(900);
const PAGE: usize = 512;
/// The most conversations of which a shard remembers what it has told; when there are more, half of them go.
const MAX_TOLD: usize = 16_384;

/// What the log says of one conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Others {
    pub(super) conv: ConvId,
    /// It was made.
    created: bool,
    /// Its changes up to this one are committed.
    upto: Rev,
    /// From this one on they are new messages and nothing else.
    sent: Option<Rev>,
    /// Somebody says so who may be wrong.
    rumour: bool,
}

impl Others {
    /// Somebody says that a change is committed.
    pub(super) fn rumour(conv: ConvId, upto: Rev) -> Self {
        Self { conv, created: false, upto, sent: None, rumour: true }
    }

    /// Joins what is said of one conversation.
    pub(super) fn and(self, other: Self) -> Self {
        let rumour = if self.upto > other.upto { self.rumour } else { other.rumour };
        let created = self.created || other.created;
        let sent = self.sent.zip(other.sent).map(|(one, other)| one.min(other));
        Self { conv: self.conv, created, upto: self.upto.max(other.upto), sent, rumour }
    }

    /// Returns whether all that is new after a change are messages, and sure to be there.
    fn only_sent(&self, after: Rev) -> bool {
        !self.rumour && self.sent.is_some_and(|first| first.0 <= after.0.saturating_add(1))
    }
}

/// Up to where the clients of this node have been told about conversations: nothing is told twice, and nothing
/// before what precedes it. Of conversations that are not in it, nothing was told since the node has been there, or
/// not for long: then it is told from the next change on, and clients who miss some before read them.
#[derive(Debug, Default)]
pub(super) struct Told(HashMap<ConvId, Rev>);

impl Told {
    /// Returns up to where was told of a conversation that has come to a change.
    fn after(&self, conv: ConvId, upto: Rev) -> Rev {
        self.0.get(&conv).copied().unwrap_or(Rev(upto.0.saturating_sub(1)))
    }

    fn set(&mut self, conv: ConvId, rev: Rev) {
        if self.0.len() >= MAX_TOLD && !self.0.contains_key(&conv) {
            let mut keep = false;
            self.0.retain(|_, _| {
                keep = !keep;
                keep
            });
        }
        let known = self.0.entry(conv).or_default();
        *known = rev.max(*known);
    }
}

impl Inner {
    /// Begins to follow what other nodes commit, if there may be any.
    pub(super) async fn follow_others(self: &Arc<Self>) {
        if self.store.is_shared() {
            // A store that does not answer yet is asked again, by then from where it is.
            let start = self.store.position().await.ok();
            self.join_others(start);
            tokio::spawn(follow(Arc::downgrade(self), self.store.clone(), start));
        }
    }

    /// Tells about changes of other nodes.
    pub(super) async fn tell_others(self: &Arc<Self>, told: &mut Told, others: Vec<Others>) {
        for others in others {
            let conv = others.conv;
            if others.created {
                if self.convs.get(conv).is_none() {
                    self.tell_created(conv).await;
                }
                told.set(conv, Rev(0));
            }
            if others.only_sent(told.after(conv, others.upto)) && self.is_nobodys(conv).await {
                told.set(conv, others.upto);
            } else {
                self.tell_upto(told, conv, others.upto, others.rumour).await;
            }
        }
    }

    /// Returns whether none of a conversation's members is here. Whoever comes now reads what there is.
    async fn is_nobodys(&self, conv: ConvId) -> bool {
        let known = self.conversation(conv).await;
        known.is_ok_and(|known| {
            let mut members = known.iter().flat_map(|known| known.active_members());
            members.all(|(user, _)| !self.hub.is_here(user))
        })
    }

    /// Tells what others committed before a change of this node, which is told next.
    pub(super) async fn before_own(self: &Arc<Self>, told: &mut Told, conv: ConvId, own: Rev) {
        if self.store.is_shared() {
            self.tell_upto(told, conv, Rev(own.0.saturating_sub(1)), false).await;
            told.set(conv, own);
        }
    }

    async fn tell_upto(self: &Arc<Self>, told: &mut Told, conv: ConvId, upto: Rev, rumour: bool) {
        let after = told.after(conv, upto);
        if after >= upto {
            return;
        }
        if !rumour {
            told.set(conv, upto);
        }
        let happened = match self.insist(|| self.store.happened(conv, after, upto)).await {
            Ok(happened) => happened,
            Err(error) => {
                tracing::warn!(%conv, ?error, "what others committed could not be read");
                // A rumour is told again.
                return if !rumour {
                    self.let_catch_up(conv, after)
                };
            }
        };
        if let Some((last, _)) = happened.last() {
            // What was not committed after all must not count as told.
            told.set(conv, last.rev);
        }
        for (place, (entry, message)) in happened.iter().enumerate() {
            let later = &happened[place + 1..];
            match self.insist(|| self.tell_entry(entry, message.clone(), later)).await {
                Ok(true) => {}
                Ok(false) => self.let_catch_up(conv, entry.rev),
                Err(error) => {
                    tracing::warn!(%conv, rev = %entry.rev, ?error, "what others committed could not be told");
                    self.let_catch_up(conv, entry.rev);
                }
            }
        }
    }

    /// Closes the connections of a conversation's members, and of those who went after a change: they have to be told of
    /// it, and can't be.
    fn let_catch_up(self: &Arc<Self>, conv: ConvId, after: Rev) {
        let inner = Arc::downgrade(self);
        if let Some(known) = self.convs.get(conv) {
            return self.resync_members(&known, after);
        }
        tokio::spawn(async move {
            loop {
                let Some(inner) = inner.upgrade() else { return };
                match inner.store.conversation(conv).await {
                    Ok(known) => return known.iter().for_each(|known| inner.resync_members(known, after)),
                    Err(error) => tracing::debug!(%conv, ?error, "the store does not answer yet"),
                }
                drop(inner);
                tokio::time::sleep(PAUSE).await;
            }
        });
    }

    fn resync_members(&self, conv: &Conversation, after: Rev) {
        for (user, member) in &conv.members {
            if member.standing == Standing::Active || member.rev > after {
                self.hub.end_all(*user, Ended::Overflow, None);
            }
        }
    }

    /// Shows a new conversation to its members.
    async fn tell_created(self: &Arc<Self>, conv: ConvId) {
        match self.conversation(conv).await {
            Ok(Some(known)) => {
                for (user, _) in known.active_members() {
                    self.tell_added(user, conv, None).await;
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%conv, ?error, "a new conversation could not be shown");
                self.let_catch_up(conv, Rev(0));
            }
        }
    }

    /// Returns whether it could be told.
    async fn tell_entry(
        self: &Arc<Self>,
        entry: &LogEntry,
        message: Option<Message>,
        later: &[(LogEntry, Option<Message>)],
    ) -> Result<bool> {
        let known = if entry.seq.is_none() {
            // Members or settings are others now.
            let fresh = self.store.conversation(entry.conv).await?;
            self.hub.sight_changed();
            fresh.map(|fresh| self.convs.put(fresh))
        } else {
            self.conversation(entry.conv).await?
        };
        let Some(conv) = known else { return Ok(true) };
        // The conversation can be newer than the change, and whoever came or went since is told as it was then.
        let last = later.last().map_or(entry.rev, |(last, _)| last.rev);
        let newer = self.store.happened(conv.id, last, Rev(MAX_COUNTER)).await?;
        let conv = self.members_before(&conv, later.iter().chain(&newer).map(|(later, _)| later));
        let Some(publish) = self.publication(&conv, entry, message.as_ref()).await? else { return Ok(false) };
        let LogEntry { rev, position, at, .. } = *entry;
        let committed = Committed { rev, position, at, message, conv: None };
        self.fan_out(&conv, entry.actor, None, publish, &committed, later.is_empty()).await;
        Ok(true)
    }

    /// Returns a conversation with the members that it had before some changes.
    fn members_before<'a>(
        &self,
        conv: &Arc<Conversation>,
        changes: impl Iterator<Item = &'a LogEntry>,
    ) -> Arc<Conversation> {
        let mut were: BTreeMap<UserId, Standing> = BTreeMap::new();
        for change in changes {
            match &change.event {
                LogEvent::Joined(user) => {
                    were.entry(*user).or_insert(Standing::Left);
                }
                LogEvent::Left(user) | LogEvent::Kicked(user) => {
                    were.entry(*user).or_insert(Standing::Active);
                }
                // Whether that was a member is not known; somebody who was has to catch up.
                LogEvent::Banned(user) if !were.contains_key(user) => {
                    self.hub.end_all(*user, Ended::Overflow, None);
                }
                LogEvent::Ended => {
                    let ended = conv.members.iter().filter(|(_, member)| member.rev == change.rev);
                    for (user, _) in ended {
                        were.entry(*user).or_insert(Standing::Active);
                    }
                }
                _ => {}
            }
        }
        let differs = |(user, standing): (&UserId, &Standing)| {
            conv.members.get(user).is_some_and(|member| member.standing != *standing)
        };
        if !were.iter().any(differs) {
            return conv.clone();
        }
        let mut conv = Conversation::clone(conv);
        for (user, standing) in were {
            conv.members.entry(user).and_modify(|member| member.standing = standing);
        }
        Arc::new(conv)
    }

    /// Puts together what is told about an entry, from what is there now; nothing if that is gone meanwhile.
    async fn publication(
        &self,
        conv: &Conversation,
        entry: &LogEntry,
        message: Option<&Message>,
    ) -> Result<Option<Publish>> {
        let event = entry.event.clone();
        let content = match &event {
            LogEvent::Sent | LogEvent::Edited => {
                let live = message.filter(|message| message.body.state == MessageState::Live);
                let Some(message) = live else { return Ok(None) };
                let Some(content) = self.open(conv.id, message).await? else { return Ok(None) };
                if event == LogEvent::Sent {
                    let parsed = self.reread(&content).ok_or(ErrorKind::Internal)?;
                    return Ok(Some(Publish::Message { content, mentions: mentions(&parsed) }));
                }
                Some(content)
            }
            LogEvent::ProfileSet => Some(conv.settings.public.clone().unwrap_or_else(Json::null)),
            LogEvent::RoleSet(_, role) => Some(Json::from_value(&RoleContent { role: *role })),
            LogEvent::SlowModeSet(seconds) => {
                Some(Json::from_value(&SlowModeContent { slow_mode: *seconds }))
            }
            LogEvent::JoinableSet(on) => Some(Json::from_value(&JoinableContent { joinable: *on })),
            LogEvent::RetentionSet(retention) => {
                Some(Json::from_value(&RetentionContent { retention: *retention }))
            }
            LogEvent::SystemMessagesSet(on) => {
                Some(Json::from_value(&SystemMessagesContent { system_messages: *on }))
            }
            LogEvent::Muted(_, until) => Some(Json::from_value(&MutedContent { until: Some(*until) })),
            LogEvent::Unmuted(_) => Some(Json::from_value(&MutedContent { until: None })),
            _ => None,
        };
        Ok(Some(Publish::Notice { event, content }))
    }
}

/// Reads the log from where it was when the engine was built, until that is dropped.
async fn follow(inner: Weak<Inner>, store: Arc<dyn Store>, start: Option<Position>) {
    let mut position = start;
    loop {
        let Some(inner) = inner.upgrade() else { return };
        let begun = Instant::now();
        let read = async {
            match position {
                Some(position) => inner.read_on(position).await,
                None => Ok((inner.store.position().await?, false)),
            }
        };
        let late = || Err(ErrorKind::Unavailable.into());
        let read = tokio::time::timeout(DEADLINE, read).await.unwrap_or_else(|_| late());
        inner.store_lost.store(read.is_err(), Ordering::Relaxed);
        drop(inner);
        match read {
            Ok((next, more)) => {
                position = Some(next);
                if more {
                    continue;
                }
            }
            Err(error) => tracing::debug!(?error, "the log of a shared store can't be read for now"),
        }
        tokio::select! { biased;
            () = store.stirred() => tokio::time::sleep_until(begun + GATHER).await,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

impl Inner {
    /// Hands a page of the log to the shards; returns where to go on, and whether there is more at once.
    async fn read_on(&self, position: Position) -> Result<(Position, bool)> {
        let page = self.store.log(position, PAGE).await?;
        let mut convs: BTreeMap<ConvId, Others> = BTreeMap::new();
        for entry in &page.entries {
            let conv = entry.conv;
            let sent = (entry.event == LogEvent::Sent).then_some(entry.rev);
            let created = entry.event == LogEvent::Created;
            let one = Others { conv, created, upto: entry.rev, sent, rumour: false };
            convs.entry(conv).and_modify(|others| *others = others.and(one)).or_insert(one);
        }
        for others in convs.into_values() {
            self.committer.others(others).await;
        }
        self.reached(page.position);
        if !page.entries.is_empty() {
            self.hub.ring();
        }
        Ok((page.position, page.entries.len() >= PAGE))
    }
}
