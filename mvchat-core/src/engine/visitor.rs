//! Requests without a connection, as they come over HTTP.

use super::audited::Audited;
use super::chat::{Chat, Inner};
use super::command::Grant;
use super::dispatch::{Caller, Measured};
use super::limits::{About, Asker};
use crate::error::{Error, ErrorKind, Result};
use crate::proto::{Act, Command, LoginBody, Password, Reply, Request, TicketParams};
use crate::seam::{Peer, UserRow};
use crate::session::{Device, Identity};
use std::fmt;
use std::sync::Arc;
use tracing::Instrument;

/// Somebody who asks without a connection: see [`Chat::visitor`].
///
/// What is asked for is the same as the command of that name on a connection, with the same checks, the same limits and
/// the same errors; what needs a token also counts as one [`Act::Rest`].
#[derive(Clone)]
#[must_use]
pub struct Visitor {
    chat: Chat,
    peer: Peer,
    token: Option<Password>,
    ticket: Option<Password>,
    origin: Option<String>,
    user_agent: Option<String>,
}

/// Whom an upgrade has let in: see [`Visitor::check_in`]. Small, because connections are made of what they are begun with.
pub struct Pass(pub(super) Box<LetIn>);

/// What is known about a user who was let in.
pub(super) struct LetIn {
    pub(super) user: UserRow,
    pub(super) grant: Grant,
    pub(super) generation: u64,
}

impl Chat {
    /// Begins with what a request over HTTP says about who asks.
    pub fn visitor(&self, peer: Peer) -> Visitor {
        Visitor { chat: self.clone(), peer, token: None, ticket: None, origin: None, user_agent: None }
    }
}

impl Visitor {
    /// Adds the access token that the request shows.
    pub fn with_token(self, token: impl Into<String>) -> Self {
        Self { token: Some(Password(token.into())), ..self }
    }

    /// Adds the ticket that the request shows; only upgrades take one.
    pub fn with_ticket(self, ticket: impl Into<String>) -> Self {
        Self { ticket: Some(Password(ticket.into())), ..self }
    }

    /// Adds the origin of the page that the request comes from.
    pub fn with_origin(self, origin: impl Into<String>) -> Self {
        Self { origin: Some(origin.into()), ..self }
    }

    /// Adds what the client calls itself.
    pub fn with_user_agent(self, user_agent: impl Into<String>) -> Self {
        Self { user_agent: Some(user_agent.into()), ..self }
    }

    /// Logs in, as `login` does: opens a session, or goes on with that of a token.
    ///
    /// # Errors
    /// As the command `login`.
    pub async fn log_in(self, body: LoginBody) -> Result<Reply> {
        let command = Command::parse(Request::Login(body.login()), self.chat.limits())?;
        let device = Device::default().called(body.ua.or(self.user_agent.clone()), body.dev);
        // On a connection it would count as one of its frames.
        if let Command::LoginToken(token) = &command
            && let Ok(identity) = self.chat.0.read_token(&token.0)
        {
            self.count(identity).await?;
        }
        self.run(None, device, command).await
    }

    /// Lists the user's sessions, as `session` does.
    ///
    /// # Errors
    /// As the command; `Unauthenticated`, `BadCredentials` and `TokenExpired` for the token; `RateLimited`.
    pub async fn sessions(self) -> Result<Reply> {
        self.authorized(Command::ListSessions).await
    }

    /// Ends a session of the user, as `session` with `revoke` does; `current` is that of the token.
    ///
    /// # Errors
    /// As [`sessions`](Self::sessions); `Invalid` if this is no id, `NotFound`.
    pub async fn end_session(self, id: &str) -> Result<Reply> {
        let command = match id {
            "current" => Command::Logout { all: false },
            id => Command::RevokeSession(
                id.parse().map_err(|_| Error::new(ErrorKind::Invalid, "invalid session id"))?,
            ),
        };
        self.authorized(command).await
    }

    /// Ends all sessions of the user, as `logout` with `all` does.
    ///
    /// # Errors
    /// As [`sessions`](Self::sessions).
    pub async fn end_sessions(self) -> Result<Reply> {
        self.authorized(Command::Logout { all: true }).await
    }

    /// Makes a ticket, with which one connection is opened within 30 seconds and from the same origin, for clients that
    /// can't say more at an upgrade than an address. Every node on the same keys takes it, each of them once.
    ///
    /// # Errors
    /// As [`sessions`](Self::sessions).
    pub async fn ticket(self) -> Result<TicketParams> {
        let inner = &self.chat.0;
        let identity = self.identity()?;
        self.admit(identity, inner.store.is_shared()).await?;
        Ok(inner.make_ticket(identity, self.origin.as_deref()))
    }

    /// Checks the token or ticket of an upgrade, as `login` with a token does, before there is a connection. Hand what
    /// it returns to [`Chat::serve_as`]; without either there is nothing to check.
    ///
    /// # Errors
    /// `BadCredentials`, `TokenExpired`, `Forbidden` for a suspended user, `Unavailable`.
    pub async fn check_in(self) -> Result<Option<Pass>> {
        let Some(shown) = self.ticket.clone().or(self.token.clone()) else { return Ok(None) };
        let inner = self.chat.0.clone();
        // Counted before it is let in: else a drain could end in between.
        let _token = inner.closing.commands.token();
        inner.closing.admit()?;
        // In a task of its own, like every command.
        let work = inner.closing.commands.spawn(async move {
            let inner = &self.chat.0;
            let caller = self.caller(None, Device::default());
            let login = Command::LoginToken(shown.clone());
            let (audited, measured) = (Audited::new(inner, &caller, &login), Measured::begin(&login, None));
            let done = Box::pin(self.let_in(&caller, &shown)).instrument(measured.span()).await;
            audited.told(inner, &done, done.as_ref().ok().map(|(identity, _)| *identity));
            measured.told(&inner.counts, &done);
            done
        });
        let done =
            work.await.unwrap_or_else(|error| Err(Error::from(ErrorKind::Internal).with_source(error)));
        done.map(|(_, pass)| Some(pass))
    }

    async fn let_in(&self, caller: &Caller, shown: &Password) -> Result<(Identity, Pass)> {
        let inner = &self.chat.0;
        let generation = inner.sessions.generation();
        let identity = match self.ticket {
            Some(_) => inner.take_ticket(&shown.0, self.origin.as_deref())?,
            None => inner.read_token(&shown.0)?,
        };
        let (user, grant) = inner.take_up(caller, identity).await?;
        Ok((identity, Pass(Box::new(LetIn { user, grant, generation }))))
    }

    /// Reads the token, which says who asks but not that the session is not over.
    fn identity(&self) -> Result<Identity> {
        let token = self.token.as_ref().ok_or(ErrorKind::Unauthenticated)?;
        self.chat.0.read_token(&token.0)
    }

    /// Lets somebody in whose session is not over, and counts the request.
    async fn admit(&self, identity: Identity, anew: bool) -> Result<()> {
        self.chat.0.goes_on(identity, anew).await?;
        self.count(identity).await
    }

    /// Counts a request of a user.
    async fn count(&self, identity: Identity) -> Result<()> {
        let ip = self.peer.addr.map(|addr| addr.ip());
        let asker = Asker { user: Some(identity.user), session: Some(identity.session), ..Asker::at(ip) };
        let counted = self.chat.0.charge(&[Act::Rest], &asker, About::Nothing).await;
        counted.map(drop).map_err(|refusal| refusal.error)
    }

    async fn authorized(self, command: Command) -> Result<Reply> {
        let identity = self.identity()?;
        let admitted = self.admit(identity, self.chat.0.asks_anew(&command)).await;
        if let Err(error) = admitted {
            let inner = &self.chat.0;
            let caller = self.caller(Some(identity), Device::default());
            let refused = Err::<(), _>(error.clone());
            Audited::new(inner, &caller, &command).told(inner, &refused, None);
            return Err(error);
        }
        self.run(Some(identity), Device::default(), command).await
    }

    /// Carries a command out in a task of its own: whoever stops waiting does not stop what was begun.
    async fn run(self, identity: Option<Identity>, device: Device, command: Command) -> Result<Reply> {
        let inner: Arc<Inner> = self.chat.0.clone();
        // Counted before it is let in: else a drain could end in between.
        let _token = inner.closing.commands.token();
        inner.closing.admit()?;
        let caller = self.caller(identity, device);
        let work = inner.closing.commands.spawn(inner.clone().run(caller, command));
        let done =
            work.await.unwrap_or_else(|error| Err(Error::from(ErrorKind::Internal).with_source(error)));
        done.map(|finished| finished.reply)
    }

    fn caller(&self, identity: Option<Identity>, device: Device) -> Caller {
        Caller { identity, device, origin: None, turn: None, peer: Some(self.peer.clone()) }
    }
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitor")
            .field("peer", &self.peer)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass").field("user", &self.0.user.id).finish_non_exhaustive()
    }
}
