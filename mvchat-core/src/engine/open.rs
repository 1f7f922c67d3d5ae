//! Opening what is sealed: one rule for all that can go wrong.

use super::chat::Inner;
use crate::builtin::keys::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::proto::UserId;
use crate::seam::audit::{AuditEvent, AuditKind};

impl Inner {
    /// Opens what was sealed with a user's key; `None` if it can't be opened, now or ever. That is an alarm in the log,
    /// in the audit log and in [`AuditStats`](super::AuditStats), and what asked for it goes on without that item.
    /// `what` names it; `place` adds to the event where it stands.
    ///
    /// # Errors
    /// `Unavailable` while the key can't be reached: saying that something is lost would make clients keep that.
    pub(super) async fn opened(
        &self,
        owner: UserId,
        context: &Context,
        sealed: &[u8],
        what: &'static str,
        place: impl FnOnce(AuditEvent) -> AuditEvent,
    ) -> Result<Option<Vec<u8>>> {
        let opened = match self.user_key(owner).await {
            Ok(key) => key.open(context, sealed).map_err(Error::from),
            Err(error) => Err(error),
        };
        match opened {
            Ok(clear) => Ok(Some(clear)),
            Err(error) if error.kind() == ErrorKind::Unavailable => Err(error),
            Err(error) => {
                let event = AuditEvent::new(AuditKind::CryptDecryptFail, self.env.now());
                let event = place(event.user(owner).reason(what));
                tracing::error!(?event, ?error, "sealed data can't be opened");
                self.audit.emit(event);
                Ok(None)
            }
        }
    }
}
