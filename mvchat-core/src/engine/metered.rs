//! The store with a stop watch: every call is timed and counted.
//!
//! Stores are measured here, once for all of them, so that a store needs to know nothing of it.

use super::metrics::{Counts, store_error_name};
use super::spans;
use crate::seam::{Change, Method, Outcome, Store, StoreResult, hand_on};
use std::any::Any;
use std::sync::Arc;
use tokio::time::Instant;
use tracing::Instrument;

/// A store whose calls are counted.
#[derive(Clone, Debug)]
pub(super) struct Metered {
    store: Arc<dyn Store>,
    counts: Arc<Counts>,
}

impl Metered {
    /// Wraps a store.
    pub(super) fn new(store: Arc<dyn Store>, counts: Arc<Counts>) -> Self {
        Self { store, counts }
    }

    /// Returns the store that is measured.
    pub(super) fn within(&self) -> &dyn Any {
        self.store.as_ref()
    }

    async fn call<T>(&self, method: Method, work: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
        let begun = Instant::now();
        let span = spans::store(method);
        let answer = work.instrument(span.clone()).await;
        let error = answer.as_ref().err().map(|error| error.kind());
        if let Some(kind) = error {
            span.record("error", store_error_name(kind));
        }
        self.counts.store(method, error, begun.elapsed());
        answer
    }

    async fn commit_by(&self, method: Method, changes: Vec<Change>) -> StoreResult<Vec<Outcome>> {
        match method {
            Method::CommitFree => self.call(method, self.store.commit_free(changes)).await,
            _ => self.call(method, self.store.commit(changes)).await,
        }
    }
}

hand_on!([] Metered, to store, through call, commits through commit_by);
