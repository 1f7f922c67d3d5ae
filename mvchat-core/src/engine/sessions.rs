//! Sessions that were checked before, and what their users may do.

use super::chat::Inner;
use super::conn::Conn;
use super::nodes::Hint;
use super::serve::takes_turns;
use crate::error::{ErrorKind, Result};
use crate::policy::{Account, Rights, may_be_spoken_for, may_go_on};
use crate::proto::{Command, SessionId, UserId};
use crate::seam::{UserRow, Warrant};
use crate::session::Identity;
use crate::time::{Instant, Timestamp};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a session that was found is trusted. This process forgets it at once when it ends it itself.
const TRUST: Duration = Duration::from_secs(60);
/// The same where others can end it, for what changes nothing or is checked in the write itself.
const SHARED_TRUST: Duration = Duration::from_secs(1);
const MAX_CACHED: usize = 65_536;

/// A bounded cache of sessions that are known not to be over.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    good: HashMap<SessionId, Good>,
    /// Users for whom the host may speak.
    hosted: HashMap<UserId, Hosted>,
    /// Counts the forgettings, so that a look-up that began before one is not kept after it.
    generation: u64,
}

#[derive(Clone, Copy, Debug)]
struct Good {
    until: Instant,
    expires: Timestamp,
    may: May,
}

#[derive(Clone, Copy, Debug)]
struct Hosted {
    until: Instant,
    warrant: Option<Warrant>,
}

/// What a session is good for.
#[derive(Clone, Copy, Debug)]
pub(super) struct May {
    rights: Rights,
    /// What that was decided on, if others can change it.
    warrant: Option<Warrant>,
}

impl Sessions {
    /// Returns a number that changes whenever a session ends.
    pub(super) fn generation(&self) -> u64 {
        self.known.lock().generation
    }

    /// Trusts no session any more without asking the store.
    pub(super) fn forget_all(&self) {
        let mut known = self.known.lock();
        known.generation += 1;
        known.good.clear();
        known.hosted.clear();
    }

    pub(super) fn forget(&self, sessions: &[SessionId]) {
        let mut known = self.known.lock();
        known.generation += 1;
        for session in sessions {
            known.good.remove(session);
        }
    }

    fn forget_hosted(&self, user: UserId) {
        let mut known = self.known.lock();
        known.generation += 1;
        known.hosted.remove(&user);
    }
}

/// Whether a command changes nothing but by the committer, whose changes carry what they were decided on.
fn is_decided_in_the_commit(command: &Command) -> bool {
    matches!(
        command,
        Command::Send(_)
            | Command::Edit(_)
            | Command::Unsend { .. }
            | Command::Delete { for_everyone: true, .. }
            | Command::React(_)
            | Command::Pin { .. }
    )
}

impl Inner {
    /// Returns whether others can end sessions and change accounts.
    fn is_watched(&self) -> bool {
        self.store.is_shared() && !bug!(LogoutIgnored)
    }

    fn trust(&self) -> Duration {
        if self.is_watched() { SHARED_TRUST } else { TRUST }
    }

    /// Returns whether a command is carried out only after the store was asked anew: of a store that others write to, for
    /// all that changes something, unless the store itself looks in the same write. Then nothing that comes after a
    /// session was ended anywhere is carried out on it.
    pub(super) fn asks_anew(&self, command: &Command) -> bool {
        self.is_watched() && takes_turns(command) && !is_decided_in_the_commit(command)
    }

    /// Lets a command of a session in, if that may make it; returns what that was decided on.
    pub(super) async fn may_ask(&self, identity: Identity, command: &Command) -> Result<Option<Warrant>> {
        let Identity { user, session, .. } = identity;
        let mut may = self.check_session(user, session, self.asks_anew(command)).await?;
        if may.rights.allow(command).is_err() && self.is_watched() && takes_turns(command) {
            // It may have been allowed elsewhere just now.
            may = self.check_session(user, session, true).await?;
        }
        may.rights.allow(command)?;
        Ok(may.warrant)
    }

    /// Checks that a session is not over, whatever it is good for.
    pub(super) async fn goes_on(&self, identity: Identity, anew: bool) -> Result<()> {
        self.check_session(identity.user, identity.session, anew).await.map(drop)
    }

    /// Decides again whether an actor may ask for what was let in before, by the session or the host.
    pub(super) async fn may_still_ask(
        &self,
        actor: UserId,
        before: Option<Warrant>,
    ) -> Result<Option<Warrant>> {
        match before.and_then(|before| before.session) {
            Some(session) => {
                self.sessions.forget(&[session]);
                let may = self.check_session(actor, session, true).await?;
                may.rights.still_allow()?;
                Ok(may.warrant)
            }
            None => {
                self.sessions.forget_hosted(actor);
                self.check_hosted(actor, true).await
            }
        }
    }

    /// Checks that a session is not over; returns what it is good for.
    async fn check_session(&self, user: UserId, session: SessionId, anew: bool) -> Result<May> {
        let now = self.now();
        let generation = {
            let known = self.sessions.known.lock();
            match known.good.get(&session) {
                Some(good) if !anew && good.until > now.mono && good.expires > now.wall => {
                    return Ok(good.may);
                }
                _ => known.generation,
            }
        };
        let (row, account) = self.vouch.ask(&self.store, user, Some(session)).await?;
        let row = row.filter(|row| row.user == user && row.expires_at > now.wall);
        let row = row.ok_or(ErrorKind::Unauthenticated)?;
        let account = account.as_ref().map(UserRow::account);
        let may = May { rights: may_go_on(account)?, warrant: self.warrant(account, Some(session)) };
        let mut known = self.sessions.known.lock();
        if known.generation == generation {
            if known.good.len() >= MAX_CACHED {
                known.good.retain(|_, good| good.until > now.mono);
            }
            if known.good.len() < MAX_CACHED {
                let good = Good { until: now.mono + self.trust(), expires: row.expires_at, may };
                known.good.insert(row.id, good);
            }
        }
        Ok(may)
    }

    /// Checks that the host may speak for a user; returns what that was decided on.
    pub(super) async fn check_hosted(&self, user: UserId, anew: bool) -> Result<Option<Warrant>> {
        let now = self.env.monotonic();
        let generation = {
            let known = self.sessions.known.lock();
            match known.hosted.get(&user) {
                Some(hosted) if !anew && hosted.until > now => return Ok(hosted.warrant),
                _ => known.generation,
            }
        };
        let (_, row) = self.vouch.ask(&self.store, user, None).await?;
        let account = row.as_ref().map(UserRow::account);
        may_be_spoken_for(account.map(|account| account.state))?;
        let warrant = self.warrant(account, None);
        let mut known = self.sessions.known.lock();
        if known.generation == generation {
            if known.hosted.len() >= MAX_CACHED {
                known.hosted.retain(|_, hosted| hosted.until > now);
            }
            if known.hosted.len() < MAX_CACHED {
                known.hosted.insert(user, Hosted { until: now + self.trust(), warrant });
            }
        }
        Ok(warrant)
    }

    /// Takes down what was decided on, for changes that others may outrun.
    fn warrant(&self, account: Option<Account>, session: Option<SessionId>) -> Option<Warrant> {
        account.filter(|_| self.is_watched()).map(|account| Warrant::new(account, session))
    }

    /// Draws the consequences for sessions that the store has ended: no request that comes later is carried out
    /// on them, their connections close.
    pub(super) fn sessions_ended(&self, user: UserId, ended: &[SessionId], but: Option<&Conn>) {
        if !ended.is_empty() && !bug!(LogoutIgnored) {
            self.nodes.say(Hint::Ended { user, sessions: ended.to_vec() });
        }
        self.end_here(user, ended, but);
    }

    /// The same on this node.
    pub(super) fn end_here(&self, user: UserId, ended: &[SessionId], but: Option<&Conn>) {
        if bug!(LogoutIgnored) {
            return;
        }
        self.sessions.forget(ended);
        self.hub.end_sessions(user, ended, but);
    }

    /// Asks the store about the session of a connection, and closes what hangs on it if it is over.
    pub(super) async fn recheck(&self, identity: Identity) {
        let Identity { user, session, .. } = identity;
        if let Err(error) = self.check_session(user, session, self.store.is_shared()).await
            && error.kind() == ErrorKind::Unauthenticated
        {
            self.end_here(user, &[session], None);
        }
    }

    /// Asks about all of a user's sessions, because it is not known whether some were ended.
    pub(super) fn doubt_sessions(self: &Arc<Self>, user: UserId) {
        self.nodes.say(Hint::Account(user));
        self.doubt_here(user);
    }

    /// The same on this node.
    pub(super) fn doubt_here(self: &Arc<Self>, user: UserId) {
        self.sessions.forget_all();
        for identity in self.hub.identities(user) {
            let inner = self.clone();
            self.closing.commands.spawn(async move { inner.recheck(identity).await });
        }
    }
}
