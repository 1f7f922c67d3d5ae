//! `logout`: end this session, or all of the user's.

use crate::engine::dispatch::Ctx;
use crate::error::{ErrorKind, Result};
use crate::proto::Reply;
use crate::seam::EndSessions;
use crate::session::Ended;

impl Ctx {
    pub(in crate::engine) async fn logout(self, all: bool) -> Result<Reply> {
        let identity = self.identity.ok_or(ErrorKind::Unsupported)?;
        let which = if all { EndSessions::All } else { EndSessions::One(identity.session) };
        // The answer leaves before the close.
        if let Some(origin) = &self.origin {
            origin.conn.reserve(origin.ticket);
        }
        self.inner.end_sessions(self.user, which).await?;
        if let Some(origin) = &self.origin {
            origin.conn.end(Ended::Session);
        }
        Ok(Reply::EMPTY)
    }
}
