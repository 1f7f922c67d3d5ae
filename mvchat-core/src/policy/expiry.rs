//! How long messages live.

use super::{ConvSettings, Message, MessageBody, MessageState};
use crate::time::Timestamp;
use std::time::Duration;

/// How long a message that can be seen once can be seen when it does not say so, in seconds.
pub const DEFAULT_VIEW_ONCE: u32 = 10;

/// Decides for how many seconds a reader can see a message that can be seen once.
pub fn once_for(seconds: Option<u32>) -> u32 {
    seconds.unwrap_or(DEFAULT_VIEW_ONCE)
}

/// Decides when a message that was read at some time expires for that reader; `None` if it does not. What a message
/// says itself comes before what its conversation says.
pub fn read_until(view_once: Option<Option<u32>>, ttl: Option<u32>, read: Timestamp) -> Option<Timestamp> {
    view_once.map(once_for).or(ttl).map(|seconds| after(read, seconds))
}

/// Decides when the conversation does not keep a message any longer.
pub fn kept_until(settings: &ConvSettings, sent: Timestamp) -> Option<Timestamp> {
    settings.retention.map(|seconds| after(sent, seconds))
}

/// Returns what becomes of a message that has expired for everybody; `None` if nothing is left to expire.
pub fn expired(message: &Message) -> Option<MessageBody> {
    let live = message.body.state == MessageState::Live;
    live.then(|| MessageBody::tombstone(MessageState::Expired))
}

fn after(at: Timestamp, seconds: u32) -> Timestamp {
    at + Duration::from_secs(seconds.into())
}
