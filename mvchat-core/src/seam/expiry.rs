//! What disappears by itself.

use super::StoreResult;
use crate::policy::Message;
use crate::proto::{ConvId, Own, Seq, UserId};
use crate::time::Timestamp;
use async_trait::async_trait;

/// The times at which messages expire.
///
/// A store reads no clock: it notes when something expires, and carries that out when it is told the time. The engine
/// does so before every read.
///
/// # Contract
/// * A read mark that moves over a message of somebody else starts the time of that message for this reader, if the
///   message can be seen once or the conversation's messages disappear; what was read before that was switched on
///   stays (laws `reading_starts_the_time`, `what_was_read_before_stays`).
/// * When its time is over, the message is hidden from the reader, as by
///   [`hide`](super::ConversationStore::hide), with one `own` for all that is hidden from one reader by one entry; never
///   from its sender (laws `what_has_expired_is_hidden_from_its_reader`, `nothing_expires_for_its_sender`).
/// * A message that is hidden from all active members but its sender, or cleared by them, and has expired for at
///   least one, is spent; so is one whose own time is over, or that its conversation does not keep any longer (laws
///   `what_nobody_else_can_read_is_spent`, `a_message_can_have_an_end`, `a_conversation_keeps_no_longer`).
/// * What is spent is named in every call until it is a tombstone (law `the_spent_are_named_until_they_are_gone`).
/// * A call does not do more than it is asked to, and the next one goes on (law `expiry_goes_in_steps`).
/// * Times survive reopening (law `times_survive_reopening`).
/// * What a conversation that has ended held is erased step by step (law `an_ended_conversation_is_erased`).
#[async_trait]
pub trait ExpiryStore {
    /// Carries out what is due, looking at no more than about `limit` messages.
    async fn expire(&self, now: Timestamp, limit: usize) -> StoreResult<Expired>;
}

/// What [`expire`](ExpiryStore::expire) came to.
#[derive(Clone, Debug, Default)]
pub struct Expired {
    /// What was hidden, by reader; without readers who are no active members any more.
    pub hidden: Vec<ExpiredFor>,
    /// Live messages that have expired for everybody.
    pub spent: Vec<(ConvId, Message)>,
    /// Something is still due.
    pub more: bool,
    /// When something will be due next.
    pub next: Option<Timestamp>,
}

/// What has expired for one reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredFor {
    /// The reader.
    pub user: UserId,
    /// The conversation.
    pub conv: ConvId,
    /// The reader's count of private changes.
    pub own: Own,
    /// The messages, ascending.
    pub seqs: Vec<Seq>,
}
