//! What users have under way, so that whoever shuts one out can wait for the rest of it.

use super::chat::Inner;
use crate::proto::UserId;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// The number of commands of each user that are not done.
#[derive(Debug, Default)]
pub(super) struct Underway {
    counts: Mutex<HashMap<UserId, u32>>,
    /// Rings when one of the counts has come to nothing.
    done: Notify,
}

/// Something that a user has under way, until it is dropped: held by the command, and by the change that it submitted.
pub(super) struct Going {
    inner: Arc<Inner>,
    user: UserId,
    /// A drain waits for it, too: what was answered with 503 may still be written.
    _tracked: TaskTrackerToken,
}

impl Going {
    /// Counts something. Whoever counts before looking whether the user may is seen by whoever forbids before waiting.
    pub(super) fn begin(inner: &Arc<Inner>, user: UserId) -> Arc<Self> {
        *inner.underway.counts.lock().entry(user).or_default() += 1;
        let tracked = inner.closing.commands.token();
        Arc::new(Self { inner: inner.clone(), user, _tracked: tracked })
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        let mut counts = self.inner.underway.counts.lock();
        if let Some(count) = counts.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.user);
                drop(counts);
                self.inner.underway.done.notify_waiters();
            }
        }
    }
}

impl Underway {
    /// Waits until a user has nothing under way.
    pub(super) async fn settle(&self, user: UserId) {
        loop {
            let done = self.done.notified();
            if !self.counts.lock().contains_key(&user) {
                return;
            }
            done.await;
        }
    }
}
