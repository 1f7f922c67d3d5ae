//! Sessions that were checked before, and what their users may do.

use super::chat::Inner;
use super::conn::Conn;
use super::nodes::Hint;
use super::serve::takes_turns;
use crate::error::{ErrorKind, Result};
use crate::policy::{Rights, may_be_spoken_for, may_go_on};
use crate::proto::{Command, SessionId, UserId};
use crate::seam::UserRow;
use crate::session::Identity;
use crate::time::{Instant, Timestamp};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a session that was found is trusted. This process forgets it at once when it ends it itself.
const TRUST: Duration = Duration::from_secs(60);
/// The same where others can end it, for what changes nothing.
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
    /// Users for whom the host may speak, and until when that is trusted.
    hosted: HashMap<UserId, Instant>,
    /// Counts the forgettings, so that a look-up that began before one is not kept after it.
    generation: u64,
}

#[derive(Clone, Copy, Debug)]
struct Good {
    until: Instant,
    expires: Timestamp,
    rights: Rights,
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
}

impl Inner {
    fn trust(&self) -> Duration {
        if self.store.is_shared() && !bug!(LogoutIgnored) { SHARED_TRUST } else { TRUST }
    }

    /// Returns whether a command is carried out only after the store was asked anew: of a store that others write to, for
    /// all that changes something. Then nothing that comes after a session was ended anywhere is carried out on it.
    pub(super) fn asks_anew(&self, command: &Command) -> bool {
        self.store.is_shared() && takes_turns(command) && !bug!(LogoutIgnored)
    }

    /// Checks that the session of a command is not over; returns what its user may do.
    pub(super) async fn check_session(&self, identity: Identity, anew: bool) -> Result<Rights> {
        let now = self.now();
        let generation = {
            let known = self.sessions.known.lock();
            match known.good.get(&identity.session) {
                Some(good) if !anew && good.until > now.mono && good.expires > now.wall => {
                    return Ok(good.rights);
                }
                _ => known.generation,
            }
        };
        let (row, user) = self.vouch.ask(&self.store, identity.user, Some(identity.session)).await?;
        let row = row.filter(|row| row.user == identity.user && row.expires_at > now.wall);
        let row = row.ok_or(ErrorKind::Unauthenticated)?;
        let rights = may_go_on(user.as_ref().map(UserRow::account))?;
        let mut known = self.sessions.known.lock();
        if known.generation == generation {
            if known.good.len() >= MAX_CACHED {
                known.good.retain(|_, good| good.until > now.mono);
            }
            if known.good.len() < MAX_CACHED {
                let good = Good { until: now.mono + self.trust(), expires: row.expires_at, rights };
                known.good.insert(row.id, good);
            }
        }
        Ok(rights)
    }

    /// Checks that the host may speak for a user.
    pub(super) async fn check_hosted(&self, user: UserId, anew: bool) -> Result<()> {
        let now = self.env.monotonic();
        let generation = {
            let known = self.sessions.known.lock();
            match known.hosted.get(&user) {
                Some(until) if !anew && *until > now => return Ok(()),
                _ => known.generation,
            }
        };
        let (_, row) = self.vouch.ask(&self.store, user, None).await?;
        may_be_spoken_for(row.map(|row| row.state))?;
        let mut known = self.sessions.known.lock();
        if known.generation == generation {
            if known.hosted.len() >= MAX_CACHED {
                known.hosted.retain(|_, until| *until > now);
            }
            if known.hosted.len() < MAX_CACHED {
                known.hosted.insert(user, now + self.trust());
            }
        }
        Ok(())
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
        if let Err(error) = self.check_session(identity, self.store.is_shared()).await
            && error.kind() == ErrorKind::Unauthenticated
        {
            self.end_here(identity.user, &[identity.session], None);
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
