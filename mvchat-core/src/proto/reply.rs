//! What successful requests bring: the `params` of their `ctrl`.

use super::{
    ConnId, ConvId, Head, InviteId, Json, Limits, MarkKind, Own, Privacy, Rev, Role, Seq, SessionId, UserId,
};
use crate::time::Timestamp;
use crate::wire::{Members, Read, Reader, Write};

/// How a request succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Done {
    /// 200.
    Ok,
    /// 201: something new exists.
    Created,
    /// 202: a message was accepted.
    Accepted,
}

impl Done {
    /// Returns the `ctrl.code`.
    pub fn code(self) -> u16 {
        match self {
            Self::Ok => 200,
            Self::Created => 201,
            Self::Accepted => 202,
        }
    }
}

/// A request's success.
#[derive(Clone, Debug)]
pub struct Reply {
    /// How it succeeded.
    pub done: Done,
    /// What it brought.
    pub params: ReplyParams,
}

impl Reply {
    /// A success that says nothing more.
    pub const EMPTY: Self = Self { done: Done::Ok, params: ReplyParams::None };

    /// A 200.
    pub fn ok(params: impl Into<ReplyParams>) -> Self {
        Self { done: Done::Ok, params: params.into() }
    }

    /// A 201.
    pub fn created(params: impl Into<ReplyParams>) -> Self {
        Self { done: Done::Created, params: params.into() }
    }

    /// A 202.
    pub fn accepted(params: impl Into<ReplyParams>) -> Self {
        Self { done: Done::Accepted, params: params.into() }
    }
}

macro_rules! replies {
    ($($(#[$doc:meta])* $name:ident($type:ty),)*) => {
        /// The parameters of a success.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum ReplyParams {
            /// Nothing.
            None,
            $($(#[$doc])* $name(Box<$type>),)*
        }
        $(impl From<$type> for ReplyParams {
            fn from(params: $type) -> Self { Self::$name(Box::new(params)) }
        })*

        impl Write for ReplyParams {
            fn write(&self, out: &mut String) {
                match self {
                    Self::None => out.push_str("null"),
                    $(Self::$name(params) => params.write(out),)*
                }
            }
        }
    };
}

replies! {
    /// Of `hi`.
    Hi(HiParams),
    /// Of `login` and `acc new`.
    Account(AccountParams),
    /// Of `acc me`.
    AccountUpdated(AccountUpdated),
    /// Of `session` with `list`.
    Sessions(SessionsParams),
    /// Of `search`.
    Users(UsersParams),
    /// Of `get user`.
    User(UserParams),
    /// Of `invite` with `create`.
    InviteCreated(InviteCreated),
    /// Of `invite` with `list`.
    Invites(InvitesParams),
    /// Of `invite` with `revoke`.
    InviteRevoked(InviteRevoked),
    /// Of `invite` with `redeem`.
    InviteRedeemed(InviteRedeemed),
    /// Of `contact`.
    Contact(ContactParams),
    /// Of `get contacts`.
    Contacts(ContactsParams),
    /// Of `get online`.
    Online(OnlineParams),
    /// Of `dm` with a user.
    Dm(DmParams),
    /// Of settings.
    Settings(SettingsParams),
    /// Of a time to live.
    Ttl(TtlParams),
    /// Of `group create`.
    ConvCreated(ConvCreated),
    /// Of the other group actions.
    Group(GroupParams),
    /// Of `group link` with `create`.
    Link(LinkParams),
    /// Of `group link` with `list`.
    Links(LinksParams),
    /// Of everything about one message or mark.
    Message(MessageParams),
    /// Of `pin`.
    Pin(PinParams),
    /// Of `get conversations`.
    Conversations(ConversationsParams),
    /// Of `get conversation`.
    Conversation(ConversationParams),
    /// Of `get messages`.
    Messages(MessagesParams),
    /// Of `get members`.
    Members(MembersParams),
    /// Of `get receipts`.
    Receipts(ReceiptsParams),
    /// Of `get mentions`.
    Mentions(MentionsParams),
    /// Of `get changes`.
    Changes(ChangesParams),
}

macro_rules! params {
    ($($(#[$doc:meta])* $name:ident {
        $($(#[doc = $field_doc:expr])* $(#[serde($($attr:tt)*)])? $field:ident : $type:ty,)*
    })*) => {
        crate::record! {$(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq)]
            pub struct $name {
                $($(#[doc = $field_doc])* $(#[serde($($attr)*)])? pub $field: $type,)*
            }
        )*}
    };
}

params! {
    /// What `hi` brings.
    HiParams {
        /// The protocol's version.
        ver: String,
        /// The server's build.
        build: String,
        /// The connection.
        sid: ConnId,
        /// The Unicode version of grapheme offsets.
        unicode: String,
        /// Every limit.
        limits: Limits,
        /// What this server offers beyond the base protocol.
        caps: Vec<String>,
    }
    /// Who logged in or was made.
    AccountParams {
        /// The user.
        user: UserId,
        /// A fresh token.
        #[serde(skip_serializing_if = "absent", default)]
        token: Option<String>,
        /// When the token expires.
        #[serde(skip_serializing_if = "absent", default)]
        expires: Option<Timestamp>,
        /// A token for the next login, to be used once, where tokens are short.
        #[serde(skip_serializing_if = "absent", default)]
        refresh: Option<String>,
        /// The session that the token names.
        #[serde(skip_serializing_if = "absent", default)]
        session: Option<SessionId>,
        /// Whether the e-mail address is known to be the user's.
        email_verified: bool,
        /// What the user wrote about themself.
        desc: Desc,
        /// The password has to be changed.
        #[serde(skip_serializing_if = "absent", default)]
        must_change_password: Option<bool>,
        /// The user's language.
        #[serde(skip_serializing_if = "absent", default)]
        lang: Option<String>,
        /// What others see of the user; absent when that is everything.
        #[serde(skip_serializing_if = "absent", default)]
        privacy: Option<Privacy>,
        /// The user's status.
        #[serde(skip_serializing_if = "absent", default)]
        status: Option<String>,
        /// A guest, who may do less and goes when the session ends.
        #[serde(skip_serializing_if = "absent", default)]
        guest: Option<bool>,
        /// Whose invites the sign-up has used.
        #[serde(skip_serializing_if = "absent", default)]
        inviters: Option<Vec<UserId>>,
    }
    /// A profile.
    Desc {
        /// What others see.
        public: Option<Json>,
        /// What only the user sees.
        #[serde(skip_serializing_if = "absent", default)]
        private: Option<Json>,
    }
    /// What changed in an account.
    #[derive(Default)]
    AccountUpdated {
        /// The new profile.
        #[serde(skip_serializing_if = "absent", deserialize_with = "present", default)]
        public: Option<Json>,
        /// The new private data.
        #[serde(skip_serializing_if = "absent", deserialize_with = "present", default)]
        private: Option<Json>,
        /// The password is another.
        #[serde(skip_serializing_if = "absent", default)]
        password_changed: Option<bool>,
        /// The new address.
        #[serde(skip_serializing_if = "absent", default)]
        email: Option<String>,
        /// The new language.
        #[serde(skip_serializing_if = "absent", default)]
        lang: Option<String>,
        /// All privacy settings as they are now.
        #[serde(skip_serializing_if = "absent", default)]
        privacy: Option<Privacy>,
        /// The new user name.
        #[serde(skip_serializing_if = "absent", default)]
        username: Option<String>,
        /// The new status; empty for none.
        #[serde(skip_serializing_if = "absent", default)]
        status: Option<String>,
    }
    /// The user's sessions.
    SessionsParams {
        /// The last used first.
        sessions: Vec<SessionItem>,
    }
    /// One login of one device.
    SessionItem {
        /// Its id.
        id: SessionId,
        /// The device's name, as it said.
        device: Option<String>,
        /// The client's name and version, as it said.
        user_agent: Option<String>,
        /// When it was opened.
        created_at: Timestamp,
        /// When it was last used to log in.
        last_used_at: Timestamp,
        /// It is the one that asks.
        current: bool,
    }
    /// Users.
    UsersParams {
        /// In the order of their names.
        users: Vec<UserItem>,
    }
    /// One user.
    UserParams {
        /// The user.
        user: UserItem,
    }
    /// A user as another one sees it.
    UserItem {
        /// The user.
        id: UserId,
        /// The profile.
        public: Option<Json>,
        /// Whether a connection is open.
        online: bool,
        /// When the user was last here.
        last_seen: Option<Timestamp>,
        /// What the user says about the present moment.
        #[serde(skip_serializing_if = "absent", default)]
        status: Option<String>,
    }
    /// A new invite.
    InviteCreated {
        /// The invite.
        id: InviteId,
        /// What makes it work.
        code: String,
        /// The address.
        email: String,
        /// Who that is.
        name: Option<String>,
        /// When it runs out.
        expires_at: Timestamp,
    }
    /// The user's invites.
    InvitesParams {
        /// The newest first.
        invites: Vec<InviteItem>,
    }
    /// An invite, as its maker sees it.
    InviteItem {
        /// The invite.
        id: InviteId,
        /// The address.
        email: String,
        /// `pending`, `used` or `expired`.
        status: String,
        /// When it was made.
        created_at: Timestamp,
        /// When it runs out.
        expires_at: Timestamp,
        /// Who that is.
        #[serde(skip_serializing_if = "absent", default)]
        name: Option<String>,
        /// What makes it work, while it is pending.
        #[serde(skip_serializing_if = "absent", default)]
        code: Option<String>,
        /// When it was used.
        #[serde(skip_serializing_if = "absent", default)]
        used_at: Option<Timestamp>,
        /// By whom.
        #[serde(skip_serializing_if = "absent", default)]
        used_by: Option<UserId>,
    }
    /// An invite that was taken back.
    InviteRevoked {
        /// The invite.
        id: InviteId,
    }
    /// An invite that was used.
    InviteRedeemed {
        /// Who had made it.
        inviter: UserId,
        /// Their profile.
        inviter_public: Option<Json>,
        /// The direct conversation with them.
        conv: ConvId,
    }
    /// A contact that was changed.
    ContactParams {
        /// The contact.
        user: UserId,
        /// The profile, when it was added.
        #[serde(skip_serializing_if = "absent", deserialize_with = "present", default)]
        public: Option<Json>,
        /// The nickname that was given, `null` when it was taken away.
        #[serde(skip_serializing_if = "absent", serialize_with = "inner", deserialize_with = "some_option", default)]
        nickname: Option<Option<String>>,
    }
    /// The user's contacts.
    ContactsParams {
        /// The newest first.
        contacts: Vec<ContactItem>,
    }
    /// Who is here.
    OnlineParams {
        /// Contacts and partners in direct conversations with an open connection.
        users: Vec<UserId>,
    }
    /// A contact.
    ContactItem {
        /// The contact.
        user: UserId,
        /// How they became contacts: `manual` or `invite`.
        source: String,
        /// When.
        created_at: Timestamp,
        /// What the user calls the contact.
        #[serde(skip_serializing_if = "absent", default)]
        nickname: Option<String>,
        /// The profile.
        #[serde(skip_serializing_if = "absent", default)]
        public: Option<Json>,
        /// Whether a connection is open.
        online: bool,
        /// When the contact was last here.
        #[serde(skip_serializing_if = "absent", default)]
        last_seen: Option<Timestamp>,
        /// What the contact says about the present moment.
        #[serde(skip_serializing_if = "absent", default)]
        status: Option<String>,
    }
    /// A direct conversation.
    DmParams {
        /// The conversation.
        conv: ConvId,
        /// It is new.
        created: bool,
        /// The other user.
        #[serde(skip_serializing_if = "absent", default)]
        user: Option<UserItem>,
    }
    /// Settings that were changed.
    SettingsParams {
        /// The conversation.
        conv: ConvId,
        /// As asked for.
        #[serde(skip_serializing_if = "absent", default)]
        favorite: Option<bool>,
        /// As asked for.
        #[serde(skip_serializing_if = "absent", default)]
        muted: Option<bool>,
        /// As asked for.
        #[serde(skip_serializing_if = "absent", default)]
        archived: Option<bool>,
        /// As asked for.
        #[serde(skip_serializing_if = "absent", default)]
        blocked: Option<bool>,
        /// As asked for.
        #[serde(skip_serializing_if = "absent", deserialize_with = "present", default)]
        private: Option<Json>,
        /// The user's count of private changes, when something changed.
        #[serde(skip_serializing_if = "absent", default)]
        own: Option<Own>,
    }
    /// A new time to live.
    TtlParams {
        /// The conversation.
        conv: ConvId,
        /// In seconds; `null` when messages no longer disappear.
        #[serde(rename = "disappearingTTL")]
        disappearing_ttl: Option<u32>,
        /// The change's number.
        #[serde(skip_serializing_if = "absent", default)]
        rev: Option<Rev>,
    }
    /// A new group.
    ConvCreated {
        /// The conversation.
        conv: ConvId,
        /// Its profile.
        public: Option<Json>,
        /// The change's number.
        rev: Rev,
        /// It was there already, from the same request.
        #[serde(skip_serializing_if = "absent", default)]
        replay: Option<bool>,
    }
    /// A group action.
    GroupParams {
        /// The group.
        conv: ConvId,
        /// Whom it was about.
        #[serde(skip_serializing_if = "absent", default)]
        user: Option<UserId>,
        /// The user's or the group's profile.
        #[serde(skip_serializing_if = "absent", deserialize_with = "present", default)]
        public: Option<Json>,
        /// The new role.
        #[serde(skip_serializing_if = "absent", default)]
        role: Option<Role>,
        /// The new setting.
        #[serde(skip_serializing_if = "absent", default)]
        no_screenshots: Option<bool>,
        /// The new time to live, `null` for none.
        #[serde(rename = "disappearingTTL", skip_serializing_if = "absent", serialize_with = "inner", deserialize_with = "some_option", default)]
        disappearing_ttl: Option<Option<u32>>,
        /// The new least time between messages, `null` for none.
        #[serde(skip_serializing_if = "absent", serialize_with = "inner", deserialize_with = "some_option", default)]
        slow_mode: Option<Option<u32>>,
        /// The new setting.
        #[serde(skip_serializing_if = "absent", default)]
        joinable: Option<bool>,
        /// How long messages are kept from now on, `null` for ever.
        #[serde(skip_serializing_if = "absent", serialize_with = "inner", deserialize_with = "some_option", default)]
        retention: Option<Option<u32>>,
        /// The new setting.
        #[serde(skip_serializing_if = "absent", default)]
        system_messages: Option<bool>,
        /// Until when the user is muted.
        #[serde(skip_serializing_if = "absent", default)]
        until: Option<Timestamp>,
        /// The change's number; absent when nothing changed.
        #[serde(skip_serializing_if = "absent", default)]
        rev: Option<Rev>,
        /// When.
        #[serde(skip_serializing_if = "absent", default)]
        ts: Option<Timestamp>,
    }
    /// A link that opens a group.
    LinkParams {
        /// The group.
        conv: ConvId,
        /// Whoever has it can join.
        code: String,
        /// When it runs out.
        #[serde(skip_serializing_if = "absent", default)]
        expires_at: Option<Timestamp>,
        /// How often it opens.
        #[serde(skip_serializing_if = "absent", default)]
        max_uses: Option<u32>,
        /// How often it was used.
        uses: u32,
        /// Who made it.
        by: UserId,
        /// When.
        created_at: Timestamp,
    }
    /// The links of a group.
    LinksParams {
        /// The group.
        conv: ConvId,
        /// The oldest first.
        links: Vec<LinkParams>,
    }
    /// A message or a mark.
    MessageParams {
        /// The conversation.
        conv: ConvId,
        /// The message, or the effective mark.
        seq: Seq,
        /// The change's number, when it is a durable shared change.
        #[serde(skip_serializing_if = "absent", default)]
        rev: Option<Rev>,
        /// The user's count of private changes, when something private changed.
        #[serde(skip_serializing_if = "absent", default)]
        own: Option<Own>,
        /// When.
        #[serde(skip_serializing_if = "absent", default)]
        ts: Option<Timestamp>,
        /// When it was edited.
        #[serde(skip_serializing_if = "absent", default)]
        edited_at: Option<Timestamp>,
        /// It can be seen once.
        #[serde(skip_serializing_if = "absent", default)]
        view_once: Option<bool>,
        /// The reaction.
        #[serde(skip_serializing_if = "absent", default)]
        emoji: Option<String>,
        /// `add` or `remove`.
        #[serde(skip_serializing_if = "absent", default)]
        op: Option<String>,
        /// How many users have this reaction now.
        #[serde(skip_serializing_if = "absent", default)]
        count: Option<u32>,
        /// The request had been done before.
        #[serde(skip_serializing_if = "absent", default)]
        replay: Option<bool>,
        /// The receivers' connections that were reached at once.
        #[serde(skip_serializing_if = "absent", default)]
        delivered: Option<u32>,
        /// No connection was reached at once.
        #[serde(skip_serializing_if = "absent", default)]
        queued: Option<bool>,
    }
    /// A pin.
    PinParams {
        /// The conversation.
        conv: ConvId,
        /// The pinned message.
        #[serde(skip_serializing_if = "absent", default)]
        seq: Option<Seq>,
        /// When it was pinned.
        #[serde(skip_serializing_if = "absent", default)]
        pinned_at: Option<Timestamp>,
        /// When it was unpinned.
        #[serde(skip_serializing_if = "absent", default)]
        unpinned_at: Option<Timestamp>,
        /// The change's number; absent when nothing changed.
        #[serde(skip_serializing_if = "absent", default)]
        rev: Option<Rev>,
    }
    /// A page of conversations.
    ConversationsParams {
        /// The newest activity first; with `since`, in the order of their changes.
        conversations: Vec<ConvEntry>,
        /// Where the next page begins (`before`).
        #[serde(skip_serializing_if = "absent", default)]
        next: Option<String>,
        /// Where to ask for changes from (`since`).
        #[serde(skip_serializing_if = "absent", default)]
        since: Option<String>,
        /// There is more.
        #[serde(skip_serializing_if = "absent", default)]
        more: Option<bool>,
    }
    /// One conversation.
    ConversationParams {
        /// As the asking user sees it.
        conversation: ConvItem,
    }
    /// A page of messages.
    MessagesParams {
        /// The newest first.
        messages: Vec<MessageItem>,
        /// There is more in the direction that was asked for.
        more: bool,
        /// The conversation's `rev` at the time of this page.
        rev: Rev,
        /// The user's count of private changes at the time of this page.
        own: Own,
    }
    /// A message in history.
    MessageItem {
        /// Its number.
        seq: Seq,
        /// The number of its last change.
        rev: Rev,
        /// The sender; absent in system messages.
        #[serde(skip_serializing_if = "absent", default)]
        from: Option<UserId>,
        /// When it was accepted.
        ts: Timestamp,
        /// Irido; absent when it is deleted or can't be read.
        #[serde(skip_serializing_if = "absent", deserialize_with = "present", default)]
        content: Option<Json>,
        /// It was deleted for everyone.
        #[serde(skip_serializing_if = "absent", default)]
        deleted: Option<bool>,
        /// Its content can't be read, for example because its sender's key was erased.
        #[serde(skip_serializing_if = "absent", default)]
        unavailable: Option<bool>,
        /// What the server knows about it.
        #[serde(skip_serializing_if = "absent", default)]
        head: Option<Head>,
        /// It can be seen once.
        #[serde(skip_serializing_if = "absent", default)]
        view_once: Option<bool>,
        /// The sender's own id of it; only to the sender.
        #[serde(skip_serializing_if = "absent", default)]
        cid: Option<String>,
    }
    /// Messages that mention the user.
    MentionsParams {
        /// The newest first.
        mentions: Vec<MentionItem>,
    }
    /// A message that mentions the user.
    MentionItem {
        /// The conversation.
        conv: ConvId,
        /// Its number there.
        seq: Seq,
        /// The number of its last change.
        rev: Rev,
        /// The sender; absent in system messages.
        #[serde(skip_serializing_if = "absent", default)]
        from: Option<UserId>,
        /// When it was accepted.
        ts: Timestamp,
        /// Irido; absent when it can't be read.
        #[serde(skip_serializing_if = "absent", deserialize_with = "present", default)]
        content: Option<Json>,
        /// Its content can't be read, for example because its sender's key was erased.
        #[serde(skip_serializing_if = "absent", default)]
        unavailable: Option<bool>,
        /// What the server knows about it.
        #[serde(skip_serializing_if = "absent", default)]
        head: Option<Head>,
    }
    /// Members.
    MembersParams {
        /// Active members.
        members: Vec<MemberItem>,
    }
    /// A member.
    MemberItem {
        /// The user.
        id: UserId,
        /// The role.
        #[serde(skip_serializing_if = "absent", default)]
        role: Option<Role>,
        /// The profile.
        public: Option<Json>,
        /// Whether a connection is open.
        online: bool,
        /// When the user was last here.
        last_seen: Option<Timestamp>,
        /// Until when a moderator has muted the member.
        #[serde(skip_serializing_if = "absent", default)]
        muted_until: Option<Timestamp>,
        /// No member any more.
        #[serde(skip_serializing_if = "absent", default)]
        gone: Option<bool>,
    }
    /// Marks of members.
    ReceiptsParams {
        /// One row a member.
        receipts: Vec<ReceiptItem>,
        /// Where the next page begins (`after`).
        #[serde(skip_serializing_if = "absent", default)]
        next: Option<String>,
    }
    /// A member's marks.
    ReceiptItem {
        /// The member.
        user: UserId,
        /// Read up to this message.
        read_seq: Seq,
        /// Received up to this message.
        recv_seq: Seq,
    }
    /// The changes of a conversation.
    ChangesParams {
        /// Everything up to here was delivered.
        rev: Rev,
        /// The user's count of private changes.
        own: Own,
        /// There is more.
        more: bool,
        /// In the order of their last change.
        items: Vec<ChangeItem>,
        /// Messages that the user has hidden.
        #[serde(skip_serializing_if = "absent", default)]
        hidden: Option<Vec<Seq>>,
        /// Too much has changed: reload the newest page.
        #[serde(skip_serializing_if = "absent", default)]
        reset: Option<bool>,
    }
    /// Something in its latest state.
    ChangeItem {
        /// The number of its last change.
        rev: Rev,
        /// A message.
        #[serde(skip_serializing_if = "absent", default)]
        message: Option<MessageItem>,
        /// A member.
        #[serde(skip_serializing_if = "absent", default)]
        member: Option<MemberItem>,
        /// The conversation.
        #[serde(skip_serializing_if = "absent", default)]
        conversation: Option<ConvItem>,
    }
    /// A conversation as one of its members sees it.
    ConvItem {
        /// The conversation.
        id: ConvId,
        /// `dm`, `group` or `self`.
        #[serde(rename = "type")]
        kind: String,
        /// The number of its last change.
        rev: Rev,
        /// The member's count of private changes.
        own: Own,
        /// The newest message.
        last_seq: Seq,
        /// The member has read up to here.
        read_seq: Seq,
        /// The member has received up to here.
        recv_seq: Seq,
        /// The member has cleared up to here.
        clear_seq: Seq,
        /// Visible messages of others after `readSeq`: exact to 999, then 1000.
        unread: u32,
        /// The member's role.
        role: Role,
        /// The member's setting.
        favorite: bool,
        /// The member's setting.
        muted: bool,
        /// The member's setting.
        archived: bool,
        /// The member has blocked the other.
        blocked: bool,
        /// The member's own data.
        private: Option<Json>,
        /// When the newest message came.
        #[serde(skip_serializing_if = "absent", default)]
        last_msg_at: Option<Timestamp>,
        /// The other member of a direct conversation.
        #[serde(skip_serializing_if = "absent", default)]
        user: Option<UserItem>,
        /// The group's profile; absent in direct conversations.
        #[serde(skip_serializing_if = "absent", deserialize_with = "present", default)]
        public: Option<Json>,
        /// How long messages live after they were read, in seconds.
        #[serde(rename = "disappearingTTL", skip_serializing_if = "absent", default)]
        disappearing_ttl: Option<u32>,
        /// The pinned message.
        #[serde(skip_serializing_if = "absent", default)]
        pinned_seq: Option<Seq>,
        /// When it was pinned.
        #[serde(skip_serializing_if = "absent", default)]
        pinned_at: Option<Timestamp>,
        /// Who pinned it.
        #[serde(skip_serializing_if = "absent", default)]
        pinned_by: Option<UserId>,
        /// Clients are asked not to allow screenshots.
        #[serde(skip_serializing_if = "absent", default)]
        no_screenshots: Option<bool>,
        /// The least time between two messages of a plain member, in seconds.
        #[serde(skip_serializing_if = "absent", default)]
        slow_mode: Option<u32>,
        /// `false` when links don't open the group.
        #[serde(skip_serializing_if = "absent", default)]
        joinable: Option<bool>,
        /// How long messages are kept, in seconds.
        #[serde(skip_serializing_if = "absent", default)]
        retention: Option<u32>,
        /// Changes of members and profile are told by messages, too.
        #[serde(skip_serializing_if = "absent", default)]
        system_messages: Option<bool>,
    }
    /// What of a member's private state changed; the content of `info own`.
    #[derive(Default)]
    OwnParams {
        /// The mark that moved.
        #[serde(skip_serializing_if = "absent", default)]
        read_seq: Option<Seq>,
        /// The mark that moved.
        #[serde(skip_serializing_if = "absent", default)]
        recv_seq: Option<Seq>,
        /// The mark that moved.
        #[serde(skip_serializing_if = "absent", default)]
        clear_seq: Option<Seq>,
        /// The setting that changed.
        #[serde(skip_serializing_if = "absent", default)]
        favorite: Option<bool>,
        /// The setting that changed.
        #[serde(skip_serializing_if = "absent", default)]
        muted: Option<bool>,
        /// The setting that changed.
        #[serde(skip_serializing_if = "absent", default)]
        archived: Option<bool>,
        /// The setting that changed.
        #[serde(skip_serializing_if = "absent", default)]
        blocked: Option<bool>,
        /// The data that changed.
        #[serde(skip_serializing_if = "absent", deserialize_with = "present", default)]
        private: Option<Json>,
    }
}

/// A conversation in a list: one of the user's, or one that the user is no longer in.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConvEntry {
    /// As the user sees it.
    Here(Box<ConvItem>),
    /// The user is no member any more: `{id, gone: true}`.
    Gone(ConvId),
}

impl Write for ConvEntry {
    fn write(&self, out: &mut String) {
        match self {
            Self::Here(item) => item.write(out),
            Self::Gone(id) => Members::new(out).put("id", id).put("gone", &true).end(),
        }
    }
}

impl Read for ConvEntry {
    fn blank() -> Self {
        Self::Gone(ConvId::blank())
    }
    fn read(&mut self, reader: &mut Reader<'_>) -> bool {
        let Some(text) = reader.any() else { return false };
        if let Ok(GoneItem { id, gone: true }) = crate::wire::read(text) {
            *self = Self::Gone(id);
            return true;
        }
        match crate::wire::read(text) {
            Ok(item) => *self = Self::Here(Box::new(item)),
            Err(_) => return reader.fail("not a conversation"),
        }
        true
    }
}

crate::bridge!(ConvEntry);
crate::bridge!(write ReplyParams);

crate::record! {
    #[derive(Clone)]
    struct GoneItem {
        id: ConvId,
        gone: bool,
    }
}

impl OwnParams {
    /// Says that one mark moved.
    pub fn mark(kind: MarkKind, seq: Seq) -> Self {
        let mut params = Self::default();
        match kind {
            MarkKind::Read => params.read_seq = Some(seq),
            MarkKind::Recv => params.recv_seq = Some(seq),
            MarkKind::Clear => params.clear_seq = Some(seq),
        }
        params
    }
}

impl MessageParams {
    /// Names a message and says nothing more.
    pub fn new(conv: ConvId, seq: Seq) -> Self {
        Self {
            conv,
            seq,
            rev: None,
            own: None,
            ts: None,
            edited_at: None,
            view_once: None,
            emoji: None,
            op: None,
            count: None,
            replay: None,
            delivered: None,
            queued: None,
        }
    }
}

impl GroupParams {
    /// Names a group and says nothing more.
    pub fn new(conv: ConvId) -> Self {
        Self {
            conv,
            user: None,
            public: None,
            role: None,
            no_screenshots: None,
            disappearing_ttl: None,
            slow_mode: None,
            joinable: None,
            retention: None,
            system_messages: None,
            until: None,
            rev: None,
            ts: None,
        }
    }
}
