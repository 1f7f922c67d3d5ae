//! `typing`: say that the user is writing.

use crate::engine::dispatch::Ctx;
use crate::engine::view::People;
use crate::error::Result;
use crate::policy::Access;
use crate::proto::{ConvId, Info, Reply, ServerMsg, What};
use crate::session::Ephemeral;
use std::time::Duration;

impl Ctx {
    /// Passes it on, or stays silent: nobody learns why.
    pub(in crate::engine) async fn typing(self, conv: Option<ConvId>) -> Result<Reply> {
        let Some(conv) = conv else { return Ok(Reply::EMPTY) };
        let Some(known) = self.inner.conversation(conv).await? else { return Ok(Reply::EMPTY) };
        let now = self.inner.now();
        let Ok(access) = Access::of(Some(&known), self.user, now.wall, &self.inner.limits) else {
            return Ok(Reply::EMPTY);
        };
        let interval = Duration::from_millis(self.inner.limits.typing_interval_ms);
        if access.not_blocked().is_err()
            || self.inner.typing.pass(self.user, conv, interval, now.mono).is_err()
        {
            return Ok(Reply::EMPTY);
        }
        let info = Info::new(What::Typing, Some(conv), Some(self.user), now.wall);
        let frame = ServerMsg::Info(info).encode();
        let but = self.origin.as_ref().map(|origin| origin.conn.as_ref());
        let push =
            |user| self.inner.hub.push_ephemeral(user, Ephemeral::Typing(conv, self.user), &frame, but);
        // Whether it could be told is nothing that the one who writes should learn.
        let told = self.inner.tell_listeners(self.user, conv, People::sees_typing, usize::MAX, push).await;
        if let Err(error) = told {
            tracing::debug!(%conv, ?error, "typing could not be announced");
        }
        Ok(Reply::EMPTY)
    }
}
