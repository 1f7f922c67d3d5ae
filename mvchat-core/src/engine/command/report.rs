//! `report`: tell the operators of a message.

use crate::engine::dispatch::{Ctx, no_message};
use crate::error::{Error, ErrorKind, Result};
use crate::policy::Access;
use crate::proto::{ConvId, MessageParams, Reply, Seq};
use crate::seam::audit::{AuditEvent, AuditKind};
use std::time::Duration;

/// When a client should try again after the queue to the operators was full.
const RETRY: Duration = Duration::from_secs(1);

impl Ctx {
    /// Whoever sees a message may report it; nobody else in the conversation learns of that. A report that nobody would
    /// ever read is refused.
    pub(in crate::engine) async fn report(self, conv: ConvId, seq: Seq, reason: &str) -> Result<Reply> {
        let known = self.inner.conversation(conv).await?;
        let at = self.inner.env.now();
        Access::of(known.as_deref(), self.user, at, &self.inner.limits)?;
        let message = self.message(conv, seq).await?.ok_or_else(no_message)?;
        let event = AuditEvent::new(AuditKind::Report, at).actor(self.user).conv(conv).seq(seq);
        let event = message.from.map_or(event.clone(), |from| event.user(from));
        if !self.inner.audit.is_kept() {
            return Err(Error::new(ErrorKind::Unsupported, "this server keeps no reports"));
        }
        if !self.inner.audit.emit(event.reason(reason)) {
            return Err(Error::from(ErrorKind::Busy).retry_after(RETRY));
        }
        Ok(Reply::accepted(MessageParams { ts: Some(at), ..MessageParams::new(conv, seq) }))
    }
}
