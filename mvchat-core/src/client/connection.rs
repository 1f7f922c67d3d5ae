//! The life of a connection: opening, logging in, staying alive, coming back.

use super::backoff::Backoff;
use super::event::{Account, ClientError, EndReason, Event, Output};
use super::machine::Client;
use super::pending::{Purpose, Scheme};
use super::{Credentials, SendState};
use crate::error::Answer;
use crate::proto::{AccountParams, Close, Ctrl, Login, Password, Request};
use crate::time::Instant;
use std::time::Duration;

/// Where the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not connected; the next attempt is made at this instant.
    Waiting(Instant),
    /// Being opened, until this instant at most.
    Connecting(Instant),
    /// Greeted, not logged in.
    LoggingIn,
    /// Logged in since this instant.
    Ready(Instant),
    /// Nothing more happens.
    Ended,
}

/// What the client knows about its connection and its right to one.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) phase: Phase,
    pub(super) backoff: Backoff,
    /// When the last frame came.
    pub(super) heard: Instant,
    /// When the connection is dead, after a sign of life was asked for.
    pub(super) dead_at: Option<Instant>,
    /// What the server said about when to come back.
    pub(super) retry_after: Option<Duration>,
    pub(super) credentials: Credentials,
    pub(super) token: Option<Password>,
    /// The account was made, or may have been made.
    pub(super) signed_up: bool,
    pub(super) tried_sign_up: bool,
    /// Until the password is another, the server does nothing else for this user.
    pub(super) must_change_password: bool,
}

impl Connection {
    pub(super) fn new(credentials: Credentials, backoff: Backoff, phase: Phase, now: Instant) -> Self {
        let token = match &credentials {
            Credentials::Token(token) => Some(token.clone()),
            _ => None,
        };
        Self {
            phase,
            backoff,
            heard: now,
            dead_at: None,
            retry_after: None,
            credentials,
            token,
            signed_up: false,
            tried_sign_up: false,
            must_change_password: false,
        }
    }

    /// The best way to log in now.
    fn login(&mut self) -> Option<(Request, Scheme)> {
        if let Some(token) = &self.token {
            let login = Login { scheme: Some("token".to_owned()), secret: Some(token.0.clone()) };
            return Some((Request::Login(login), Scheme::Token));
        }
        if let (false, Some(request)) = (self.signed_up, self.credentials.by_sign_up()) {
            let again = std::mem::replace(&mut self.tried_sign_up, true);
            return Some((request, Scheme::SignUp { again }));
        }
        Some((self.credentials.by_password()?, Scheme::Password))
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready(_))
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Ready(_) | Phase::LoggingIn)
    }
}

impl Client {
    pub(super) fn connect(&mut self) {
        self.link.phase = Phase::Connecting(self.now + self.config.connect_timeout);
        self.out.push_back(Output::Connect);
    }

    pub(super) fn opened(&mut self) {
        if !matches!(self.link.phase, Phase::Connecting(_)) {
            return;
        }
        self.link.phase = Phase::LoggingIn;
        (self.link.heard, self.link.dead_at) = (self.now, None);
        self.sync.opened();
        let hi = self.config.hi();
        self.ask(hi, Purpose::Hi);
        self.log_in();
    }

    pub(super) fn log_in(&mut self) {
        if self.pending.any(|purpose| matches!(purpose, Purpose::Login(_))) {
            return;
        }
        match self.link.login() {
            Some((request, scheme)) => self.ask(request, Purpose::Login(scheme)),
            None => self.login_failed(ClientError::local("token_expired", "token expired")),
        }
    }

    pub(super) fn login_answered(&mut self, scheme: Scheme, result: Result<&Ctrl, ClientError>) {
        let error = match result {
            Ok(ctrl) => match super::replies::params::<AccountParams>(ctrl) {
                Some(params) => return self.logged_in(scheme, params),
                None => ClientError::local("timeout", "the login's answer can't be read"),
            },
            Err(error) => error,
        };
        if scheme == Scheme::Token && error.err == "token_expired" {
            self.link.token = None;
            self.link.signed_up = true;
            self.log_in();
        } else if scheme == (Scheme::SignUp { again: true }) && error.answer() == Answer::Conflict {
            // The first attempt made the account and its answer was lost; only its password opens it.
            self.link.signed_up = true;
            self.log_in();
        } else if error.is_transient() {
            self.reconnect(None, error.floor());
        } else {
            self.login_failed(error);
        }
    }

    fn logged_in(&mut self, scheme: Scheme, params: AccountParams) {
        self.link.signed_up = true;
        if matches!(scheme, Scheme::SignUp { .. }) && params.token.is_none() {
            return self.log_in();
        }
        // A refresh token is used once, so the newest takes the place of whatever was there before.
        let token = params.refresh.or(params.token).map(Password);
        if token.is_some() {
            self.link.token = token.clone();
        }
        let must_change_password = params.must_change_password.unwrap_or(false);
        self.link.must_change_password = must_change_password;
        let account = Account {
            user: params.user,
            token,
            expires: params.expires,
            session: params.session,
            desc: params.desc,
            must_change_password,
            privacy: params.privacy.unwrap_or_default(),
            status: params.status,
        };
        self.is_user(params.user);
        if self.link.is_ready() {
            self.event(Event::Renewed(account));
        } else {
            self.link.phase = Phase::Ready(self.now);
            self.event(Event::Connected(account));
        }
    }

    /// Forgets what belongs to another user.
    fn is_user(&mut self, user: crate::proto::UserId) {
        if self.state.me.is_some_and(|me| me != user) {
            self.state.conversations.clear();
            self.sync.forget();
        }
        self.state.me = Some(user);
        for item in self.outbox.belong_to(user) {
            let error = ClientError::local("other_user", "written by another user");
            self.send_state(item.conv, item.cid, SendState::Failed(error));
        }
    }

    fn login_failed(&mut self, error: ClientError) {
        self.end();
        self.event(Event::LoginFailed(error));
    }

    /// Ends the connection for good.
    pub(super) fn end(&mut self) {
        if matches!(self.link.phase, Phase::Connecting(_) | Phase::LoggingIn | Phase::Ready(_)) {
            self.out.push_back(Output::Disconnect(Close::Normal));
        }
        self.link.phase = Phase::Ended;
        self.link.dead_at = None;
        self.disconnected(None);
        for waiting in std::mem::take(&mut self.pending.waiting) {
            self.answer(waiting.id, Err(ClientError::local("ended", "the client has ended")));
        }
    }

    /// The connection is gone by itself.
    pub(super) fn closed(&mut self, close: Option<Close>) {
        match (self.link.phase, close) {
            (Phase::Ended | Phase::Waiting(_), _) => {}
            (_, Some(Close::SessionEnded)) => {
                self.link.phase = Phase::Ended;
                self.end();
                self.event(Event::Ended(EndReason::SessionEnded));
            }
            (_, Some(Close::Abuse)) => self.lost(close, self.config.backoff_cap),
            _ => self.lost(close, Duration::ZERO),
        }
    }

    /// Gives the connection up and comes back later.
    pub(super) fn reconnect(&mut self, close: Option<Close>, floor: Duration) {
        self.out.push_back(Output::Disconnect(Close::Normal));
        self.lost(close, floor);
    }

    fn lost(&mut self, close: Option<Close>, floor: Duration) {
        if let Phase::Ready(since) = self.link.phase
            && self.now.since(since) >= self.config.stable_after
        {
            self.link.backoff.reset();
        }
        let floor = floor.max(self.link.retry_after.take().unwrap_or_default());
        let retry_in = self.link.backoff.fail(&mut self.rng, floor);
        self.link.phase = Phase::Waiting(self.now + retry_in);
        self.link.dead_at = None;
        self.disconnected(close);
        self.event(Event::Disconnected { close, retry_in });
    }

    pub(super) fn online(&mut self) {
        match self.link.phase {
            Phase::Waiting(_) => self.connect(),
            Phase::Ready(_) => self.probe(),
            _ => {}
        }
    }

    fn probe(&mut self) {
        if self.link.dead_at.is_none() {
            self.link.dead_at = Some(self.now + self.config.dead_after);
            self.ask(Request::Hi(crate::proto::Hi::default()), Purpose::Ping);
        }
    }

    /// Does what the connection's clock says.
    pub(super) fn tick_connection(&mut self) {
        match self.link.phase {
            Phase::Waiting(until) if until <= self.now => self.connect(),
            Phase::Connecting(until) if until <= self.now => self.reconnect(None, Duration::ZERO),
            Phase::Ready(_) if self.link.dead_at.is_some_and(|at| at <= self.now) => {
                self.reconnect(None, Duration::ZERO);
            }
            Phase::Ready(_) if self.link.heard + self.config.ping_after <= self.now => self.probe(),
            _ => {}
        }
    }

    pub(super) fn connection_deadline(&self) -> Option<Instant> {
        match self.link.phase {
            Phase::Waiting(until) | Phase::Connecting(until) => Some(until),
            Phase::Ready(_) => Some(self.link.dead_at.unwrap_or(self.link.heard + self.config.ping_after)),
            Phase::LoggingIn | Phase::Ended => None,
        }
    }
}
