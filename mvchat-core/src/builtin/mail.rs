//! A mailer for servers without one.

use crate::seam::{Mail, MailError, Mailer};
use async_trait::async_trait;

/// Sends nothing, and says so in the log: without address and code.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogMailer;

#[async_trait]
impl Mailer for LogMailer {
    async fn send(&self, mail: Mail) -> Result<(), MailError> {
        tracing::info!(?mail, "no mailer is set, so a mail was not sent");
        Ok(())
    }
}
