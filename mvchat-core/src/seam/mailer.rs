//! Mail to people.

use crate::time::Timestamp;
use async_trait::async_trait;
use std::fmt;

/// What goes wrong with a mail; it goes to logs and must name neither address nor code.
pub type MailError = Box<dyn std::error::Error + Send + Sync>;

/// Sends mail.
///
/// # Contract
/// * What a mail is about has been committed before. Nobody waits for the mail: it may take its time, and a failure
///   is logged and not repeated.
/// * Neither address nor code may be logged: `Debug` of a [`Mail`] shows neither.
#[async_trait]
pub trait Mailer: fmt::Debug + Send + Sync + 'static {
    /// Sends a mail.
    async fn send(&self, mail: Mail) -> Result<(), MailError>;
}

/// A mail, before it has words.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Mail {
    /// Somebody is invited to the server.
    Invite(InviteMail),
}

/// What an invite says.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InviteMail {
    /// The address, without control characters.
    pub to: String,
    /// Who that is, as the inviter says.
    pub name: Option<String>,
    /// The inviter's display name.
    pub inviter: Option<String>,
    /// What to give when signing up.
    pub code: String,
    /// When the code runs out.
    pub expires_at: Timestamp,
}

impl InviteMail {
    /// Makes an invite's mail without names.
    pub fn new(to: String, code: String, expires_at: Timestamp) -> Self {
        Self { to, name: None, inviter: None, code, expires_at }
    }
}

impl fmt::Debug for InviteMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InviteMail(until {})", self.expires_at)
    }
}
