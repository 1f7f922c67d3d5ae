//! What nodes on one store tell each other without keeping it.

use async_trait::async_trait;
use bytes::Bytes;
use std::fmt;

/// The most bytes of a message on a bus.
pub const MAX_BUS_MESSAGE: usize = 7_000;

/// A node's way to tell all other nodes on the same store something at once: who is here, who is writing, how far
/// somebody has read, that a session is over.
///
/// What is said on a bus is a hint, in the engine's own words, which hold ids and numbers and never content. A bus may
/// lose messages, double them and bring them out of order: the engine numbers what it says, notices what is missing,
/// and asks the store or the other node. Of a bus that never brings anything, presence, typing and marks of other nodes
/// are missing, and what is over on one node is noticed on the others a second later.
///
/// # Contract
/// * What is said is heard by every other handle that is there, while nothing is broken (law `what_is_said_is_heard`),
///   whole and byte for byte up to [`MAX_BUS_MESSAGE`] (law `messages_arrive_whole`), and from one sender mostly in
///   its order (law `one_senders_messages_keep_their_order`).
/// * Saying never waits and never fails, whoever listens or not (law `saying_never_waits`).
/// * What waits to be said or heard is bounded, and what is too much is dropped; afterwards all is as before (law
///   `after_a_flood_messages_arrive_again`). A listener who was too slow, or was cut off from others for more than five
///   seconds, is told so by [`Heard::Lost`]: of a node that began and ended meanwhile, nothing else would tell.
/// * [`hear`](Bus::hear) may be dropped while it waits; nothing is lost by that (law `waiting_can_be_given_up`).
/// * A node may hear what it said itself, and what a node said to another network of nodes is not heard here.
#[async_trait]
pub trait Bus: fmt::Debug + Send + Sync + 'static {
    /// Says something to all other nodes.
    fn say(&self, message: Bytes);

    /// Waits for what comes next. Only one task of a node listens.
    async fn hear(&self) -> Heard;
}

/// What comes over a bus.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heard {
    /// A node said this.
    Message(Bytes),
    /// Something may have been said that will not be heard.
    Lost,
}
