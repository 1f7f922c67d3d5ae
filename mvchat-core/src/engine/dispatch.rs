//! From a command to the file that carries it out.

use super::audited::Audited;
use super::chat::Inner;
use super::committer::{Decide, Proposal, Settled, interrupted};
use super::hub::Origin;
use super::limits::About;
use super::metrics::{CommandKind, Counts, outcome_name};
use super::spans;
use super::underway::Going;
use crate::error::{Error, ErrorKind, Result};
use crate::policy::{Message, Print};
use crate::proto::{Act, Command, ConnId, ConvId, Get, Reply, Seq, UserId};
use crate::seam::{Peer, Warrant};
use crate::session::{Device, Finished, Identity};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{Instrument, Span};

/// After this time a command is answered with 503; what it began goes on.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);

/// Who asks, and from where.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) identity: Option<Identity>,
    pub(super) device: Device,
    pub(super) origin: Option<Origin>,
    pub(super) turn: Option<Turn>,
    /// Who is at the other end, where that is not a connection.
    pub(super) peer: Option<Peer>,
}

impl Caller {
    /// Returns what the first request of a connection said, or the only one.
    pub(super) fn peer(&self) -> Option<&Peer> {
        self.origin.as_ref().map(|origin| origin.conn.peer()).or(self.peer.as_ref())
    }

    pub(super) fn ip(&self) -> Option<IpAddr> {
        self.peer().and_then(|peer| peer.addr).map(|addr| addr.ip())
    }
}

/// A place in the order of a connection's changes: held until the change is queued.
#[derive(Debug)]
pub(super) struct Turn {
    before: Option<Place>,
    /// Dropped when the next one may go.
    after: Option<oneshot::Sender<Place>>,
}

/// What tells that a turn is over; or on whom that one waited, if it was given up before it came.
#[derive(Debug)]
pub(super) struct Place(oneshot::Receiver<Place>);

impl Turn {
    /// Takes the place after the last one.
    pub(super) fn after(last: &mut Option<Place>) -> Self {
        let (after, next) = oneshot::channel();
        Self { before: last.replace(Place(next)), after: Some(after) }
    }

    async fn come(&mut self) {
        while let Some(Place(before)) = &mut self.before {
            self.before = before.await.ok();
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let (Some(before), Some(after)) = (self.before.take(), self.after.take()) {
            // There may be no next one.
            drop(after.send(before));
        }
    }
}

/// What is measured of a command.
#[derive(Debug)]
pub(super) struct Measured {
    kind: CommandKind,
    /// By which scheme somebody logs in.
    scheme: Option<String>,
    begun: Instant,
    span: Span,
}

impl Measured {
    /// Begins with a command that is about to be carried out, of a connection if it has one.
    pub(super) fn begin(command: &Command, conn: Option<ConnId>) -> Self {
        let scheme = match command {
            Command::LoginBasic { .. } => Some("basic".to_owned()),
            Command::LoginToken(_) => Some("token".to_owned()),
            Command::LoginWith { scheme, .. } => Some(scheme.clone()),
            _ => None,
        };
        let kind = CommandKind::of(command);
        Self { kind, scheme, begun: Instant::now(), span: spans::command(kind, conn) }
    }

    /// Returns the span in which the command is to be carried out.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Counts it with its answer.
    pub(super) fn told<T>(self, counts: &Counts, result: &Result<T>) {
        counts.command(self.kind, result, self.begun.elapsed());
        if !self.span.is_disabled() {
            self.span.record("outcome", outcome_name(result));
        }
        if let Some(scheme) = self.scheme {
            counts.login(&scheme, result);
        }
    }
}

/// A logged-in user's command under way.
pub(super) struct Ctx {
    pub(super) inner: Arc<Inner>,
    pub(super) going: Arc<Going>,
    pub(super) user: UserId,
    pub(super) identity: Option<Identity>,
    /// What the right to ask was decided on, if it may be otherwise by the time of a change.
    pub(super) warrant: Option<Warrant>,
    pub(super) origin: Option<Origin>,
    pub(super) turn: Option<Turn>,
}

impl Inner {
    /// Carries out a command of a connection.
    pub(super) async fn run(self: Arc<Self>, mut caller: Caller, command: Command) -> Result<Finished> {
        let origin = caller.origin.clone();
        let measured = Measured::begin(&command, origin.as_ref().map(|origin| origin.conn.id));
        let counts = self.counts.clone();
        let work = async {
            if let Some(turn) = &mut caller.turn
                && !matches!(command, Command::Send(_))
            {
                turn.come().await;
            }
            self.dispatch(caller, command).await
        };
        tokio::pin!(work);
        // Behind a pointer: what carries a command out is too large to be moved for this.
        let mut work = work.instrument(measured.span());
        let late = || Error::new(ErrorKind::Unavailable, "timed out").retry_after(Duration::from_secs(1));
        let result = match tokio::time::timeout(COMMAND_TIMEOUT, &mut work).await {
            Ok(result) => result,
            Err(_) if origin.is_none_or(|origin| origin.claim()) => Err(late()),
            // It is being told: the reply has its place among the frames and must say the `rev`.
            Err(_) => work.await,
        };
        if let Err(error) = &result
            && error.kind() == ErrorKind::Internal
        {
            tracing::error!(error = ?error, "a command failed");
        }
        measured.told(&counts, &result);
        result
    }

    async fn dispatch(self: Arc<Self>, caller: Caller, command: Command) -> Result<Finished> {
        let (inner, audited) = (self.clone(), Audited::new(&self, &caller, &command));
        let result = self.carry_out(caller, command).await;
        let identity = result.as_ref().ok().and_then(|finished| finished.identity);
        audited.told(&inner, &result, identity);
        result
    }

    async fn carry_out(self: Arc<Self>, caller: Caller, command: Command) -> Result<Finished> {
        match command {
            Command::LoginBasic { name, password } => self.login_basic(caller, &name, &password).await,
            Command::LoginToken(token) => self.login_token(caller, token).await,
            Command::LoginWith { scheme, secret } => {
                self.limit_act(&caller, &[Act::Login], About::Nothing).await.map(drop)?;
                self.login_with(caller, &scheme, &secret).await
            }
            Command::SignUp(account) => {
                self.limit_act(&caller, &[Act::Register], About::Nothing).await.map(drop)?;
                self.sign_up(caller, account).await
            }
            command => {
                let identity = caller.identity.ok_or(ErrorKind::Unauthenticated)?;
                let inner = self.clone();
                self.carry_out_for(identity, caller, command).await.inspect_err(|error| {
                    if error.kind() == ErrorKind::Unauthenticated {
                        // What can't ask any more must not listen either.
                        inner.end_here(identity.user, &[identity.session], None);
                    }
                })
            }
        }
    }

    async fn carry_out_for(
        self: Arc<Self>,
        identity: Identity,
        caller: Caller,
        command: Command,
    ) -> Result<Finished> {
        let going = Going::begin(&self, identity.user);
        let warrant = self.may_ask(identity, &command).await?;
        self.limit(&caller, &command).await?;
        let ctx = Ctx {
            inner: self,
            going,
            user: identity.user,
            identity: Some(identity),
            warrant,
            origin: caller.origin,
            turn: caller.turn,
        };
        match command {
            Command::Logout { all } => ctx.logout(all).await,
            Command::RevokeSession(session) => ctx.revoke_session(session).await,
            command => ctx.execute(command).await.map(Finished::from),
        }
    }
}

impl Ctx {
    /// Carries out a command that needs a user.
    pub(super) async fn execute(self, command: Command) -> Result<Reply> {
        match command {
            Command::ListSessions => self.list_sessions().await,
            Command::UpdateMe(update) => self.update_me(update).await,
            Command::Search { query, limit } => self.search(&query, limit).await,
            Command::CreateInvite { email, name } => self.create_invite(email, name).await,
            Command::ListInvites => self.list_invites().await,
            Command::RevokeInvite(id) => self.revoke_invite(id).await,
            Command::RedeemInvite(code) => self.redeem_invite(code).await,
            Command::AddContact(user) => self.add_contact(user).await,
            Command::RemoveContact(user) => self.remove_contact(user).await,
            Command::NameContact { user, nickname } => self.name_contact(user, nickname).await,
            Command::StartDm(peer) => self.start_dm(peer).await,
            Command::Settings { conv, settings } => self.settings(conv, settings).await,
            Command::SetTtl { conv, ttl } => self.set_ttl(conv, ttl).await,
            Command::CreateGroup { public, cid } => self.create_group(public, cid).await,
            Command::Invite { conv, user } => self.invite(conv, user).await,
            Command::SetRetention { conv, retention } => self.set_retention(conv, retention).await,
            Command::Leave { conv } => self.leave(conv).await,
            Command::DeleteGroup { conv } => self.delete_group(conv).await,
            Command::Report { conv, seq, reason } => self.report(conv, seq, &reason).await,
            Command::Kick { conv, user } => self.kick(conv, user).await,
            Command::Ban { conv, user } => self.ban(conv, user).await,
            Command::Unban { conv, user } => self.unban(conv, user).await,
            Command::Mute { conv, user, until } => self.mute(conv, user, until).await,
            Command::CreateLink { conv, expires_in, max_uses } => {
                self.create_link(conv, expires_in, max_uses).await
            }
            Command::RevokeLink { conv, code } => self.revoke_link(conv, &code).await,
            Command::ListLinks { conv } => self.list_links(conv).await,
            Command::Join { code } => self.join(code).await,
            Command::UpdateGroup { conv, update } => self.update_group(conv, update).await,
            Command::SetRole { conv, user, role } => self.set_role(conv, user, role).await,
            Command::Transfer { conv, user } => self.transfer(conv, user).await,
            Command::Send(send) => self.send(send).await,
            Command::Edit(edit) => self.edit(edit).await,
            Command::Unsend { conv, seq } => self.unsend(conv, seq).await,
            Command::Delete { conv, seq, for_everyone: true } => self.delete_for_everyone(conv, seq).await,
            Command::Delete { conv, seq, for_everyone: false } => self.hide(conv, seq).await,
            Command::React(react) => self.react(react).await,
            Command::Typing { conv } => self.typing(conv).await,
            Command::Mark { kind, conv, seq } => self.mark(kind, conv, seq).await,
            Command::Pin { conv, seq } => self.pin(conv, seq).await,
            Command::Get(Get::Conversations(page)) => self.get_conversations(page).await,
            Command::Get(Get::Conversation(conv)) => self.get_conversation(conv).await,
            Command::Get(Get::Messages { conv, page, limit }) => self.get_messages(conv, page, limit).await,
            Command::Get(Get::Members(conv)) => self.get_members(conv).await,
            Command::Get(Get::Receipts { conv, after, limit }) => self.get_receipts(conv, after, limit).await,
            Command::Get(Get::User(user)) => self.get_user(user).await,
            Command::Get(Get::Mentions { limit }) => self.get_mentions(limit).await,
            Command::Get(Get::Online) => self.get_online().await,
            Command::Get(Get::Contacts) => self.get_contacts().await,
            Command::Get(Get::Changes { conv, since, own, limit }) => {
                self.get_changes(conv, since, own, limit).await
            }
            Command::Hi(_)
            | Command::LoginBasic { .. }
            | Command::LoginToken(_)
            | Command::LoginWith { .. }
            | Command::SignUp(_)
            | Command::Logout { .. }
            | Command::RevokeSession(_)
            | Command::Unsupported(_) => Err(ErrorKind::Unsupported.into()),
        }
    }

    /// Loads a message as this user sees it; an outsider learns nothing about the conversation.
    pub(super) async fn message(&self, conv: ConvId, seq: Seq) -> Result<Option<Message>> {
        self.inner.expire_due().await?;
        Ok(self.inner.store.message(self.user, conv, seq).await?)
    }

    /// Submits a change of a conversation and waits for what becomes of it.
    pub(super) async fn commit(
        mut self,
        conv: ConvId,
        about: Option<(Seq, Option<Message>)>,
        cid: Option<(String, Print)>,
        decide: impl Into<Decide>,
    ) -> Result<Settled> {
        let decide = decide.into();
        if let Some(turn) = &mut self.turn {
            turn.come().await;
        }
        let (answer, settled) = oneshot::channel();
        let (target, message) = about.map_or((None, None), |(seq, message)| (Some(seq), message));
        let (inner, actor, warrant) = (self.inner.clone(), self.user, self.warrant);
        let proposal = Proposal {
            conv,
            actor: self.user,
            warrant: self.warrant,
            origin: self.origin,
            _going: Some(self.going),
            target,
            message,
            cid,
            decide,
            answer,
        };
        let span = spans::commit();
        self.inner.committer.submit(proposal).await?;
        drop(self.turn.take());
        let settled = settled.await.map_err(|_| interrupted())??;
        drop(span);
        if warrant.is_some() && matches!(settled, Settled::Unchanged(_)) {
            // Nothing was written, so the store has not looked whether the session goes on.
            inner.may_still_ask(actor, warrant).await?;
        }
        Ok(settled)
    }
}

/// The error for a message that is not there, or not for this user.
pub(super) fn no_message() -> Error {
    Error::new(ErrorKind::NotFound, "message not found")
}

/// The error for a user who is not there, or not for this user.
pub(super) fn no_user() -> Error {
    Error::new(ErrorKind::NotFound, "user not found")
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn who_gives_up_before_the_turn_comes_lets_nobody_pass() {
        let mut last = None;
        let [first, second, mut third] = [(); 3].map(|()| Turn::after(&mut last));
        drop(second);
        assert_eq!(third.come().now_or_never(), None);
        drop(first);
        assert_eq!(third.come().now_or_never(), Some(()));
    }
}
