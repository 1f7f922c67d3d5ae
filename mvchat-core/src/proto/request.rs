//! What clients ask for, as it stands on the wire. All fields are optional here, because a missing field is
//! answered only after the connection was found to be logged in; see [`Command`](super::Command).

use super::Json;
use super::MAX_COUNTER;
use crate::wire::{Bad, Members, Read, Reader, Write};
use std::fmt;

/// An integer on the wire: any JSON number without a fraction, of at most 2^53 − 1 in size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Int(pub i64);

impl Int {
    /// Makes an integer from a counter.
    pub fn from_counter(value: u64) -> Self {
        Self(i64::try_from(value.min(MAX_COUNTER)).unwrap_or(0))
    }

    /// Returns the value if it is positive.
    pub fn positive(self) -> Option<u64> {
        u64::try_from(self.0).ok().filter(|value| *value > 0)
    }
}

impl Read for Int {
    fn blank() -> Self {
        Self(0)
    }
    fn read(&mut self, reader: &mut Reader<'_>) -> bool {
        const MOST: i64 = MAX_COUNTER as i64;
        reader.integer(-MOST, MOST).map(|value| self.0 = value).is_some()
    }
}

impl Write for Int {
    fn write(&self, out: &mut String) {
        self.0.write(out);
    }
}

/// A number or a text, for cursors.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scalar {
    /// A number.
    Int(Int),
    /// A text.
    Text(String),
}

impl Read for Scalar {
    fn blank() -> Self {
        Self::Int(Int(0))
    }
    fn read(&mut self, reader: &mut Reader<'_>) -> bool {
        if reader.peek() == Some(b'"') {
            let mut text = String::new();
            let read = text.read(reader);
            *self = Self::Text(text);
            return read;
        }
        let mut int = Int(0);
        let read = int.read(reader);
        *self = Self::Int(int);
        read
    }
}

impl Write for Scalar {
    fn write(&self, out: &mut String) {
        match self {
            Self::Int(int) => int.write(out),
            Self::Text(text) => text.write(out),
        }
    }
}

/// A login secret: standard base64 of `user:password` or `old:new`, a token, or both passwords in clear fields.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Secret {
    /// The encoded form.
    Text(String),
    /// The form with fields, for password changes.
    Change {
        /// The present password.
        old: String,
        /// The new password.
        new: String,
    },
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

crate::record! {
    #[derive(Clone)]
    struct Change {
        old: String,
        new: String,
    }
}

impl Read for Secret {
    fn blank() -> Self {
        Self::Text(String::new())
    }
    fn read(&mut self, reader: &mut Reader<'_>) -> bool {
        if reader.peek() == Some(b'{') {
            let mut change = Change::blank();
            let read = change.read(reader);
            *self = Self::Change { old: change.old, new: change.new };
            return read;
        }
        let mut text = String::new();
        let read = text.read(reader);
        *self = Self::Text(text);
        read
    }
}

impl Write for Secret {
    fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => text.write(out),
            Self::Change { old, new } => Members::new(out).put("old", old).put("new", new).end(),
        }
    }
}

crate::bridge!(Int, Scalar, Secret);

macro_rules! wire {
    ($($(#[$doc:meta])* $name:ident {
        $($(#[doc = $field_doc:expr])* $(#[serde($($attr:tt)*)])? $field:ident : $type:ty,)*
    })*) => {
        crate::record! {$(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, PartialEq)]
            pub struct $name { $(
                $(#[doc = $field_doc])*
                #[serde(@request $($($attr)*)?)]
                pub $field: Option<$type>,
            )* }
        )*}
    };
}

wire! {
    /// `hi`: greets; repeated, it asks for a sign of life.
    Hi {
        /// The client's protocol version.
        ver: String,
        /// The client's name and version.
        ua: String,
        /// The device's name.
        dev: String,
        /// The user's language.
        lang: String,
    }
    /// `login`: proves who the user is.
    Login {
        /// `basic` or `token`.
        scheme: String,
        /// Base64 of `user:password`, or a token.
        secret: String,
    }
    /// `logout`: ends this session, or all of the user's.
    Logout {
        /// All of the user's sessions.
        all: bool,
    }
    /// `session`: lists or revokes sessions.
    SessionRequest {
        /// Lists them.
        list: bool,
        /// Revokes the one with this id.
        revoke: String,
    }
    /// `acc`: makes an account or changes one's own.
    Acc {
        /// `new` or `me`.
        user: String,
        /// `basic`.
        scheme: String,
        /// Base64 of `user:password` (new) or `old:new` (me), or `{old, new}`.
        secret: Secret,
        /// Logs in at once.
        login: bool,
        /// What others and oneself can see.
        desc: AccDesc,
        /// An invitation.
        invite_code: String,
        /// The e-mail address.
        email: String,
        /// The language, at most 10 characters.
        lang: String,
        /// The present password, when it is changed.
        old: String,
        /// The new password, when it is changed.
        new: String,
        /// What others see of the user.
        privacy: PrivacyRequest,
        /// The new user name.
        username: String,
        /// What the user says about the present moment; empty for nothing.
        status: String,
    }
    /// Privacy settings to change: `everyone`, `contacts` or `nobody` each.
    PrivacyRequest {
        /// Who learns whether the user is here, and when the user last was.
        last_seen: String,
        /// Who learns how far the user has read and received.
        receipts: String,
        /// Who learns that the user is writing.
        typing: String,
        /// Who finds the user, and can open a direct conversation.
        discoverable: String,
    }
    /// `search`: finds users by name.
    Search {
        /// A part of the display name.
        query: String,
        /// At most this many, 1 to 50; otherwise 20.
        limit: Int,
    }
    /// `dm`: opens a direct conversation or changes one's settings of a conversation.
    Dm {
        /// The other user.
        user: String,
        /// Opens the note-to-self conversation.
        #[serde(rename = "self")]
        me: bool,
        /// The conversation whose settings change.
        conv: String,
        /// Marks it as a favourite.
        favorite: bool,
        /// Mutes it.
        muted: bool,
        /// Archives it.
        archived: bool,
        /// Blocks the other user.
        blocked: bool,
        /// Anything of one's own, any JSON.
        #[serde(deserialize_with = "present")]
        private: Json,
        /// How long messages live after they were read, in seconds.
        #[serde(rename = "disappearingTTL")]
        disappearing_ttl: Int,
        /// How long messages are kept, in seconds; 0 for ever.
        retention: Int,
    }
    /// `group` (also `room`): makes and manages groups.
    Group {
        /// `create`, `invite`, `leave`, `kick`, `update`, `role`, `transfer`, `settings` …
        action: String,
        /// The group.
        id: String,
        /// The user it is about.
        user: String,
        /// What members see.
        desc: AccDesc,
        /// Makes creation idempotent.
        cid: String,
        /// The new role.
        role: String,
        /// How long messages live after they were read, in seconds.
        #[serde(rename = "disappearingTTL")]
        disappearing_ttl: Int,
        /// Asks clients not to allow screenshots.
        no_screenshots: bool,
        /// The least time between two messages of a plain member, in seconds; 0 for none.
        slow_mode: Int,
        /// Whether links open the group.
        joinable: bool,
        /// How long messages are kept, in seconds; 0 for ever.
        retention: Int,
        /// Tells changes of members and profile by messages, too.
        system_messages: bool,
        /// Until when a member is muted, RFC 3339; for ever if absent.
        until: String,
        /// The code of a link, to join with.
        link: String,
        /// Makes a link.
        create: bool,
        /// How long the link opens, in seconds.
        expires_in: Int,
        /// How often the link opens.
        max_uses: Int,
        /// Revokes the link with this code.
        revoke: String,
        /// Lists the links.
        list: bool,
        /// Marks it as a favourite.
        favorite: bool,
        /// Mutes it.
        muted: bool,
        /// Archives it.
        archived: bool,
        /// Anything of one's own, any JSON.
        #[serde(deserialize_with = "present")]
        private: Json,
    }
    /// `send`: sends a message.
    Send {
        /// The conversation.
        conv: String,
        /// Irido, or a bare string.
        #[serde(deserialize_with = "present")]
        content: Json,
        /// The `seq` of the message that it answers.
        reply_to: Int,
        /// It can be seen once.
        view_once: bool,
        /// For how long, in seconds.
        #[serde(rename = "viewOnceTTL")]
        view_once_ttl: Int,
        /// After how many seconds it is over for everybody.
        expires_in: Int,
        /// The sender's own id of the message, at most 64 bytes: makes retries safe.
        cid: String,
    }
    /// `get`: reads.
    GetRequest {
        /// `conversations`, `conversation`, `messages`, `members`, `receipts`, `user`, `changes` …
        what: String,
        /// The conversation.
        conv: String,
        /// The user.
        user: String,
        /// Only what is before.
        before: Scalar,
        /// Only what is after.
        after: Scalar,
        /// What is around.
        around: Int,
        /// Only what changed after.
        since: Scalar,
        /// Only one's own changes after.
        own: Int,
        /// At most this many.
        limit: Int,
    }
    /// `edit`: replaces a message's content.
    Edit {
        /// The conversation.
        conv: String,
        /// The message.
        seq: Int,
        /// The new content.
        #[serde(deserialize_with = "present")]
        content: Json,
        /// Makes retries safe.
        cid: String,
    }
    /// `unsend`: takes a message back.
    Unsend {
        /// The conversation.
        conv: String,
        /// The message.
        seq: Int,
    }
    /// `delete`: hides a message, or deletes it for everyone.
    Delete {
        /// The conversation.
        conv: String,
        /// The message.
        seq: Int,
        /// For everyone, not only for oneself.
        for_everyone: bool,
    }
    /// `react`: adds or takes back a reaction.
    ReactRequest {
        /// The conversation.
        conv: String,
        /// The message.
        seq: Int,
        /// One grapheme cluster.
        emoji: String,
        /// `add` or `remove`; without it the reaction is toggled.
        op: String,
    }
    /// `typing`: says that the user is writing.
    Typing {
        /// The conversation.
        conv: String,
    }
    /// `read`, `recv`, `clear`: moves one of the user's marks.
    Mark {
        /// The conversation.
        conv: String,
        /// Up to this message.
        seq: Int,
    }
    /// `invite`: invitations to the server.
    Invite {
        /// Makes one.
        create: InviteCreate,
        /// Lists one's own.
        list: bool,
        /// Revokes one.
        revoke: String,
        /// Uses one.
        redeem: String,
    }
    /// What an invitation is made of.
    InviteCreate {
        /// Whom to invite.
        email: String,
        /// Their name.
        name: String,
    }
    /// `contact`: the contact list.
    Contact {
        /// Adds a user.
        add: String,
        /// Removes a user.
        remove: String,
        /// Whom the nickname is for.
        user: String,
        /// The nickname, at most 64 characters; `null` takes it away.
        #[serde(deserialize_with = "present")]
        nickname: Option<String>,
    }
    /// `pin`: pins a message, or unpins.
    Pin {
        /// The conversation.
        conv: String,
        /// The message; 0 or absent unpins.
        seq: Int,
    }
    /// `report`: reports a message to the operators.
    Report {
        /// The conversation.
        conv: String,
        /// The message.
        seq: Int,
        /// Why.
        reason: String,
    }
    /// What others and oneself can see of an account or a group.
    AccDesc {
        /// Any JSON; by convention an object with the display name in `fn`.
        #[serde(deserialize_with = "present")]
        public: Json,
        /// Any JSON, returned only to its owner.
        #[serde(deserialize_with = "present")]
        private: Json,
    }
}

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident($type:ty) = $key:literal $(| $alias:literal)*,)*) => {
        /// One request.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Request { $(
            $(#[$doc])*
            $name($type),
        )* }

        impl Request {
            /// The keys that name a request, as clients may write them.
            pub const KEYS: &'static [&'static str] = &[$($key, $($alias,)*)*];

            /// Returns whether the request may be made on a connection that is not logged in.
            pub fn is_public(&self) -> bool {
                match self {
                    Self::Hi(_) | Self::Login(_) => true,
                    Self::Acc(acc) => acc.user.as_deref() != Some("me"),
                    _ => false,
                }
            }

            /// Reads the fields of the request that `key` names; `None` if it names none.
            pub(super) fn decode(key: &str, fields: &str) -> Option<Result<Self, Bad>> {
                let mut request = match key {
                    $($key $(| $alias)* => Self::$name(<$type>::blank()),)*
                    _ => return None,
                };
                let slot: &mut dyn Read = match &mut request {
                    $(Self::$name(fields) => fields,)*
                };
                Some(crate::wire::read_into(fields, slot).map(|()| request))
            }

            /// Writes the text of a frame that makes this request, to be answered with `id`.
            pub fn encode(&self, id: Option<&str>) -> String {
                let mut text = String::new();
                let mut members = Members::new(&mut text);
                if let Some(id) = id {
                    members.put("id", &id);
                }
                self.put(&mut members);
                members.end();
                text
            }

            /// Appends the key and the fields.
            fn put(&self, members: &mut Members<'_>) {
                let (key, fields): (&str, &dyn Write) = match self {
                    $(Self::$name(fields) => ($key, fields),)*
                };
                members.put(key, &fields);
            }
        }

        impl Write for Request {
            fn write(&self, out: &mut String) {
                let mut members = Members::new(out);
                self.put(&mut members);
                members.end();
            }
        }

        crate::bridge!(write Request);
    };
}

requests! {
    /// Greets.
    Hi(Hi) = "hi",
    /// Logs in.
    Login(Login) = "login",
    /// Logs out.
    Logout(Logout) = "logout",
    /// Lists and revokes sessions.
    Session(SessionRequest) = "session",
    /// Makes or changes an account.
    Acc(Acc) = "acc",
    /// Finds users.
    Search(Search) = "search",
    /// Opens a direct conversation; settings.
    Dm(Dm) = "dm",
    /// Makes and manages groups.
    Group(Group) = "group" | "room",
    /// Sends a message.
    Send(Send) = "send",
    /// Reads.
    Get(GetRequest) = "get",
    /// Edits a message.
    Edit(Edit) = "edit",
    /// Takes a message back.
    Unsend(Unsend) = "unsend",
    /// Deletes a message.
    Delete(Delete) = "delete",
    /// Reacts to a message.
    React(ReactRequest) = "react",
    /// Says that the user is writing.
    Typing(Typing) = "typing",
    /// Moves the read mark.
    Read(Mark) = "read",
    /// Moves the delivery mark.
    Recv(Mark) = "recv",
    /// Moves the clear mark.
    Clear(Mark) = "clear",
    /// Invitations.
    Invite(Invite) = "invite",
    /// Contacts.
    Contact(Contact) = "contact",
    /// Pins a message.
    Pin(Pin) = "pin",
    /// Reports a message.
    Report(Report) = "report",
}
