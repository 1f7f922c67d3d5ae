//! Whether requests would succeed now.

use super::chat::Chat;
use crate::proto::{ReadyParams, SessionId, VERSION, VersionParams};
use crate::seam::keys::KeyErrorKind;
use crate::time::Instant;
use parking_lot::Mutex;
use std::time::Duration;
use uuid::Uuid;

/// How long store and keys may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer is repeated: anybody may ask, and nobody may keep the store busy with it.
const FRESH: Duration = Duration::from_secs(1);

const OK: &str = "ok";
const UNAVAILABLE: &str = "unavailable";

/// The last answer, and when it was looked for.
#[derive(Debug, Default)]
pub(super) struct LastReady(Mutex<Option<(Instant, ReadyParams)>>);

impl Chat {
    /// Looks whether requests would succeed now: asks the store and the keys, at most once a second. Details are in the
    /// log; this says only which part it is.
    pub async fn readiness(&self) -> ReadyParams {
        let inner = &self.0;
        let now = inner.env.monotonic();
        let last = {
            let mut last = inner.ready.0.lock();
            match &mut *last {
                Some((at, answer)) if now.since(*at) < FRESH => Some(answer.clone()),
                Some((at, _)) => {
                    // Whoever asks meanwhile gets the answer from before.
                    *at = now;
                    None
                }
                None => None,
            }
        };
        let known = match last {
            Some(known) => known,
            None => {
                let found = self.look().await;
                *inner.ready.0.lock() = Some((now, found.clone()));
                found
            }
        };
        // A server that stops says so at once.
        let serving = !inner.closing.is_closed();
        let all = serving && [&known.store, &known.writes, &known.keys].iter().all(|part| *part == OK);
        ReadyParams { status: word(all), serving: word(serving), ..known }
    }

    /// Returns what runs here.
    pub fn version(&self) -> VersionParams {
        VersionParams { ver: VERSION.to_owned(), build: self.0.build.to_string() }
    }

    async fn look(&self) -> ReadyParams {
        let inner = &self.0;
        let trouble = inner.store.trouble();
        if let Some(trouble) = &trouble {
            tracing::warn!(%trouble, "not ready: the store refuses writes");
        }
        // Nobody's: what matters is that there is an answer.
        let store = tokio::time::timeout(PATIENCE, inner.store.session(SessionId(Uuid::nil())));
        let keys = tokio::time::timeout(PATIENCE, inner.keys.user(Uuid::nil()));
        let (store, keys) = tokio::join!(store, keys);
        let store = match store {
            Ok(Ok(_)) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "not ready: the store can't be read");
                false
            }
            Err(_) => {
                tracing::warn!("not ready: the store does not answer");
                false
            }
        };
        let keys = match keys {
            Ok(Ok(_)) => true,
            Ok(Err(error)) if error.kind() == KeyErrorKind::Missing => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "not ready: the keys can't be read");
                false
            }
            Err(_) => {
                tracing::warn!("not ready: the keys don't answer");
                false
            }
        };
        ReadyParams {
            status: String::new(),
            store: word(store),
            writes: word(trouble.is_none()),
            keys: word(keys),
            serving: String::new(),
        }
    }
}

fn word(fine: bool) -> String {
    if fine { OK } else { UNAVAILABLE }.to_owned()
}
