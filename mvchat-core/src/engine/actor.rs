//! The host and its bots, speaking in process.

use super::audited::Audited;
use super::chat::Chat;
use super::dispatch::{Ctx, Measured};
use super::underway::Going;
use crate::error::{Error, ErrorKind, Result};
use crate::proto::{Command, ConvId, Json, MessageParams, Reply, ReplyParams, SendMessage, UserId};
use crate::seam::fold;
use tracing::Instrument;

/// A user whom the host vouches for: see [`Chat::act_as`].
#[derive(Clone, Debug)]
pub struct Actor {
    pub(super) chat: Chat,
    pub(super) user: UserId,
}

impl Chat {
    /// Speaks for a user, with the same checks and the same log as a connection.
    pub fn act_as(&self, user: UserId) -> Actor {
        Actor { chat: self.clone(), user }
    }

    /// Returns the user who logs in by this name, in any case of letters.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn user_named(&self, name: &str) -> Result<Option<UserId>> {
        let found = self.0.store.credential("basic", &fold(name)).await?;
        Ok(found.map(|credential| credential.user))
    }

    /// Makes an account that only the host can open, for a user of its own; does nothing if it is there.
    /// Returns whether it is new.
    ///
    /// # Errors
    /// `Unavailable`, `Internal`.
    pub async fn add_user(&self, user: UserId, public: Option<Json>) -> Result<bool> {
        self.0.add_user(user, public).await
    }
}

impl Actor {
    /// Returns for whom it speaks.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// Sends a message: Irido, or a JSON string.
    ///
    /// # Errors
    /// As the command `send`: `InvalidContent`, `NotMember`, `Blocked` …
    pub async fn send(&self, conv: ConvId, content: Json) -> Result<MessageParams> {
        self.send_message(SendMessage::new(conv, content)).await
    }

    /// Sends a message with options.
    ///
    /// # Errors
    /// As the command `send`.
    pub async fn send_message(&self, message: SendMessage) -> Result<MessageParams> {
        match self.execute(Command::Send(message)).await?.params {
            ReplyParams::Message(params) => Ok(*params),
            _ => Err(ErrorKind::Internal.into()),
        }
    }

    /// Carries out any command of a logged-in user.
    ///
    /// # Errors
    /// As the command; `Unsupported` for those that belong to a connection; `NotFound` for a user who is not there,
    /// `Forbidden` for one who is suspended.
    pub async fn execute(&self, command: Command) -> Result<Reply> {
        let inner = self.chat.0.clone();
        // Counted before it is let in: else a drain could end in between.
        let _token = inner.closing.commands.token();
        inner.closing.admit()?;
        let going = Going::begin(&inner, self.user);
        let audited = Audited::of_host(&inner, self.user, &command);
        let measured = Measured::begin(&command, None);
        let span = measured.span();
        let user = self.user;
        let work = async move {
            let result = match inner.check_hosted(user, inner.asks_anew(&command)).await {
                Ok(warrant) => {
                    let inner = inner.clone();
                    let ctx = Ctx { inner, going, user, identity: None, warrant, origin: None, turn: None };
                    ctx.execute(command).await
                }
                Err(error) => Err(error),
            };
            audited.told(&inner, &result, None);
            measured.told(&inner.counts, &result);
            result
        };
        // In a task of its own: whoever stops waiting does not stop what was begun.
        let work = self.chat.0.closing.commands.spawn(Box::pin(work).instrument(span));
        work.await.unwrap_or_else(|error| Err(Error::from(ErrorKind::Internal).with_source(error)))
    }
}
