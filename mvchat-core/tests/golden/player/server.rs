//! The server under test, with a clock that the scenario sets.

use crate::door::Door;
use async_trait::async_trait;
use mvchat_core::builtin::keys::{MemoryVault, Ring};
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::builtin::{MemoryStore, SystemEnv};
use mvchat_core::proto::Limits;
use mvchat_core::seam::Env;
use mvchat_core::seam::audit::{AuditError, AuditEvent, AuditSink};
use mvchat_core::seam::keys::{
    KeyError, KeyProvider, SecretKey, TokenKey, TokenKeyState, TokenKeys, WrappedKey,
};
use mvchat_core::testkit::Wire;
use mvchat_core::time::{Instant, Timestamp};
use mvchat_core::{Chat, Keys};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// When the clock starts: any instant will do.
const START: i64 = 1_767_830_400_000_000;

pub(crate) struct Server {
    door: Box<dyn Door>,
    pub(crate) clock: Clock,
    pub(crate) token_key: SecretKey,
}

impl Server {
    /// Starts a server with the limits of the original, which is reached through `D`.
    pub(crate) async fn start<D: Door>() -> Self {
        Self::start_with::<D>(Limits::mvchat2(), None).await
    }

    /// Starts a server with refresh tokens, if access tokens are good for some time only.
    pub(crate) async fn start_with<D: Door>(limits: Limits, access: Option<Duration>) -> Self {
        let clock = Clock::new();
        let token_key = SecretKey::from_slice(&[7; 32]).unwrap_or_else(|_| SecretKey::generate().unwrap());
        let provider = Provider { ring: Ring::ephemeral().unwrap(), token_key: token_key.clone() };
        let builder = Chat::builder(MemoryStore::default())
            .keys(Keys::new(provider, MemoryVault::default()))
            .env(clock.clone())
            .limits(limits)
            .passwords(PasswordParams::insecurely_fast())
            .audit(Nowhere)
            .build_name("dev");
        let builder = access.into_iter().fold(builder, |builder, access| builder.refresh_tokens(access));
        let door = D::open(builder.build().await.unwrap()).await;
        Self { door: Box::new(door), clock, token_key }
    }

    pub(crate) async fn connect(&self, path: &str) -> Wire {
        self.door.connect(path).await
    }
}

/// The runtime's paused clock; the wall clock can be ahead of it.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    system: Arc<SystemEnv>,
    ahead: Arc<AtomicI64>,
}

impl Clock {
    fn new() -> Self {
        Self { system: Arc::new(SystemEnv::default()), ahead: Arc::default() }
    }

    /// Puts the wall clock so many seconds ahead.
    pub(crate) fn set_ahead(&self, seconds: i64) {
        self.ahead.store(seconds * 1_000_000, Ordering::Relaxed);
    }
}

impl Env for Clock {
    fn now(&self) -> Timestamp {
        let since = i64::try_from(self.monotonic().0).unwrap() * 1_000;
        Timestamp::from_micros(START + since + self.ahead.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Instant {
        self.system.monotonic()
    }

    fn fill(&self, buffer: &mut [u8]) {
        self.system.fill(buffer);
    }
}

/// Takes every event: without a sink reports are refused.
#[derive(Debug)]
struct Nowhere;

#[async_trait]
impl AuditSink for Nowhere {
    async fn write(&self, _: &[AuditEvent]) -> Result<(), AuditError> {
        Ok(())
    }
}

/// A ring whose signing key the test knows, so that it can make tokens that the server would never make.
struct Provider {
    ring: Ring,
    token_key: SecretKey,
}

/// The name of the signing key.
pub(crate) const KID: &str = "golden";

#[async_trait]
impl KeyProvider for Provider {
    async fn wrap(&self, user: Uuid, generation: u32, key: &SecretKey) -> Result<WrappedKey, KeyError> {
        self.ring.wrap(user, generation, key).await
    }

    async fn unwrap(&self, user: Uuid, wrapped: &WrappedKey) -> Result<SecretKey, KeyError> {
        self.ring.unwrap(user, wrapped).await
    }

    fn current(&self) -> String {
        self.ring.current()
    }

    fn secret(&self, purpose: &str) -> SecretKey {
        self.ring.secret(purpose)
    }

    fn token_keys(&self) -> TokenKeys {
        TokenKeys::new(vec![TokenKey::new(KID, self.token_key.clone(), TokenKeyState::Active)]).unwrap()
    }
}
