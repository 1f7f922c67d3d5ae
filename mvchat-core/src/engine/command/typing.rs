//! `typing`: say that the user is writing.

use crate::engine::chat::Inner;
use crate::engine::conn::Conn;
use crate::engine::dispatch::Ctx;
use crate::engine::nodes::Hint;
use crate::engine::view::People;
use crate::error::Result;
use crate::policy::Access;
use crate::proto::{ConvId, Info, Reply, ServerMsg, UserId, What};
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
        self.inner.nodes.say(Hint::Typing { user: self.user, conv });
        let but = self.origin.as_ref().map(|origin| origin.conn.as_ref());
        // Whether it could be told is nothing that the one who writes should learn.
        if let Err(error) = self.inner.push_typing(self.user, conv, but).await {
            tracing::debug!(%conv, ?error, "typing could not be announced");
        }
        Ok(Reply::EMPTY)
    }
}

impl Inner {
    /// Tells those who are connected to this node that a user is writing.
    pub(in crate::engine) async fn push_typing(
        &self,
        user: UserId,
        conv: ConvId,
        but: Option<&Conn>,
    ) -> Result<()> {
        let info = Info::new(What::Typing, Some(conv), Some(user), self.env.now());
        let frame = ServerMsg::Info(info).encode();
        let push = |listener| {
            self.hub.push_ephemeral(listener, Ephemeral::Typing(conv, user), &frame, but);
        };
        self.tell_listeners(user, conv, People::sees_typing, usize::MAX, push).await
    }
}
