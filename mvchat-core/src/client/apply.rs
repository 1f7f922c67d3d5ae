//! What every change does to the model, and what the app is told about it.

use super::event::{ConvChange, Event, MemberChange};
use super::mine::Mine;
use super::state::{Conversation, Put, sane};
use crate::proto::{
    ChangeItem, ConvId, Data, Head, HeadMention, Info, Json, MessageItem, OwnParams, Request, Rev, Role,
    Send, Seq, UserId, What,
};
use crate::time::Timestamp;
use std::time::Duration;

/// The most different reactions of a message, and users per reaction, that are kept.
const MAX_REACTIONS: (usize, usize) = (64, 2_000);

/// One durable change of a conversation.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Data(Box<Data>),
    Info(Box<Info>),
    /// A request of this client and what its answer says.
    Mine(Box<Request>, Box<Mine>),
}

impl Change {
    /// Returns the message's number, if the change is a new message.
    pub(super) fn message(&self) -> Option<Seq> {
        match self {
            Self::Data(data) => Some(data.seq),
            _ => None,
        }
    }
}

/// One private change of the user's.
#[derive(Clone, Debug)]
pub(super) struct OwnChange {
    pub(super) params: OwnParams,
    pub(super) hidden: Vec<Seq>,
}

/// What is left to do after a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct After {
    /// The user is no member any more.
    pub(super) gone: bool,
    /// The change does not say everything: ask what changed.
    pub(super) unclear: bool,
    /// The number of unread messages can't be known without asking.
    pub(super) recount: bool,
}

impl After {
    const GONE: Self = Self { gone: true, unclear: false, recount: false };
    const UNCLEAR: Self = Self { gone: false, unclear: true, recount: false };
}

/// Applies changes to one conversation.
pub(super) struct Apply<'a> {
    pub(super) conv: &'a mut Conversation,
    pub(super) me: Option<UserId>,
    pub(super) events: &'a mut Vec<Event>,
}

impl Apply<'_> {
    fn id(&self) -> ConvId {
        self.conv.view.id
    }

    /// Applies the change with the number `rev`.
    pub(super) fn change(&mut self, rev: Rev, change: Change) -> After {
        let after = match change {
            Change::Data(data) => self.message(item(*data)),
            Change::Info(info) => self.info(rev, *info),
            Change::Mine(request, mine) => self.mine(rev, *request, &mine),
        };
        self.conv.view.rev = rev;
        after
    }

    fn info(&mut self, rev: Rev, info: Info) -> After {
        let seq = info.seq.unwrap_or_default();
        match info.what {
            What::Edit => match info.content {
                Some(content) => self.edit(rev, seq, content, info.ts),
                None => return After::UNCLEAR,
            },
            What::Unsend => return self.delete(rev, seq, unsent()),
            What::Delete => return self.delete(rev, seq, Head::default()),
            What::Expired => return self.delete(rev, seq, Head { expired: Some(true), ..Head::default() }),
            What::ConvDeleted => return After::GONE,
            What::GroupUpdated => {
                let read = |json: Json| json.read();
                let Some(settings) = info.content.and_then(read) else { return After::UNCLEAR };
                self.settings(settings);
            }
            What::React => {
                if let (Some(user), Some(emoji)) = (info.from, info.emoji) {
                    self.react(rev, seq, user, emoji, info.op.as_deref());
                }
            }
            What::Pin => self.pin(info.seq, info.from, Some(info.ts)),
            What::Unpin => self.pin(None, None, None),
            What::DisappearingUpdated => {
                self.conv.view.disappearing_ttl = info.ttl.filter(|ttl| *ttl > 0);
                self.viewed();
            }
            What::MemberJoined => self.member(info.user.or(info.from), MemberChange::Joined),
            What::MemberLeft => return self.went(info.user.or(info.from), MemberChange::Left),
            What::MemberKicked => return self.went(info.user, MemberChange::Kicked),
            What::RoleChanged => {
                let role = info.content.and_then(|json| json.read());
                let Some(NewRole { role }) = role else { return After::UNCLEAR };
                self.role(info.user, role);
            }
            What::OwnerChanged => self.owner(info.user),
            What::RoomUpdated => match info.content {
                Some(content) => {
                    self.conv.view.public = Some(content);
                    self.viewed();
                }
                None => return After::UNCLEAR,
            },
            _ => return After::UNCLEAR,
        }
        After::default()
    }

    fn mine(&mut self, rev: Rev, request: Request, mine: &Mine) -> After {
        let seq = mine.seq.unwrap_or_default();
        let at = mine.ts.unwrap_or_default();
        match request {
            Request::Send(send) => return self.sent(rev, seq, at, send),
            Request::Edit(edit) => match edit.content {
                Some(content) => self.edit(rev, seq, normal(content), mine.edited_at.unwrap_or(at)),
                None => return After::UNCLEAR,
            },
            Request::Unsend(_) => return self.delete(rev, seq, unsent()),
            Request::Delete(_) => return self.delete(rev, seq, Head::default()),
            Request::React(_) => {
                if let (Some(me), Some(emoji)) = (self.me, mine.emoji.clone()) {
                    self.react(rev, seq, me, emoji, mine.op.as_deref());
                }
            }
            Request::Pin(_) => {
                let by = mine.seq.and(self.me);
                self.pin(mine.seq, by, mine.pinned_at);
            }
            Request::Dm(_) | Request::Group(_) => return self.managed(request, mine),
            _ => return After::UNCLEAR,
        }
        After::default()
    }

    /// A setting or a membership that the user changed.
    fn managed(&mut self, request: Request, mine: &Mine) -> After {
        let action = match &request {
            Request::Group(group) => group.action.as_deref().unwrap_or_default(),
            _ => "",
        };
        match action {
            "invite" => self.member(mine.user(), MemberChange::Joined),
            "kick" => return self.went(mine.user(), MemberChange::Kicked),
            "delete" => return After::GONE,
            "transfer" => self.owner(mine.user()),
            "role" => match mine.role {
                Some(role) => self.role(mine.user(), role),
                None => return After::UNCLEAR,
            },
            _ => {
                let known = mine.ttl().is_some() || mine.no_screenshots.is_some() || mine.public.is_some();
                if !known {
                    return After::UNCLEAR;
                }
                let view = &mut self.conv.view;
                if let Some(ttl) = mine.ttl() {
                    view.disappearing_ttl = ttl.filter(|ttl| *ttl > 0);
                }
                if let Some(set) = mine.no_screenshots {
                    view.no_screenshots = Some(set).filter(|set| *set);
                }
                if let Some(public) = &mine.public {
                    view.public = Some(public.clone());
                }
                self.viewed();
            }
        }
        After::default()
    }

    fn settings(&mut self, settings: NewSettings) {
        let view = &mut self.conv.view;
        view.slow_mode = settings.slow_mode.unwrap_or(view.slow_mode);
        view.retention = settings.retention.unwrap_or(view.retention);
        if let Some(on) = settings.joinable {
            view.joinable = (!on).then_some(false);
        }
        if let Some(on) = settings.system_messages {
            view.system_messages = on.then_some(true);
        }
        self.viewed();
    }

    /// A change in its latest state, from the catch-up.
    pub(super) fn caught_up(&mut self, item: ChangeItem) -> After {
        let mut after = After::default();
        if let Some(message) = item.message {
            // Changes are not in the order of messages, so which own messages moved the read mark is not known.
            let moves = message.seq > self.conv.view.last_seq && message.from == self.me;
            after = self.message(message);
            after.recount |= moves;
        }
        if let Some(member) = item.member {
            let gone = member.gone == Some(true);
            if gone && Some(member.id) == self.me {
                return After::GONE;
            }
            if let Some(role) = member.role.filter(|_| Some(member.id) == self.me) {
                self.conv.view.role = role;
            }
            self.member(Some(member.id), if gone { MemberChange::Left } else { MemberChange::Updated });
        }
        if let Some(view) = item.conversation.filter(|view| view.id == self.id() && sane(view)) {
            self.conv.adopt(view);
            self.viewed();
        }
        after
    }

    fn message(&mut self, message: MessageItem) -> After {
        let (conv, seq, unread) = (self.id(), message.seq, self.conv.view.unread);
        let deleted = message.deleted == Some(true);
        let unsent = message.head.as_ref().is_some_and(|head| head.unsent == Some(true));
        let listed = seq <= self.conv.view.last_seq;
        let put = self.conv.put(self.me, message.clone());
        match put {
            Put::Old => return After::default(),
            _ if deleted => self.events.push(Event::Deleted { conv, seq, unsent }),
            Put::New => self.events.push(Event::Message { conv, message }),
            Put::Changed => self.events.push(Event::Updated { conv, message }),
        }
        if self.conv.view.unread != unread {
            self.viewed();
        }
        // A tombstone of a message that the model did not hold may or may not have been counted.
        After { recount: deleted && listed && !self.conv.recount(self.me), ..After::default() }
    }

    fn sent(&mut self, rev: Rev, seq: Seq, ts: Timestamp, send: Send) -> After {
        let content = send.content.unwrap_or_else(Json::null);
        let mentions = content.read().and_then(|Mentioned { mentions }| mentions).unwrap_or_default();
        let reply_to = send.reply_to.and_then(crate::proto::Int::positive).map(Seq);
        let view_once = send.view_once.filter(|once| *once);
        let view_once_ttl = view_once.and(send.view_once_ttl).and_then(|ttl| u32::try_from(ttl.0).ok());
        let expires_in = send.expires_in.and_then(crate::proto::Int::positive);
        let expires_at = expires_in.map(|seconds| ts + Duration::from_secs(seconds));
        let head =
            Head { reply_to, mentions, view_once, view_once_ttl, expires_at, ..Head::default() }.non_empty();
        self.message(MessageItem {
            seq,
            rev,
            from: self.me,
            ts,
            content: Some(content),
            deleted: None,
            unavailable: None,
            head,
            view_once,
            cid: send.cid,
        })
    }

    fn edit(&mut self, rev: Rev, seq: Seq, content: Json, at: Timestamp) {
        if let Some(message) = self.conv.stale(seq, rev)
            && message.deleted != Some(true)
        {
            let head = message.head.get_or_insert_default();
            head.edit_count = Some(head.edit_count.unwrap_or(0).saturating_add(1));
            head.edited_at = Some(at);
            message.content = Some(content.clone());
            message.rev = rev;
        }
        self.events.push(Event::Edited { conv: self.id(), seq, content, at });
    }

    fn delete(&mut self, rev: Rev, seq: Seq, head: Head) -> After {
        let unsent = head.unsent == Some(true);
        if let Some(message) = self.conv.stale(seq, rev) {
            message.rev = rev;
            (message.content, message.deleted, message.cid, message.view_once) =
                (None, Some(true), None, None);
            message.head = head.non_empty();
        }
        self.events.push(Event::Deleted { conv: self.id(), seq, unsent });
        let unread = self.conv.view.unread;
        let known = self.conv.recount(self.me);
        if self.conv.view.unread != unread {
            self.viewed();
        }
        After { recount: !known && unread > 0, ..After::default() }
    }

    fn react(&mut self, rev: Rev, seq: Seq, user: UserId, emoji: String, op: Option<&str>) {
        let mut added = op != Some("remove");
        if let Some(message) = self.conv.stale(seq, rev)
            && message.deleted != Some(true)
        {
            message.rev = rev;
            let head = message.head.get_or_insert_default();
            let full = head.reactions.len() >= MAX_REACTIONS.0 && !head.reactions.contains_key(&emoji);
            let users = head.reactions.or_default(emoji.clone());
            let had = users.contains(&user);
            // Without `op` a reaction is toggled.
            added = added && !(op.is_none() && had);
            users.retain(|other| added && had || *other != user);
            if added && !had && !full && users.len() < MAX_REACTIONS.1 {
                users.push(user);
            }
            head.reactions.retain(|_, users| !users.is_empty());
            message.head = message.head.take().and_then(Head::non_empty);
        }
        self.events.push(Event::Reaction { conv: self.id(), seq, user, emoji, added });
    }

    fn pin(&mut self, seq: Option<Seq>, by: Option<UserId>, at: Option<Timestamp>) {
        let view = &mut self.conv.view;
        (view.pinned_seq, view.pinned_by, view.pinned_at) = (seq, by, at);
        self.viewed();
    }

    fn member(&mut self, user: Option<UserId>, change: MemberChange) {
        let conv = self.id();
        self.events.extend(user.map(|user| Event::Member { conv, user, change }));
    }

    fn went(&mut self, user: Option<UserId>, change: MemberChange) -> After {
        self.member(user, change);
        if user.is_some() && user == self.me { After::GONE } else { After::default() }
    }

    fn role(&mut self, user: Option<UserId>, role: Role) {
        if user.is_some() && user == self.me {
            self.conv.view.role = role;
            self.viewed();
        }
        self.member(user, MemberChange::Role);
    }

    fn owner(&mut self, user: Option<UserId>) {
        if user.is_some() && user == self.me {
            self.conv.view.role = Role::Owner;
            self.viewed();
        } else if self.conv.view.role == Role::Owner {
            self.conv.view.role = Role::Admin;
            self.viewed();
        }
        self.member(user, MemberChange::Role);
    }

    /// Applies a private change.
    pub(super) fn own(&mut self, change: OwnChange) -> After {
        let OwnChange { params, hidden } = change;
        let view = &mut self.conv.view;
        if let Some(seq) = params.read_seq {
            view.read_seq = view.read_seq.max(seq);
            view.recv_seq = view.recv_seq.max(seq);
        }
        view.recv_seq = view.recv_seq.max(params.recv_seq.unwrap_or_default());
        view.favorite = params.favorite.unwrap_or(view.favorite);
        view.muted = params.muted.unwrap_or(view.muted);
        view.archived = params.archived.unwrap_or(view.archived);
        view.blocked = params.blocked.unwrap_or(view.blocked);
        if let Some(private) = params.private {
            view.private = Some(private).filter(|json| !json.is_null());
        }
        if let Some(seq) = params.clear_seq {
            self.conv.clear(seq);
        }
        self.conv.pass_own(self.me);
        let counts = params.read_seq.is_some() || params.clear_seq.is_some() || !hidden.is_empty();
        self.hide(hidden);
        self.viewed();
        After { recount: counts && !self.conv.recount(self.me), ..After::default() }
    }

    /// Forgets messages that the user no longer sees.
    pub(super) fn hide(&mut self, seqs: Vec<Seq>) {
        if !seqs.is_empty() {
            self.conv.hide(&seqs);
            self.events.push(Event::Hidden { conv: self.id(), seqs });
        }
    }

    /// Forgets messages that the catch-up says are hidden; returns whether the number of unread messages can't be known
    /// without asking. The server's number may be from after that, and the messages counted anew before.
    pub(super) fn hidden(&mut self, seqs: Vec<Seq>) -> bool {
        if seqs.is_empty() {
            return false;
        }
        let unread = self.conv.view.unread;
        self.hide(seqs);
        let known = self.conv.recount(self.me);
        if self.conv.view.unread != unread {
            self.viewed();
        }
        !known && unread > 0
    }

    fn viewed(&mut self) {
        let changed = Event::Conversation { conv: self.id(), change: ConvChange::Changed };
        self.events.push(changed);
    }
}

crate::record! {
    /// The mentions of content that the server has accepted.
    struct Mentioned {
        mentions: Option<Vec<HeadMention>>,
    }

    /// The content of `role_changed`.
    struct NewRole {
        role: Role,
    }

    /// The content of `group_updated`: what is absent stays.
    struct NewSettings {
        #[serde(skip_serializing_if = "absent", serialize_with = "inner", deserialize_with = "some_option", default)]
        slow_mode: Option<Option<u32>>,
        #[serde(skip_serializing_if = "absent", serialize_with = "inner", deserialize_with = "some_option", default)]
        retention: Option<Option<u32>>,
        joinable: Option<bool>,
        system_messages: Option<bool>,
    }
}

/// What is left of the head of a message that was taken back.
fn unsent() -> Head {
    Head { unsent: Some(true), ..Head::default() }
}

/// Returns content as the server stores it: a bare string is wrapped, what a sender can't say is dropped.
pub(super) fn normal(content: Json) -> Json {
    crate::irido::stored(content.as_str()).and_then(|stored| Json::parse(stored).ok()).unwrap_or(content)
}

fn item(data: Data) -> MessageItem {
    let view_once = data.head.as_ref().and_then(|head| head.view_once);
    MessageItem {
        seq: data.seq,
        rev: data.rev,
        from: data.from,
        ts: data.ts,
        content: Some(data.content),
        deleted: None,
        unavailable: None,
        head: data.head,
        view_once,
        cid: data.cid,
    }
}
