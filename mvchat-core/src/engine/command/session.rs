//! `session`: list the user's sessions, or end one.

use crate::engine::dispatch::Ctx;
use crate::error::{Error, ErrorKind, Result};
use crate::proto::{Reply, SessionId, SessionItem, SessionsParams};
use crate::seam::EndSessions;
use crate::session::Finished;

impl Ctx {
    pub(in crate::engine) async fn list_sessions(self) -> Result<Reply> {
        let now = self.inner.env.now();
        let current = self.identity.map(|identity| identity.session);
        let rows = self.inner.store.sessions_of(self.user).await?;
        let live = rows.into_iter().filter(|row| row.expires_at > now);
        let item = |row: crate::seam::SessionRow| SessionItem {
            current: Some(row.id) == current,
            id: row.id,
            device: row.device,
            user_agent: row.user_agent,
            created_at: row.created_at,
            last_used_at: row.used_at,
        };
        Ok(Reply::ok(SessionsParams { sessions: live.map(item).collect() }))
    }

    /// Ends a session of the user: its connections close, nothing that comes later is carried out on it.
    pub(in crate::engine) async fn revoke_session(self, session: SessionId) -> Result<Finished> {
        let ended = self.inner.store.end_sessions(self.user, EndSessions::One(session)).await;
        let ended = ended.inspect_err(|_| self.inner.doubt_sessions(self.user))?;
        if ended.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, "session not found"));
        }
        // A connection that ends its own session is answered before it closes.
        let but = self.origin.as_ref().map(|origin| origin.conn.as_ref());
        self.inner.sessions_ended(self.user, &ended, but);
        let own = self.identity.is_some_and(|identity| ended.contains(&identity.session));
        Ok(Finished { reply: Reply::EMPTY, identity: None, ended: own })
    }
}
