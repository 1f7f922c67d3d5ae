//! Sessions that were checked before.

use super::chat::Inner;
use super::conn::Conn;
use crate::error::{Error, ErrorKind, Result};
use crate::proto::{SessionId, UserId};
use crate::session::Identity;
use crate::time::{Instant, Timestamp};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long a session that was found is trusted. This process forgets it at once when it ends it itself.
const TRUST: Duration = Duration::from_secs(60);
const MAX_CACHED: usize = 65_536;

/// A bounded cache of sessions that are known not to be over.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    good: HashMap<SessionId, Good>,
    /// Counts the forgettings, so that a look-up that began before one is not kept after it.
    generation: u64,
}

#[derive(Clone, Copy, Debug)]
struct Good {
    until: Instant,
    expires: Timestamp,
}

impl Sessions {
    /// Returns a number that changes whenever a session ends.
    pub(super) fn generation(&self) -> u64 {
        self.known.lock().generation
    }

    /// Trusts no session any more without asking the store.
    fn forget_all(&self) {
        let mut known = self.known.lock();
        known.generation += 1;
        known.good.clear();
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
    /// Checks that the session of a command is not over.
    pub(super) async fn check_session(&self, identity: Identity) -> Result<()> {
        let now = self.now();
        let generation = {
            let known = self.sessions.known.lock();
            match known.good.get(&identity.session) {
                Some(good) if good.until > now.mono && good.expires > now.wall => return Ok(()),
                _ => known.generation,
            }
        };
        let row = self.store.session(identity.session).await?;
        let row = row.filter(|row| row.user == identity.user && row.expires_at > now.wall);
        let row = row.ok_or_else(|| Error::from(ErrorKind::Unauthenticated))?;
        let mut known = self.sessions.known.lock();
        if known.generation == generation {
            if known.good.len() >= MAX_CACHED {
                known.good.retain(|_, good| good.until > now.mono);
            }
            if known.good.len() < MAX_CACHED {
                known.good.insert(row.id, Good { until: now.mono + TRUST, expires: row.expires_at });
            }
        }
        Ok(())
    }

    /// Draws the consequences for sessions that the store has ended: no request that comes later is carried out
    /// on them, their connections close.
    pub(super) fn sessions_ended(&self, user: UserId, ended: &[SessionId], but: Option<&Conn>) {
        self.sessions.forget(ended);
        self.hub.end_sessions(user, ended, but);
    }

    /// Asks the store about the session of a connection, and closes what hangs on it if it is over.
    pub(super) async fn recheck(&self, identity: Identity) {
        if let Err(error) = self.check_session(identity).await
            && error.kind() == ErrorKind::Unauthenticated
        {
            self.sessions_ended(identity.user, &[identity.session], None);
        }
    }

    /// Asks about all of a user's sessions, because it is not known whether some were ended.
    pub(super) fn doubt_sessions(self: &Arc<Self>, user: UserId) {
        self.sessions.forget_all();
        for identity in self.hub.identities(user) {
            let inner = self.clone();
            self.closing.commands.spawn(async move { inner.recheck(identity).await });
        }
    }
}
