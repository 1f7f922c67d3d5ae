//! What the audit log says about commands: taken down before a command is carried out, told when it is done.

use super::chat::Inner;
use super::dispatch::Caller;
use crate::error::{Error, ErrorKind, Result};
use crate::proto::{Command, ConvId, Get, Seq, SessionId, UserId};
use crate::seam::audit::{AuditEvent, AuditKind};
use crate::seam::fold;
use crate::session::Identity;

/// A command's part in the audit log. Holds ids only, never what was written.
#[derive(Debug)]
pub(super) struct Audited {
    event: AuditEvent,
    /// What it is if it succeeds; nothing worth an event if there is none.
    success: Option<AuditKind>,
    login: bool,
    /// The session that asks.
    session: Option<SessionId>,
}

/// The ids that a command is about.
#[derive(Default)]
struct About {
    success: Option<AuditKind>,
    conv: Option<ConvId>,
    user: Option<UserId>,
    seq: Option<Seq>,
}

impl Audited {
    /// Begins with a command of a connection.
    pub(super) fn new(inner: &Inner, caller: &Caller, command: &Command) -> Self {
        let begun = Self::begin(inner, inner.event_of(AuditKind::AuthzFail, caller), command);
        Self { session: caller.identity.map(|identity| identity.session), ..begun }
    }

    /// Begins with a command of the host, who speaks for a user.
    pub(super) fn of_host(inner: &Inner, user: UserId, command: &Command) -> Self {
        let event = AuditEvent::new(AuditKind::AuthzFail, inner.env.now());
        Self::begin(inner, event.actor(user), command)
    }

    /// The kind of the event is decided by the outcome.
    fn begin(inner: &Inner, event: AuditEvent, command: &Command) -> Self {
        let (name, About { success, conv, user, seq }) = about(command);
        let mut event = AuditEvent { conv, user, seq, ..event.reason(name) };
        let login = matches!(
            command,
            Command::LoginBasic { .. } | Command::LoginToken(_) | Command::LoginWith { .. }
        );
        if let Command::LoginBasic { name, .. } = command {
            // What was typed may be a password in the wrong field, so only a hash of it is kept.
            event = event.object(&inner.name_hash(&fold(name)));
        }
        Self { event, success, login, session: None }
    }

    /// Says how the command came out. `identity` is who is logged in by it.
    pub(super) fn told<T>(self, inner: &Inner, result: &Result<T>, identity: Option<Identity>) {
        let Self { mut event, success, login, session } = self;
        let kind = match result {
            Ok(_) => success,
            Err(error) => failure(error, login),
        };
        let Some(kind) = kind else { return };
        (event.event, event.result) = (kind, kind.result());
        if let Some(identity) = identity {
            event = event.actor(identity.user);
        }
        event.session =
            identity.map(|identity| identity.session).or(session).map(|session| inner.session_name(session));
        if let Err(error) = result {
            let command = event.reason.take().unwrap_or_default();
            event = event.reason(&format!("{command}: {}", error.kind().row().slug));
        }
        inner.audit.emit(event);
    }
}

/// Returns what a refusal is to the audit log; a mistake in a request is nothing to it.
fn failure(error: &Error, login: bool) -> Option<AuditKind> {
    match error.kind() {
        ErrorKind::RateLimited => Some(AuditKind::ExcessRateLimitExceeded),
        ErrorKind::Unavailable | ErrorKind::Busy | ErrorKind::Internal => None,
        _ if login => Some(AuditKind::AuthnLoginFail),
        ErrorKind::Unauthenticated
        | ErrorKind::NotMember
        | ErrorKind::Forbidden
        | ErrorKind::Blocked
        | ErrorKind::Muted => Some(AuditKind::AuthzFail),
        _ => None,
    }
}

/// Names a command and what it is about.
fn about(command: &Command) -> (&'static str, About) {
    use AuditKind::{AuthzChange, PrivilegePermissionsChanged, SensitiveDelete};
    let of = |success: AuditKind| About { success: Some(success), ..About::default() };
    let member =
        |success, conv: &ConvId, user: &UserId| About { conv: Some(*conv), user: Some(*user), ..of(success) };
    let group = |success, conv: &ConvId| About { conv: Some(*conv), ..of(success) };
    let conv = |conv: &ConvId| About { conv: Some(*conv), ..About::default() };
    let message = |conv: &ConvId, seq: &Seq| About { conv: Some(*conv), seq: Some(*seq), ..About::default() };
    let user = |user: &UserId| About { user: Some(*user), ..About::default() };
    match command {
        Command::LoginBasic { .. } => ("login basic", of(AuditKind::AuthnLoginSuccess)),
        Command::LoginToken(_) => ("login token", of(AuditKind::AuthnLoginSuccess)),
        Command::LoginWith { .. } => ("login by another scheme", of(AuditKind::AuthnLoginSuccess)),
        Command::Logout { all: false } => ("logout", of(AuditKind::AuthnTokenRevoked)),
        Command::Logout { all: true } => ("logout all", of(AuditKind::AuthnTokenRevoked)),
        Command::RevokeSession(_) => ("session revoke", of(AuditKind::AuthnTokenRevoked)),
        Command::SignUp(_) => ("acc new", of(AuditKind::UserCreated)),
        Command::UpdateMe(update) if update.password.is_some() => {
            ("acc password", of(AuditKind::AuthnPasswordChange))
        }
        Command::CreateGroup { .. } => ("group create", of(AuthzChange)),
        Command::Invite { conv, user } => ("group invite", member(AuthzChange, conv, user)),
        Command::Leave { conv } => ("group leave", group(AuthzChange, conv)),
        Command::DeleteGroup { conv } => ("group delete", group(SensitiveDelete, conv)),
        Command::Kick { conv, user } => ("group kick", member(AuthzChange, conv, user)),
        Command::Ban { conv, user } => ("group ban", member(AuthzChange, conv, user)),
        Command::Unban { conv, user } => ("group unban", member(AuthzChange, conv, user)),
        Command::Mute { conv, user, .. } => ("group mute", member(PrivilegePermissionsChanged, conv, user)),
        Command::CreateLink { conv, .. } => ("group link", group(AuthzChange, conv)),
        Command::RevokeLink { conv, .. } => ("group unlink", group(AuthzChange, conv)),
        Command::Join { .. } => ("join", of(AuthzChange)),
        Command::SetRole { conv, user, .. } => {
            ("group role", member(PrivilegePermissionsChanged, conv, user))
        }
        Command::Transfer { conv, user } => {
            ("group transfer", member(PrivilegePermissionsChanged, conv, user))
        }
        Command::Unsend { conv, seq } => {
            ("unsend", About { seq: Some(*seq), ..group(SensitiveDelete, conv) })
        }
        Command::Delete { conv, seq, for_everyone: true } => {
            ("delete", About { seq: Some(*seq), ..group(SensitiveDelete, conv) })
        }
        // From here on only refusals are worth an event.
        Command::Delete { conv, seq, .. } => ("hide", message(conv, seq)),
        Command::Send(send) => ("send", conv(&send.conv)),
        Command::Edit(edit) => ("edit", message(&edit.conv, &edit.seq)),
        Command::React(react) => ("react", message(&react.conv, &react.seq)),
        Command::Settings { conv: id, .. } => ("settings", conv(id)),
        Command::SetTtl { conv: id, .. } => ("ttl", conv(id)),
        Command::SetRetention { conv: id, .. } => ("retention", conv(id)),
        // What is reported is an event of its own.
        Command::Report { conv, seq, .. } => ("report", message(conv, seq)),
        Command::UpdateGroup { conv: id, .. } => ("group update", conv(id)),
        Command::ListLinks { conv: id } => ("group links", conv(id)),
        Command::Mark { conv, seq, .. } => ("mark", message(conv, seq)),
        Command::Pin { conv: id, .. } => ("pin", conv(id)),
        Command::Typing { conv: Some(id) } => ("typing", conv(id)),
        Command::StartDm(crate::proto::DmPeer::User(peer)) => ("dm", user(peer)),
        Command::AddContact(peer) => ("contact add", user(peer)),
        Command::Get(Get::Conversation(id) | Get::Members(id)) => ("get", conv(id)),
        Command::Get(
            Get::Messages { conv: id, .. } | Get::Receipts { conv: id, .. } | Get::Changes { conv: id, .. },
        ) => ("get", conv(id)),
        _ => ("other", About::default()),
    }
}
