//! `report`: tell the operators of a message.

use crate::engine::dispatch::{Ctx, no_message};
use crate::error::Result;
use crate::policy::Access;
use crate::proto::{ConvId, MessageParams, Reply, Seq};
use crate::seam::audit::{AuditEvent, AuditKind};

impl Ctx {
    /// Whoever sees a message may report it; nobody else in the conversation learns of that.
    pub(in crate::engine) async fn report(self, conv: ConvId, seq: Seq, reason: &str) -> Result<Reply> {
        let known = self.inner.conversation(conv).await?;
        let at = self.inner.env.now();
        Access::of(known.as_deref(), self.user, at, &self.inner.limits)?;
        let message = self.message(conv, seq).await?.ok_or_else(no_message)?;
        let event = AuditEvent::new(AuditKind::Report, at).actor(self.user).conv(conv).seq(seq);
        let event = message.from.map_or(event.clone(), |from| event.user(from));
        self.inner.audit.emit(event.reason(reason));
        Ok(Reply::accepted(MessageParams { ts: Some(at), ..MessageParams::new(conv, seq) }))
    }
}
