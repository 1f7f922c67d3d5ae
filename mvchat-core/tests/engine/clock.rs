//! A clock that can be put ahead.

use mvchat_core::Chat;
use mvchat_core::builtin::SystemEnv;
use mvchat_core::builtin::keys::Keys;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::proto::Limits;
use mvchat_core::seam::{Env, Store};
use mvchat_core::time::{Instant, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The system's clock, put ahead by some seconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    system: Arc<SystemEnv>,
    pub(crate) ahead: Arc<AtomicU64>,
}

impl Clock {
    pub(crate) fn advance(&self, seconds: u64) {
        self.ahead.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Env for Clock {
    fn now(&self) -> Timestamp {
        self.system.now() + Duration::from_secs(self.ahead.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Instant {
        self.system.monotonic()
    }

    fn fill(&self, buffer: &mut [u8]) {
        self.system.fill(buffer);
    }
}

/// A server whose clock can be put ahead.
pub(crate) async fn server_at(store: impl Store, clock: &Clock) -> Chat {
    restarted(store, clock, &Keys::ephemeral()).await
}

/// Another server with the same keys.
pub(crate) async fn restarted(store: impl Store, clock: &Clock, keys: &Keys) -> Chat {
    let mut limits = Limits::default();
    (limits.rate_limit_messages, limits.rate_limit_burst) = (100_000, 100_000);
    let builder = Chat::builder(store).limits(limits).env(clock.clone()).keys(keys.clone());
    builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap()
}
