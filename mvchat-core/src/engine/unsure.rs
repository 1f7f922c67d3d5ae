//! Private changes of which nobody knows whether they happened.

use super::chat::Inner;
use super::nodes::Hint;
use crate::error::Result;
use crate::proto::UserId;
use crate::seam::{StoreErrorKind, StoreResult};
use crate::session::Ended;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How long to wait before the store is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// The users of whom something private may have changed that their connections were not told.
#[derive(Debug, Default)]
pub(super) struct Unsure {
    users: Mutex<BTreeSet<UserId>>,
}

impl Inner {
    /// Carries out a change of what a user keeps for themself.
    ///
    /// One that fails says nothing about what was written. As soon as the store answers again, the user's connections
    /// are closed to catch up, because a device that is not told of an `own` shows the old state until it is told of
    /// the next.
    pub(super) async fn privately<T>(
        self: &Arc<Self>,
        user: UserId,
        change: impl Future<Output = StoreResult<T>>,
    ) -> Result<T> {
        let changed = change.await;
        let unknown = |kind| matches!(kind, StoreErrorKind::Unavailable | StoreErrorKind::Internal);
        if changed.as_ref().is_err_and(|error| unknown(error.kind())) && self.unsure.users.lock().insert(user)
        {
            let inner = Arc::downgrade(self);
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(PAUSE).await;
                    let Some(inner) = inner.upgrade() else { return };
                    if inner.store.position().await.is_ok() {
                        // What fails from here on begins anew.
                        inner.unsure.users.lock().remove(&user);
                        inner.hub.end_all(user, Ended::Overflow, None);
                        inner.nodes.say(Hint::Resync(user));
                        return;
                    }
                }
            });
        }
        Ok(changed?)
    }
}
