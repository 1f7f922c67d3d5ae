//! Requests whose fields were checked: a [`Command`] that exists is well-formed.

use super::{
    Acc, Audience, Contact, ConvId, Dm, GetRequest, Group, Hi, Int, Invite, InviteId, Json, Limits, Mark,
    PrivacyPatch, PrivacyRequest, Request, Rev, Scalar, Secret, Seq, SessionId, UserId,
};
use crate::error::{Result, invalid};
use crate::time::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::str::FromStr;

/// A checked request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// Greets.
    Hi(Hi),
    /// Logs in with a name and a password.
    LoginBasic {
        /// As it was written at sign-up, any case.
        name: String,
        /// In clear.
        password: Password,
    },
    /// Logs in with a token.
    LoginToken(Password),
    /// Logs in by another scheme.
    LoginWith {
        /// Which one.
        scheme: String,
        /// What it asks for; perhaps nothing.
        secret: Password,
    },
    /// Ends this session, or all of the user's.
    Logout {
        /// All of them.
        all: bool,
    },
    /// Lists the user's sessions.
    ListSessions,
    /// Ends one session.
    RevokeSession(SessionId),
    /// Makes an account.
    SignUp(NewAccount),
    /// Changes one's account.
    UpdateMe(UpdateMe),
    /// Finds users whose display name holds the text.
    Search {
        /// Not empty.
        query: String,
        /// 1 to 50.
        limit: usize,
    },
    /// Opens a direct conversation.
    StartDm(DmPeer),
    /// Changes one's settings of a conversation.
    Settings {
        /// The conversation.
        conv: ConvId,
        /// What to change.
        settings: MemberSettings,
    },
    /// Sets how long messages live after they were read.
    SetTtl {
        /// The conversation.
        conv: ConvId,
        /// In seconds; `None` for ever.
        ttl: Option<u32>,
    },
    /// Sets how long messages are kept.
    SetRetention {
        /// The conversation.
        conv: ConvId,
        /// In seconds; `None` for ever.
        retention: Option<u32>,
    },
    /// Makes a group.
    CreateGroup {
        /// The profile.
        public: Option<Json>,
        /// Makes it idempotent.
        cid: Option<String>,
    },
    /// Adds a member.
    Invite {
        /// The group.
        conv: ConvId,
        /// The new member.
        user: UserId,
    },
    /// Leaves a group.
    Leave {
        /// The group.
        conv: ConvId,
    },
    /// Ends a group for everybody.
    DeleteGroup {
        /// The group.
        conv: ConvId,
    },
    /// Reports a message to the operators.
    Report {
        /// The conversation.
        conv: ConvId,
        /// The message.
        seq: Seq,
        /// Why, at most 200 characters.
        reason: String,
    },
    /// Removes a member.
    Kick {
        /// The group.
        conv: ConvId,
        /// The member.
        user: UserId,
    },
    /// Removes a member for good.
    Ban {
        /// The group.
        conv: ConvId,
        /// The member.
        user: UserId,
    },
    /// Lets a banned user come back.
    Unban {
        /// The group.
        conv: ConvId,
        /// The user.
        user: UserId,
    },
    /// Mutes a member, or unmutes.
    Mute {
        /// The group.
        conv: ConvId,
        /// The member.
        user: UserId,
        /// Until when; `None` unmutes.
        until: Option<Timestamp>,
    },
    /// Makes a link that opens a group.
    CreateLink {
        /// The group.
        conv: ConvId,
        /// How long it opens, in seconds.
        expires_in: Option<u32>,
        /// How often it opens.
        max_uses: Option<u32>,
    },
    /// Revokes a link.
    RevokeLink {
        /// The group.
        conv: ConvId,
        /// The link's code.
        code: Password,
    },
    /// Lists the links of a group.
    ListLinks {
        /// The group.
        conv: ConvId,
    },
    /// Joins a group with a link.
    Join {
        /// The link's code.
        code: Password,
    },
    /// Changes a group.
    UpdateGroup {
        /// The group.
        conv: ConvId,
        /// What to change.
        update: GroupUpdate,
    },
    /// Gives a member another role.
    SetRole {
        /// The group.
        conv: ConvId,
        /// The member.
        user: UserId,
        /// `Admin` or `Member`.
        role: Role,
    },
    /// Gives a group to another member.
    Transfer {
        /// The group.
        conv: ConvId,
        /// The new owner.
        user: UserId,
    },
    /// Invites somebody to the server.
    CreateInvite {
        /// The e-mail address: trimmed, in lower case, at most 255 bytes.
        email: String,
        /// Who that is, at most 128 characters.
        name: Option<String>,
    },
    /// Lists the user's invites.
    ListInvites,
    /// Takes an invite back.
    RevokeInvite(InviteId),
    /// Uses an invite.
    RedeemInvite(Password),
    /// Makes two users each other's contacts.
    AddContact(UserId),
    /// Ends that.
    RemoveContact(UserId),
    /// Gives a contact a nickname, or takes it away.
    NameContact {
        /// The contact.
        user: UserId,
        /// At most 64 characters.
        nickname: Option<String>,
    },
    /// Sends a message.
    Send(SendMessage),
    /// Edits a message.
    Edit(EditMessage),
    /// Takes a message back.
    Unsend {
        /// The conversation.
        conv: ConvId,
        /// The message.
        seq: Seq,
    },
    /// Hides a message, or deletes it for everyone.
    Delete {
        /// The conversation.
        conv: ConvId,
        /// The message.
        seq: Seq,
        /// For everyone.
        for_everyone: bool,
    },
    /// Adds or takes back a reaction.
    React(React),
    /// Says that the user is writing; `None` if the conversation's id can't be read, which is not answered.
    Typing {
        /// The conversation.
        conv: Option<ConvId>,
    },
    /// Moves a mark.
    Mark {
        /// Which.
        kind: MarkKind,
        /// The conversation.
        conv: ConvId,
        /// Up to this message.
        seq: Seq,
    },
    /// Pins a message, or unpins.
    Pin {
        /// The conversation.
        conv: ConvId,
        /// The message; `None` unpins.
        seq: Option<Seq>,
    },
    /// Reads.
    Get(Get),
    /// A request of the protocol that this version does not carry out.
    Unsupported(&'static str),
}

/// A secret text whose `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// A new account.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NewAccount {
    /// The user name.
    pub name: String,
    /// The password.
    pub password: Password,
    /// Logs in at once.
    pub login: bool,
    /// What others see.
    pub public: Option<Json>,
    /// What only the user sees.
    pub private: Option<Json>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The language.
    pub lang: Option<String>,
    /// The code of an invite.
    pub invite: Option<Password>,
}

/// A change of one's account.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct UpdateMe {
    /// The new profile.
    pub public: Option<Json>,
    /// The new private data.
    pub private: Option<Json>,
    /// The present and the new password.
    pub password: Option<(Password, Password)>,
    /// The new e-mail address.
    pub email: Option<String>,
    /// The new language.
    pub lang: Option<String>,
    /// New privacy settings.
    pub privacy: Option<PrivacyPatch>,
    /// The new user name.
    pub username: Option<String>,
    /// The new status; empty for none.
    pub status: Option<String>,
}

/// With whom a direct conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DmPeer {
    /// Another user.
    User(UserId),
    /// Oneself: notes.
    Me,
}

/// Changes of one member's settings; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct MemberSettings {
    /// A favourite.
    pub favorite: Option<bool>,
    /// Muted.
    pub muted: Option<bool>,
    /// Archived.
    pub archived: Option<bool>,
    /// The other user is blocked.
    pub blocked: Option<bool>,
    /// The member's own data.
    pub private: Option<Json>,
}

impl MemberSettings {
    /// Returns whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One change of a group.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum GroupUpdate {
    /// How long messages live after they were read, in seconds.
    Ttl(Option<u32>),
    /// Asks clients not to allow screenshots.
    NoScreenshots(bool),
    /// The least time between two messages of a plain member, in seconds.
    SlowMode(Option<u32>),
    /// Whether links open the group.
    Joinable(bool),
    /// How long messages are kept, in seconds.
    Retention(Option<u32>),
    /// Whether changes of members and profile are told by messages, too.
    SystemMessages(bool),
    /// The profile.
    Public(Option<Json>),
}

crate::words! {
    /// What a member may do.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    #[non_exhaustive]
    pub enum Role {
        /// Reads and writes.
        Member = "member",
        /// Also manages members and settings.
        Admin = "admin",
        /// Also manages admins; exactly one in a group.
        Owner = "owner",
    }
}

/// A message to send.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SendMessage {
    /// The conversation.
    pub conv: ConvId,
    /// Irido, or a bare string.
    pub content: Json,
    /// The message that it answers.
    pub reply_to: Option<Seq>,
    /// It can be seen once, for so many seconds; `Some(None)` for the default time.
    pub view_once: Option<Option<u32>>,
    /// After so many seconds it is over for everybody.
    pub expires_in: Option<u32>,
    /// The sender's own id of it.
    pub cid: Option<String>,
}

impl SendMessage {
    /// Makes a message without options.
    pub fn new(conv: ConvId, content: Json) -> Self {
        Self { conv, content, reply_to: None, view_once: None, expires_in: None, cid: None }
    }
}

/// An edit.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EditMessage {
    /// The conversation.
    pub conv: ConvId,
    /// The message.
    pub seq: Seq,
    /// The new content.
    pub content: Json,
    /// Makes it idempotent.
    pub cid: Option<String>,
}

/// A reaction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct React {
    /// The conversation.
    pub conv: ConvId,
    /// The message.
    pub seq: Seq,
    /// One grapheme cluster.
    pub emoji: String,
    /// What to do.
    pub op: ReactOp,
}

/// What to do with a reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReactOp {
    /// Adds it; nothing happens if it is there.
    Add,
    /// Takes it back; nothing happens if it is not there.
    Remove,
    /// Adds it, or takes it back if it is there.
    Toggle,
}

/// One of a member's marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MarkKind {
    /// Read up to.
    Read,
    /// Received up to.
    Recv,
    /// Cleared up to.
    Clear,
}

/// A read request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Get {
    /// The user's conversations.
    Conversations(ConvPage),
    /// One conversation.
    Conversation(ConvId),
    /// Messages.
    Messages {
        /// The conversation.
        conv: ConvId,
        /// Which.
        page: MessagePage,
        /// 1 to 100.
        limit: usize,
    },
    /// Active members.
    Members(ConvId),
    /// The members' marks.
    Receipts {
        /// The conversation.
        conv: ConvId,
        /// Only members after this one, in the order of ids.
        after: Option<UserId>,
        /// All at once if absent.
        limit: Option<usize>,
    },
    /// One user.
    User(UserId),
    /// The user's contacts.
    Contacts,
    /// Messages that mention the user.
    Mentions {
        /// 1 to 50.
        limit: usize,
    },
    /// Contacts and partners in direct conversations who are here.
    Online,
    /// Changes of a conversation.
    Changes {
        /// The conversation.
        conv: ConvId,
        /// After this.
        since: Rev,
        /// The user's own, after this.
        own: Option<super::Own>,
        /// 1 to 200.
        limit: usize,
    },
}

/// Which conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConvPage {
    /// All, the newest activity first.
    All,
    /// A page of them.
    Page {
        /// Where it begins: the `next` of the page before.
        before: Option<String>,
        /// 1 to 100.
        limit: usize,
    },
    /// Those that changed.
    Since {
        /// Where from: a `since` that the server gave.
        cursor: String,
        /// 1 to 100.
        limit: usize,
    },
}

/// Which messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessagePage {
    /// The newest.
    Newest,
    /// Those before, the nearest first.
    Before(Seq),
    /// Those after, the nearest.
    After(Seq),
    /// Those on both sides.
    Around(Seq),
}

/// The longest time between two messages, in seconds: a day.
const MAX_SLOW_MODE: u32 = 86_400;
/// The longest time that a message or a conversation's messages can be told to live, in seconds: ten years.
const MAX_LIFETIME: u32 = 315_576_000;
/// The shortest time for which a conversation keeps messages, in seconds: a minute.
const MIN_RETENTION: u32 = 60;
/// The longest reason of a report, in characters.
const MAX_REASON: usize = 200;
/// The longest nickname, in characters.
const MAX_NICKNAME: usize = 64;
/// The longest name of an invited person, in characters.
const MAX_INVITED: usize = 128;
/// The longest status, in characters.
const MAX_STATUS: usize = 140;
const TTLS: [u32; 7] = [10, 30, 60, 300, 3_600, 86_400, 604_800];

impl Command {
    /// Checks a request's fields.
    ///
    /// # Errors
    /// `Invalid` with the text of the protocol's tables, for the first field that is wrong.
    pub fn parse(request: Request, limits: &Limits) -> Result<Self> {
        Ok(match request {
            Request::Hi(hi) => Self::Hi(hi),
            Request::Login(login) => match login.scheme.as_deref() {
                Some("basic") => {
                    let (name, password) = basic(login.secret.as_deref().unwrap_or_default())?;
                    Self::LoginBasic { name, password: Password(password) }
                }
                Some("token") => Self::LoginToken(Password(login.secret.unwrap_or_default())),
                Some(scheme) => {
                    let secret = Password(login.secret.unwrap_or_default());
                    Self::LoginWith { scheme: scheme.to_owned(), secret }
                }
                None => return Err(invalid("unknown auth scheme")),
            },
            Request::Logout(logout) => Self::Logout { all: logout.all == Some(true) },
            Request::Session(session) => match (session.list, session.revoke) {
                (Some(true), _) => Self::ListSessions,
                (_, Some(id)) => Self::RevokeSession(id.parse().map_err(|_| invalid("invalid session id"))?),
                _ => return Err(invalid("invalid session request")),
            },
            Request::Acc(acc) => account(acc, limits)?,
            Request::Search(search) => {
                let query =
                    search.query.filter(|query| !query.is_empty()).ok_or(invalid("missing search query"))?;
                Self::Search { query, limit: clamp(search.limit, 50, 20) }
            }
            Request::Dm(dm) => direct(dm, limits)?,
            Request::Group(group) => self::group(group, limits)?,
            Request::Send(send) => {
                let content = send.content.ok_or(invalid("missing send data"))?;
                let view_once = match (send.view_once, send.view_once_ttl) {
                    (Some(true), None | Some(Int(0))) => Some(None),
                    (Some(true), Some(ttl)) => {
                        Some(Some(listed_ttl(ttl).ok_or(invalid("invalid view-once TTL"))?))
                    }
                    _ => None,
                };
                Self::Send(SendMessage {
                    conv: conv(send.conv)?,
                    content,
                    reply_to: send.reply_to.and_then(Int::positive).map(Seq),
                    view_once,
                    expires_in: lifetime(send.expires_in, 10, "invalid expiresIn")?,
                    cid: cid(send.cid, limits)?,
                })
            }
            Request::Get(get) => self::get(get)?,
            Request::Edit(edit) => {
                let (Some(seq), Some(content)) = (edit.seq.and_then(Int::positive), edit.content) else {
                    return Err(invalid("missing edit data"));
                };
                Self::Edit(EditMessage {
                    conv: conv(edit.conv)?,
                    seq: Seq(seq),
                    content,
                    cid: cid(edit.cid, limits)?,
                })
            }
            Request::Unsend(unsend) => {
                let (conv, seq) = target(unsend.conv, unsend.seq, "missing unsend data")?;
                Self::Unsend { conv, seq }
            }
            Request::Delete(delete) => {
                let (conv, seq) = target(delete.conv, delete.seq, "missing delete data")?;
                Self::Delete { conv, seq, for_everyone: delete.for_everyone == Some(true) }
            }
            Request::React(react) => {
                let emoji =
                    react.emoji.filter(|emoji| !emoji.is_empty()).ok_or(invalid("missing react data"))?;
                let (conv, seq) = target(react.conv, react.seq, "missing react data")?;
                if emoji.len() > limits.max_emoji || !crate::irido::grapheme::is_single(&emoji) {
                    return Err(invalid("invalid emoji"));
                }
                let op = match react.op.as_deref() {
                    None => ReactOp::Toggle,
                    Some("add") => ReactOp::Add,
                    Some("remove") => ReactOp::Remove,
                    Some(_) => return Err(invalid("invalid op")),
                };
                Self::React(React { conv, seq, emoji, op })
            }
            Request::Typing(typing) => {
                let conv =
                    typing.conv.filter(|conv| !conv.is_empty()).ok_or(invalid("missing typing data"))?;
                Self::Typing { conv: conv.parse().ok() }
            }
            Request::Read(it) => mark(MarkKind::Read, it, "missing read data")?,
            Request::Recv(it) => mark(MarkKind::Recv, it, "missing recv data")?,
            Request::Clear(it) => mark(MarkKind::Clear, it, "missing clear data")?,
            Request::Pin(pin) => {
                let conv = pin.conv.filter(|conv| !conv.is_empty()).ok_or(invalid("missing pin data"))?;
                Self::Pin { conv: self::conv(Some(conv))?, seq: pin.seq.and_then(Int::positive).map(Seq) }
            }
            Request::Invite(invite) => self::invite(invite)?,
            Request::Contact(contact) => self::contact(contact)?,
            Request::Report(report) => {
                let (conv, seq) = target(report.conv, report.seq, "missing report data")?;
                let reason = report.reason.map(|reason| reason.trim().to_owned()).unwrap_or_default();
                if reason.is_empty() || reason.chars().count() > MAX_REASON {
                    return Err(invalid("invalid reason"));
                }
                Self::Report { conv, seq, reason }
            }
        })
    }
}

fn id<T: FromStr>(text: Option<String>, detail: &'static str) -> Result<T> {
    text.and_then(|text| text.parse().ok()).ok_or(invalid(detail))
}

fn conv(text: Option<String>) -> Result<ConvId> {
    id(text, "invalid conv id")
}

fn user(text: Option<String>) -> Result<UserId> {
    id(text, "invalid user id")
}

fn target(conv: Option<String>, seq: Option<Int>, missing: &'static str) -> Result<(ConvId, Seq)> {
    let seq = seq.and_then(Int::positive).ok_or(invalid(missing))?;
    let conv = conv.filter(|conv| !conv.is_empty()).ok_or(invalid(missing))?;
    Ok((self::conv(Some(conv))?, Seq(seq)))
}

fn mark(kind: MarkKind, mark: Mark, missing: &'static str) -> Result<Command> {
    let (conv, seq) = target(mark.conv, mark.seq, missing)?;
    Ok(Command::Mark { kind, conv, seq })
}

fn cid(cid: Option<String>, limits: &Limits) -> Result<Option<String>> {
    match cid {
        Some(cid) if cid.is_empty() || cid.len() > limits.max_cid => Err(invalid("invalid cid")),
        cid => Ok(cid),
    }
}

fn listed_ttl(ttl: Int) -> Option<u32> {
    u32::try_from(ttl.0).ok().filter(|ttl| TTLS.contains(ttl))
}

/// Reads a time to live, where 0 switches it off.
fn ttl(ttl: Int) -> Result<Option<u32>> {
    if ttl.0 == 0 { Ok(None) } else { listed_ttl(ttl).map(Some).ok_or(invalid("invalid TTL value")) }
}

/// Reads how long something lives, in seconds; 0 for ever.
fn lifetime(value: Option<Int>, least: u32, detail: &'static str) -> Result<Option<u32>> {
    let read = |value: Int| match u32::try_from(value.0) {
        Ok(0) => Ok(None),
        Ok(seconds) if (least..=MAX_LIFETIME).contains(&seconds) => Ok(Some(seconds)),
        _ => Err(invalid(detail)),
    };
    value.map_or(Ok(None), read)
}

/// Reads a positive number, if there is one.
fn bound(value: Option<Int>, detail: &'static str) -> Result<Option<u32>> {
    let read = |value: Int| u32::try_from(value.0).ok().filter(|value| *value > 0).ok_or(invalid(detail));
    value.map(read).transpose()
}

/// Takes a number between 1 and `max`, otherwise the default.
fn clamp(limit: Option<Int>, max: usize, default: usize) -> usize {
    limit
        .and_then(|limit| usize::try_from(limit.0).ok())
        .filter(|limit| (1..=max).contains(limit))
        .unwrap_or(default)
}

fn sized(json: Option<Json>, max: usize, detail: &'static str) -> Result<Option<Json>> {
    match json {
        Some(json) if json.as_str().len() > max => Err(invalid(detail)),
        json => Ok(json),
    }
}

fn public(json: Option<Json>, limits: &Limits) -> Result<Option<Json>> {
    sized(json, limits.max_public, "public too large")
}

fn private(json: Option<Json>, limits: &Limits) -> Result<Option<Json>> {
    sized(json, limits.max_private, "private too large")
}

/// Splits standard base64 of `a:b` at the first colon.
fn basic(secret: &str) -> Result<(String, String)> {
    let bytes = STANDARD.decode(secret).map_err(|_| invalid("invalid secret encoding"))?;
    let text = String::from_utf8(bytes).map_err(|_| invalid("invalid secret encoding"))?;
    let (a, b) = text.split_once(':').ok_or(invalid("invalid secret format"))?;
    Ok((a.to_owned(), b.to_owned()))
}

pub(crate) fn check_password(password: String, limits: &Limits, short: &'static str) -> Result<Password> {
    if password.chars().count() < limits.min_password_length {
        return Err(invalid(short));
    }
    if password.len() > limits.max_password_length {
        return Err(invalid("password too long"));
    }
    Ok(Password(password))
}

/// A colon would end the name where name and password stand together.
pub(crate) fn check_user_name(name: String, limits: &Limits) -> Result<String> {
    let length = name.chars().count();
    if length < limits.min_login_length {
        return Err(invalid("username too short"));
    }
    if length > limits.max_login_length {
        return Err(invalid("username too long"));
    }
    if name.contains(':') {
        return Err(invalid("invalid username"));
    }
    Ok(name)
}

fn account(acc: Acc, limits: &Limits) -> Result<Command> {
    let desc = acc.desc.unwrap_or_default();
    let email = match acc.email {
        Some(email) if email.len() > 255 || !email.contains('@') => {
            return Err(invalid("invalid email address"));
        }
        email => email,
    };
    let lang = match acc.lang {
        Some(lang) if lang.chars().count() > 10 => return Err(invalid("invalid language")),
        lang => lang,
    };
    match acc.user.as_deref() {
        Some("new") => {
            if acc.scheme.as_deref() != Some("basic") {
                return Err(invalid("only basic auth supported for account creation"));
            }
            let (name, secret) = match acc.secret {
                Some(Secret::Text(secret)) => basic(&secret)?,
                _ => return Err(invalid("invalid secret format")),
            };
            Ok(Command::SignUp(NewAccount {
                name: check_user_name(name, limits)?,
                password: check_password(secret, limits, "password too short")?,
                login: acc.login == Some(true),
                public: public(desc.public, limits)?,
                private: private(desc.private, limits)?,
                email,
                lang,
                invite: acc.invite_code.map(Password),
            }))
        }
        Some("me") => {
            let change = match (acc.secret, acc.old, acc.new) {
                (Some(Secret::Text(secret)), ..) => Some(basic(&secret)?),
                (Some(Secret::Change { old, new }), ..) | (None, Some(old), Some(new)) => Some((old, new)),
                (None, None, None) => None,
                _ => return Err(invalid("invalid secret format")),
            };
            let password = match change {
                Some((old, new)) => {
                    Some((Password(old), check_password(new, limits, "new password too short")?))
                }
                None => None,
            };
            let status = match acc.status {
                Some(status) if status.chars().count() > MAX_STATUS => {
                    return Err(invalid("status too long"));
                }
                status => status,
            };
            Ok(Command::UpdateMe(UpdateMe {
                public: public(desc.public, limits)?,
                private: private(desc.private, limits)?,
                password,
                email,
                lang,
                privacy: acc.privacy.map(privacy).transpose()?,
                username: acc.username.map(|name| check_user_name(name, limits)).transpose()?,
                status,
            }))
        }
        _ => Err(invalid("invalid user field")),
    }
}

fn privacy(asked: PrivacyRequest) -> Result<PrivacyPatch> {
    let audience = |text: Option<String>| {
        text.map(|text| Audience::parse(&text).ok_or(invalid("invalid privacy"))).transpose()
    };
    Ok(PrivacyPatch {
        last_seen: audience(asked.last_seen)?,
        receipts: audience(asked.receipts)?,
        typing: audience(asked.typing)?,
        discoverable: audience(asked.discoverable)?,
    })
}

fn direct(dm: Dm, limits: &Limits) -> Result<Command> {
    if let Some(user) = dm.user.filter(|user| !user.is_empty()) {
        return Ok(Command::StartDm(DmPeer::User(self::user(Some(user))?)));
    }
    if dm.me == Some(true) {
        return Ok(Command::StartDm(DmPeer::Me));
    }
    let Some(conv) = dm.conv.filter(|conv| !conv.is_empty()) else {
        return Err(invalid("missing user or conv"));
    };
    let conv = self::conv(Some(conv))?;
    if let Some(ttl) = dm.disappearing_ttl {
        return Ok(Command::SetTtl { conv, ttl: self::ttl(ttl)? });
    }
    if dm.retention.is_some() {
        let retention = lifetime(dm.retention, MIN_RETENTION, "invalid retention")?;
        return Ok(Command::SetRetention { conv, retention });
    }
    let settings = MemberSettings {
        favorite: dm.favorite,
        muted: dm.muted,
        archived: dm.archived,
        blocked: dm.blocked,
        private: private(dm.private, limits)?,
    };
    Ok(Command::Settings { conv, settings })
}

fn group(group: Group, limits: &Limits) -> Result<Command> {
    let action = group.action.as_deref().unwrap_or_default();
    if action == "create" {
        let public = public(group.desc.unwrap_or_default().public, limits)?;
        return Ok(Command::CreateGroup { public, cid: cid(group.cid, limits)? });
    }
    let settings = MemberSettings {
        favorite: group.favorite,
        muted: group.muted,
        archived: group.archived,
        blocked: None,
        private: private(group.private, limits)?,
    };
    match action {
        "settings" => {}
        "" if !settings.is_empty() => {}
        "invite" | "leave" | "kick" | "update" | "role" | "transfer" => {}
        "ban" | "unban" | "mute" | "unmute" | "link" | "delete" => {}
        "join" => {
            let code = group.link.filter(|code| !code.is_empty()).ok_or(invalid("missing link"))?;
            return Ok(Command::Join { code: Password(code) });
        }
        _ => return Err(invalid("unknown room action")),
    }
    let conv = id(group.id, "invalid room id")?;
    Ok(match action {
        "invite" => Command::Invite { conv, user: user(group.user)? },
        "leave" => Command::Leave { conv },
        "delete" => Command::DeleteGroup { conv },
        "kick" => Command::Kick { conv, user: user(group.user)? },
        "role" => {
            let user = user(group.user)?;
            let role = match group.role.as_deref() {
                Some("admin") => Role::Admin,
                Some("member") => Role::Member,
                _ => return Err(invalid("invalid role")),
            };
            Command::SetRole { conv, user, role }
        }
        "transfer" => Command::Transfer { conv, user: user(group.user)? },
        "ban" => Command::Ban { conv, user: user(group.user)? },
        "unban" => Command::Unban { conv, user: user(group.user)? },
        "mute" => {
            let user = user(group.user)?;
            let until = match group.until {
                None => Timestamp::from_micros(i64::MAX),
                Some(until) => Timestamp::parse(&until).ok_or(invalid("invalid until"))?,
            };
            Command::Mute { conv, user, until: Some(until) }
        }
        "unmute" => Command::Mute { conv, user: user(group.user)?, until: None },
        "link" => match (group.create, group.revoke, group.list) {
            (Some(true), ..) => Command::CreateLink {
                conv,
                expires_in: bound(group.expires_in, "invalid expiresIn")?,
                max_uses: bound(group.max_uses, "invalid maxUses")?,
            },
            (_, Some(code), _) => Command::RevokeLink { conv, code: Password(code) },
            (.., Some(true)) => Command::ListLinks { conv },
            _ => return Err(invalid("invalid link request")),
        },
        "update" => {
            if group.retention.is_some() {
                let retention = lifetime(group.retention, MIN_RETENTION, "invalid retention")?;
                return Ok(Command::UpdateGroup { conv, update: GroupUpdate::Retention(retention) });
            }
            if let Some(on) = group.system_messages {
                return Ok(Command::UpdateGroup { conv, update: GroupUpdate::SystemMessages(on) });
            }
            let update = match (group.disappearing_ttl, group.no_screenshots, group.slow_mode, group.joinable)
            {
                (Some(ttl), ..) => GroupUpdate::Ttl(self::ttl(ttl)?),
                (_, Some(on), ..) => GroupUpdate::NoScreenshots(on),
                (.., Some(Int(0)), _) => GroupUpdate::SlowMode(None),
                (.., Some(seconds), _) => {
                    let seconds = u32::try_from(seconds.0).ok().filter(|seconds| *seconds <= MAX_SLOW_MODE);
                    GroupUpdate::SlowMode(Some(seconds.ok_or(invalid("invalid slow mode"))?))
                }
                (.., Some(on)) => GroupUpdate::Joinable(on),
                _ => GroupUpdate::Public(public(group.desc.unwrap_or_default().public, limits)?),
            };
            Command::UpdateGroup { conv, update }
        }
        _ => Command::Settings { conv, settings },
    })
}

fn invite(invite: Invite) -> Result<Command> {
    if let Some(create) = invite.create {
        let email = create.email.unwrap_or_default().trim().to_lowercase();
        // A line break in an address would be a header of its own in a mail.
        if email.len() > 255 || !email.contains('@') || email.contains(char::is_control) {
            return Err(invalid("invalid email address"));
        }
        let name = create.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let fits = |name: &String| name.chars().count() <= MAX_INVITED && !name.contains(char::is_control);
        if !name.as_ref().is_none_or(fits) {
            return Err(invalid("failed to create invite"));
        }
        return Ok(Command::CreateInvite { email, name });
    }
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    match (invite.list, given(invite.revoke), given(invite.redeem)) {
        (Some(true), ..) => Ok(Command::ListInvites),
        (_, Some(revoke), _) => Ok(Command::RevokeInvite(id(Some(revoke), "invalid invite id")?)),
        (.., Some(code)) => Ok(Command::RedeemInvite(Password(code))),
        _ => Err(invalid("invalid invite request")),
    }
}

fn contact(contact: Contact) -> Result<Command> {
    let given = |user: Option<String>| user.filter(|user| !user.is_empty());
    if let Some(add) = given(contact.add) {
        return Ok(Command::AddContact(user(Some(add))?));
    }
    if let Some(remove) = given(contact.remove) {
        return Ok(Command::RemoveContact(user(Some(remove))?));
    }
    let (Some(named), Some(nickname)) = (given(contact.user), contact.nickname) else {
        return Err(invalid("invalid contact request"));
    };
    let user = user(Some(named))?;
    if nickname.as_ref().is_some_and(|nickname| nickname.chars().count() > MAX_NICKNAME) {
        return Err(invalid("failed to update nickname"));
    }
    Ok(Command::NameContact { user, nickname })
}

fn get(get: GetRequest) -> Result<Command> {
    let conv = |missing| match get.conv.as_deref() {
        None | Some("") => Err(invalid(missing)),
        Some(conv) => conv.parse().map_err(|_| invalid("invalid conv id")),
    };
    let number = |scalar: Option<&Scalar>, detail| match scalar {
        None => Ok(None),
        Some(Scalar::Int(int)) => Ok(Some(*int)),
        Some(Scalar::Text(_)) => Err(invalid(detail)),
    };
    let text = |scalar: &Scalar| match scalar {
        Scalar::Int(int) => int.0.to_string(),
        Scalar::Text(text) => text.clone(),
    };
    let what = match get.what.as_deref() {
        Some("conversations") => {
            let limit = clamp(get.limit, 100, 100);
            Get::Conversations(match (&get.since, &get.before, get.limit) {
                (Some(cursor), ..) => ConvPage::Since { cursor: text(cursor), limit },
                (None, None, None) => ConvPage::All,
                (None, before, _) => ConvPage::Page { before: before.as_ref().map(text), limit },
            })
        }
        Some("conversation") => Get::Conversation(conv("missing conv id")?),
        Some("messages") => {
            let before = number(get.before.as_ref(), "invalid before")?.and_then(Int::positive);
            let after = number(get.after.as_ref(), "invalid after")?;
            let around = get.around.and_then(Int::positive);
            let page = match (before, after, around) {
                (Some(before), ..) => MessagePage::Before(Seq(before)),
                (None, Some(after), _) => MessagePage::After(Seq(after.positive().unwrap_or(0))),
                (None, None, Some(around)) => MessagePage::Around(Seq(around)),
                (None, None, None) => MessagePage::Newest,
            };
            Get::Messages { conv: conv("missing conv")?, page, limit: clamp(get.limit, 100, 50) }
        }
        Some("members") => Get::Members(conv("missing conv")?),
        Some("receipts") => {
            let after = match &get.after {
                None => None,
                Some(after) => Some(text(after).parse().map_err(|_| invalid("invalid after"))?),
            };
            Get::Receipts {
                conv: conv("missing conv")?,
                after,
                limit: get.limit.map(|_| clamp(get.limit, 200, 100)),
            }
        }
        Some("user") => match get.user.as_deref() {
            None | Some("") => return Err(invalid("missing user id")),
            Some(user) => Get::User(user.parse().map_err(|_| invalid("invalid user id"))?),
        },
        Some("changes") => {
            let since = number(get.since.as_ref(), "invalid since")?.ok_or(invalid("missing since"))?;
            Get::Changes {
                conv: conv("missing conv")?,
                since: Rev(since.positive().unwrap_or(0)),
                own: get.own.map(|own| super::Own(own.positive().unwrap_or(0))),
                limit: clamp(get.limit, 200, 200),
            }
        }
        Some("contacts") => Get::Contacts,
        Some("online") => Get::Online,
        Some("mentions") => Get::Mentions { limit: clamp(get.limit, 50, 50) },
        _ => return Err(invalid("unknown what")),
    };
    Ok(Command::Get(what))
}
