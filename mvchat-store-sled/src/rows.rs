//! The rows and their fields, in the order in which they are written.

use crate::codec::{Field, In, Out, Unreadable};
use bytes::Bytes;
use mvchat_core::policy::{
    ConvKind, ConvSettings, Member, Message, MessageBody, MessageState, Pinned, Refresh, Standing,
};
use mvchat_core::proto::{Audience, Epoch, HeadEvent, Own, Position, Privacy, Rev, Role, Seq, UserId};
use mvchat_core::seam::{
    ContactRow, ContactSource, Credential, FileRow, FileState, InviteRow, LinkRow, LogEntry, LogEvent,
    SealedEmail, Sent, SessionRow, UserRow, UserState,
};
use mvchat_core::time::Timestamp;

/// What of a conversation only changes with its epoch.
pub(crate) struct ConvRow {
    pub(crate) kind: ConvKind,
    pub(crate) epoch: Epoch,
    pub(crate) owner: Option<UserId>,
    pub(crate) created_at: Timestamp,
    pub(crate) settings: ConvSettings,
    /// The number of the last change of settings or owner.
    pub(crate) settings_rev: Rev,
    /// The number of active members.
    pub(crate) active: u64,
}

/// What every shared change of a conversation moves.
#[derive(Clone, Copy)]
pub(crate) struct Tail {
    pub(crate) rev: Rev,
    /// The place of the last shared change.
    pub(crate) touched: Position,
    pub(crate) last_seq: Seq,
    pub(crate) last_at: Option<Timestamp>,
    /// When it is looked next what the conversation does not keep any longer.
    pub(crate) keep: Option<Timestamp>,
    /// No message up to here is live.
    pub(crate) swept: Seq,
}

/// What a member keeps, without the sealed data.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) struct Mine {
    pub(crate) own: Own,
    /// The place of the last private change.
    pub(crate) touched: Position,
    pub(crate) read: Seq,
    pub(crate) recv: Seq,
    pub(crate) clear: Seq,
    pub(crate) favorite: bool,
    pub(crate) muted: bool,
    pub(crate) archived: bool,
}

/// A conversation in a user's list.
#[derive(Clone, Copy)]
pub(crate) struct Listed {
    pub(crate) active: bool,
    pub(crate) created_at: Timestamp,
    /// The place of the change that ended the last membership.
    pub(crate) removed: Option<Position>,
}

/// A message with what only the store needs.
pub(crate) struct Stored {
    pub(crate) message: Message,
    /// The sender under whom a system message's cid is kept.
    pub(crate) cid_of: Option<UserId>,
}

/// What expires.
#[derive(Clone, Copy)]
pub(crate) enum Due {
    /// A reader's messages up to this one.
    Read(Seq),
    /// A message, for everybody.
    Message,
    /// What the conversation does not keep any longer.
    Keep,
    /// Those messages after this one that have expired for some: perhaps it is for everybody by now.
    Look(Seq),
    /// Everything that an ended conversation held.
    Erase,
}

/// Something that changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thing {
    Message(Seq),
    Member(UserId),
    Conversation,
}

/// Fields behind the `+` came later: a row that was written before has its default there. Such a row can't stand in
/// another one.
macro_rules! rows {
    ($($row:ident { $($field:ident),* } $(+ { $($late:ident),* })?)*) => {$(
        impl Field for $row {
            fn put(&self, out: &mut Out) { $(self.$field.put(out);)* $($(self.$late.put(out);)*)? }
            fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
                Ok(Self { $($field: Field::take(input)?,)* $($($late: input.later()?,)*)? })
            }
        }
    )*};
}

rows! {
    Tail { rev, touched, last_seq, last_at } + { keep, swept }
    Mine { own, touched, read, recv, clear, favorite, muted, archived }
    Listed { active, created_at, removed }
    Pinned { seq, at, by }
    Member { role, standing, blocks, muted_until, joined_at, rev }
    ContactRow { user, source, created_at, nickname } + { trusts, trusted }
    InviteRow { id, inviter, code, email, sealed, created_at, expires_at, used }
    FileRow { id, uploader, created_at, mime, size, location, state, sealed }
    LinkRow { code, conv, by, created_at, expires_at, max_uses, uses }
    Sent { seq, rev, at, print }
    LogEntry { position, conv, rev, actor, at, seq, event }
    SessionRow { id, user, device, user_agent, created_at, used_at, expires_at } + { until, refresh }
    Refresh { used, live }
    Credential { user, scheme, name, folded, secret }
    Privacy { last_seen, receipts, typing, discoverable }
}

macro_rules! codes {
    ($($kind:ident { $($variant:ident = $code:literal),* })*) => {$(
        impl Field for $kind {
            fn put(&self, out: &mut Out) {
                out.tag(match self { $(Self::$variant => Some($code),)* _ => None });
            }
            fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
                match input.byte()? { $($code => Ok(Self::$variant),)* _ => Err(Unreadable) }
            }
        }
    )*};
}
codes! {
    ConvKind { Dm = 1, Group = 2, Me = 3 }
    Standing { Active = 1, Left = 2, Kicked = 3, Banned = 4 }
    Role { Member = 1, Admin = 2, Owner = 3 }
    MessageState { Live = 1, Unsent = 2, Deleted = 3, Expired = 4 }
    ContactSource { Manual = 1, Invite = 2 }
    Audience { Everyone = 1, Contacts = 2, Nobody = 3 }
    UserState { Active = 1, Suspended = 2, Deleted = 3 }
    FileState { Pending = 1, Ready = 2, Failed = 3 }
}

/// What came later stands at the end.
impl Field for ConvRow {
    fn put(&self, out: &mut Out) {
        let ConvSettings {
            public,
            ttl,
            no_screenshots,
            pinned,
            slow_mode,
            closed,
            retention,
            system_messages,
        } = &self.settings;
        self.kind.put(out);
        self.epoch.put(out);
        self.owner.put(out);
        self.created_at.put(out);
        public.put(out);
        ttl.put(out);
        no_screenshots.put(out);
        pinned.put(out);
        slow_mode.put(out);
        closed.put(out);
        self.settings_rev.put(out);
        self.active.put(out);
        retention.put(out);
        system_messages.put(out);
    }

    fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
        let (kind, epoch) = Field::take(input)?;
        let (owner, created_at) = Field::take(input)?;
        let mut settings = ConvSettings {
            public: Field::take(input)?,
            ttl: Field::take(input)?,
            no_screenshots: Field::take(input)?,
            pinned: Field::take(input)?,
            slow_mode: Field::take(input)?,
            closed: Field::take(input)?,
            retention: None,
            system_messages: false,
        };
        let (settings_rev, active) = Field::take(input)?;
        settings.retention = input.later()?;
        settings.system_messages = input.later()?;
        Ok(Self { kind, epoch, owner, created_at, settings, settings_rev, active })
    }
}

impl Field for Due {
    fn put(&self, out: &mut Out) {
        match self {
            Self::Read(to) => {
                out.byte(1);
                to.put(out);
            }
            Self::Message => out.byte(2),
            Self::Keep => out.byte(3),
            Self::Look(after) => {
                out.byte(4);
                after.put(out);
            }
            Self::Erase => out.byte(5),
        }
    }
    fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
        match input.byte()? {
            1 => Seq::take(input).map(Self::Read),
            2 => Ok(Self::Message),
            3 => Ok(Self::Keep),
            4 => Seq::take(input).map(Self::Look),
            5 => Ok(Self::Erase),
            _ => Err(Unreadable),
        }
    }
}

/// What came later stands at the end: the hash of the address, the status, the privacy settings, the end of a guest.
impl Field for UserRow {
    fn put(&self, out: &mut Out) {
        self.id.put(out);
        self.state.put(out);
        self.created_at.put(out);
        self.public.put(out);
        self.private.put(out);
        self.email.as_ref().map(|email| email.sealed.clone()).put(out);
        self.lang.put(out);
        self.last_seen.put(out);
        self.must_change_password.put(out);
        self.email.as_ref().and_then(|email| email.hash).put(out);
        self.status.put(out);
        self.privacy.put(out);
        self.guest_until.put(out);
    }

    fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
        let (id, state) = Field::take(input)?;
        let mut row = Self { state, ..Self::new(id, Field::take(input)?) };
        row.public = Field::take(input)?;
        row.private = Field::take(input)?;
        let sealed: Option<Bytes> = Field::take(input)?;
        row.lang = Field::take(input)?;
        row.last_seen = Field::take(input)?;
        row.must_change_password = Field::take(input)?;
        let hash = input.later()?;
        row.email = sealed.map(|sealed| SealedEmail { sealed, hash });
        row.status = input.later()?;
        row.privacy = input.later()?;
        row.guest_until = input.later()?;
        Ok(row)
    }
}

/// The state and the sender come first, so that counting what is unread reads nothing else.
impl Field for Stored {
    fn put(&self, out: &mut Out) {
        let Message { seq, rev, id, from, ts, body, reply_to, view_once, expires_at, event, cid } =
            &self.message;
        body.state.put(out);
        from.put(out);
        seq.put(out);
        rev.put(out);
        id.put(out);
        ts.put(out);
        reply_to.put(out);
        view_once.put(out);
        cid.put(out);
        self.cid_of.put(out);
        body.content.put(out);
        body.edits.put(out);
        body.edited_at.put(out);
        body.edit_cid.put(out);
        body.mentions.put(out);
        body.reactions.put(out);
        expires_at.put(out);
        event.put(out);
    }

    fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
        let (state, from) = Field::take(input)?;
        let (seq, rev) = Field::take(input)?;
        let (id, ts) = Field::take(input)?;
        let (reply_to, view_once) = Field::take(input)?;
        let (cid, cid_of) = Field::take(input)?;
        let body = MessageBody {
            state,
            content: Field::take(input)?,
            edits: Field::take(input)?,
            edited_at: Field::take(input)?,
            edit_cid: Field::take(input)?,
            mentions: Field::take(input)?,
            reactions: Field::take(input)?,
        };
        let (expires_at, event) = (input.later()?, input.later()?);
        let message = Message { seq, rev, id, from, ts, body, reply_to, view_once, expires_at, event, cid };
        Ok(Self { message, cid_of })
    }
}

impl Stored {
    /// Reads from the beginning of a value whether it is a live message of somebody else.
    pub(crate) fn counts_as_unread(start: &[u8], viewer: UserId) -> Result<bool, Unreadable> {
        let (state, from) = <(MessageState, Option<UserId>)>::take(&mut In::new(start))?;
        Ok(state == MessageState::Live && from.is_some_and(|from| from != viewer))
    }
}

/// Events are kept as JSON: the core knows their names, and new kinds need no new format.
macro_rules! json {
    ($($kind:ident)*) => {$(
        impl Field for $kind {
            fn put(&self, out: &mut Out) {
                match serde_json::to_string(self) {
                    Ok(json) => json.put(out),
                    Err(_) => out.tag(None),
                }
            }
            fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
                serde_json::from_str(&String::take(input)?).map_err(|_| Unreadable)
            }
        }
    )*};
}
json! { LogEvent HeadEvent }

impl Field for Thing {
    fn put(&self, out: &mut Out) {
        match self {
            Self::Message(seq) => {
                out.byte(1);
                seq.put(out);
            }
            Self::Member(user) => {
                out.byte(2);
                user.put(out);
            }
            Self::Conversation => out.byte(3),
        }
    }
    fn take(input: &mut In<'_>) -> Result<Self, Unreadable> {
        match input.byte()? {
            1 => Seq::take(input).map(Self::Message),
            2 => UserId::take(input).map(Self::Member),
            3 => Ok(Self::Conversation),
            _ => Err(Unreadable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{FORMAT, decode, encode};
    use mvchat_core::proto::SessionId;
    use uuid::Uuid;

    #[test]
    fn sessions_of_the_first_version_are_read() {
        let at = Timestamp::from_micros(5);
        let session = SessionRow {
            id: SessionId(Uuid::from_u128(8)),
            user: UserId(Uuid::from_u128(7)),
            device: None,
            user_agent: Some("web".to_owned()),
            created_at: at,
            used_at: at,
            expires_at: at,
            until: None,
            refresh: None,
        };
        let now = encode(&session).unwrap();
        // Since then came two absent options; a version had the first of them only.
        for then in [&[0, 0][..], &[0]] {
            assert_eq!(decode::<SessionRow>(now.strip_suffix(then).unwrap()).unwrap(), session);
        }
        assert_eq!(decode::<SessionRow>(&now).unwrap(), session);
    }

    #[test]
    fn accounts_of_the_first_version_are_read() {
        let at = Timestamp::from_micros(5);
        let user = UserRow {
            email: Some(SealedEmail { sealed: Bytes::from_static(b"sealed"), hash: None }),
            lang: Some("de".to_owned()),
            must_change_password: true,
            ..UserRow::new(UserId(Uuid::from_u128(7)), at)
        };
        let now = encode(&user).unwrap();
        // Then, an account ended after the flag; since then came three absent options and four settings for everyone.
        let then = now.strip_suffix(&[0, 0, 1, 1, 1, 1, 0]).unwrap();
        assert_eq!(then[0], FORMAT);
        assert_eq!(decode::<UserRow>(then).unwrap(), user);
        assert_eq!(decode::<UserRow>(&now).unwrap(), user);
    }
}
