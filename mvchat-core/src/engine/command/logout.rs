//! `logout`: end this session, or all of the user's.

use crate::engine::dispatch::Ctx;
use crate::engine::nodes::Hint;
use crate::error::{ErrorKind, Result};
use crate::proto::Reply;
use crate::seam::EndSessions;
use crate::session::{Ended, Finished};

impl Ctx {
    /// The requesting connection closes after its answer, the others of the ended sessions at once.
    pub(in crate::engine) async fn logout(self, all: bool) -> Result<Finished> {
        let identity = self.identity.ok_or(ErrorKind::Unsupported)?;
        let which = if all { EndSessions::All } else { EndSessions::One(identity.session) };
        let ended = self.inner.store.end_sessions(self.user, which).await;
        let ended = ended.inspect_err(|_| self.inner.doubt_sessions(self.user))?;
        let but = self.origin.as_ref().map(|origin| origin.conn.as_ref());
        self.inner.sessions_ended(self.user, &ended, but);
        // A retry finds nothing more to end in the store; the connections close all the same.
        if all && !bug!(LogoutIgnored) {
            self.inner.hub.end_all(self.user, Ended::Session, but);
            self.inner.nodes.say(Hint::Account(self.user));
        } else {
            self.inner.sessions_ended(self.user, &[identity.session], but);
        }
        Ok(Finished { reply: Reply::EMPTY, identity: None, ended: true })
    }
}
