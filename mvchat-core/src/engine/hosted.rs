//! Messages that the host commits together with rows of its own.

use super::actor::Actor;
use super::audited::Audited;
use super::chat::Chat;
use super::command::Sending;
use super::committer::{Decision, MAX_ROUNDS, busy};
use super::tail::Others;
use super::underway::Going;
use crate::error::{ErrorKind, Result};
use crate::policy::{Access, Conversation};
use crate::proto::{Command, MessageParams, SendMessage};
use crate::seam::{Change, Committed, OpenTransaction, Outcome, Store, Warrant};
use std::any::Any;
use std::fmt;
use std::sync::Arc;

impl Actor {
    /// Returns the store behind the chat, if it is of this type: for crates of stores that can write into transactions
    /// of the host.
    pub fn store<S: Store>(&self) -> Option<&S> {
        let store: &dyn Any = self.chat.0.store.as_ref();
        store.downcast_ref()
    }

    /// Writes a message into a transaction that the host has open, with the same checks as
    /// [`Actor::send_message`]: what is refused writes nothing and leaves the transaction as it was.
    ///
    /// The message is there when the transaction is committed, and never was if that is rolled back; until then its
    /// conversation is held, and other changes of it wait. What a message answers has to be committed. Dropping this
    /// call leaves in the transaction what it wrote: roll that back.
    ///
    /// # Errors
    /// As the command `send`; `Busy` if somebody else holds the conversation; `Unsupported` if the store is not
    /// [shared](Store::is_shared), because nobody would hear of a message that is not published.
    pub async fn send_within(
        &self,
        message: SendMessage,
        transaction: &mut dyn OpenTransaction,
    ) -> Result<Unpublished> {
        let inner = self.chat.0.clone();
        let _token = inner.closing.commands.token();
        inner.closing.admit()?;
        let going = Going::begin(&inner, self.user);
        let command = Command::Send(message);
        let audited = Audited::of_host(&inner, self.user, &command);
        let Command::Send(message) = command else { return Err(ErrorKind::Internal.into()) };
        let result = match inner.check_hosted(self.user, true).await {
            Ok(warrant) => self.write_within(message, warrant, transaction).await,
            Err(error) => Err(error),
        };
        audited.told(&inner, &result, None);
        drop(going);
        result
    }

    async fn write_within(
        &self,
        message: SendMessage,
        mut warrant: Option<Warrant>,
        transaction: &mut dyn OpenTransaction,
    ) -> Result<Unpublished> {
        let inner = &self.chat.0;
        if !inner.store.is_shared() {
            return Err(ErrorKind::Unsupported.into());
        }
        let mut sending: Sending = inner.ctx(self.user).prepare(message).await?;
        let conv = sending.conv;
        for _ in 0..MAX_ROUNDS {
            let known = inner.conversation(conv).await?;
            let now = inner.env.now();
            let access = Access::of(known.as_deref(), self.user, now, &inner.limits);
            let op = match access.and_then(|access| (sending.decide)(&access, None)) {
                Ok(Decision::Commit(op, _)) => op,
                Ok(Decision::Nothing) => return Err(ErrorKind::Internal.into()),
                Err(denied) => {
                    let before = inner.replayed(conv, self.user, sending.cid.as_ref()).await;
                    let sent = before.unwrap_or(Err(denied))?;
                    return Ok(self.unpublished(sending.replayed(sent), None));
                }
            };
            let Some(known) = known else { return Err(ErrorKind::NotMember.into()) };
            let change = Change { conv, actor: self.user, epoch: known.epoch, warrant, at: now, op };
            match transaction.write(&change).await? {
                Outcome::Done(committed) => {
                    let params = sending.sent(&committed);
                    return Ok(self.unpublished(params, Some((committed, known))));
                }
                Outcome::Replay(sent) => return Ok(self.unpublished(sending.replayed(sent), None)),
                Outcome::Stale { conv: Some(fresh), .. } => {
                    inner.convs.put(fresh);
                }
                Outcome::Unwarranted => warrant = inner.check_hosted(self.user, true).await?,
                refused => return Err(inner.refusal(refused)),
            }
        }
        Err(busy())
    }

    fn unpublished(
        &self,
        params: MessageParams,
        written: Option<(Committed, Arc<Conversation>)>,
    ) -> Unpublished {
        Unpublished { chat: self.chat.clone(), params, written }
    }
}

/// A message in a transaction of the host, to be published when that is committed.
///
/// Who forgets that, or dies before it, leaves it to the reading of the log: then members hear of the message a second
/// later.
#[must_use = "publish it after the transaction is committed: until then nobody is told"]
pub struct Unpublished {
    chat: Chat,
    params: MessageParams,
    /// Nothing if it had been sent before.
    written: Option<(Committed, Arc<Conversation>)>,
}

impl Unpublished {
    /// Returns what a sender learns of a message: its numbers and its time, and whether it had been sent before. They
    /// hold if the transaction is committed.
    pub fn params(&self) -> &MessageParams {
        &self.params
    }

    /// Returns what was written, unless it had been sent before.
    pub fn committed(&self) -> Option<&Committed> {
        self.written.as_ref().map(|(committed, _)| committed)
    }

    /// Tells the members. Never waits. Does nothing if the transaction was not committed, or the message had been sent
    /// before.
    pub fn publish(self) {
        if let Some((committed, conv)) = &self.written {
            let inner = &self.chat.0;
            inner.note_due(committed, conv);
            inner.committer.beside(Others::rumour(conv.id, committed.rev));
        }
    }
}

impl fmt::Debug for Unpublished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unpublished").field("params", &self.params).finish_non_exhaustive()
    }
}
