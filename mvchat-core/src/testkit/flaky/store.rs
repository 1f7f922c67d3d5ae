//! A store that fails on demand.

use super::{Fault, Faults};
use crate::seam::{Change, Method, Outcome, Store, StoreError, StoreErrorKind, StoreResult, hand_on};

/// A store that meets faults before it carries a call out, or after.
///
/// A fault after the call is the one that tells careful callers from the others: the write happened, and the
/// caller is told that it is not known whether it did.
#[derive(Clone, Debug)]
pub struct Flaky<S> {
    inner: S,
    faults: Faults,
}

impl<S> Flaky<S> {
    /// Wraps a store; `faults` says which calls fail, and clones of it go on doing so from outside.
    pub fn new(inner: S, faults: Faults) -> Self {
        Self { inner, faults }
    }

    /// Returns the store within, which never fails.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// Returns what decides on the faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    async fn meet<T>(&self, method: Method, call: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
        let fault = self.faults.next(method);
        match fault {
            Some(Fault::Before) => return Err(unavailable("a fault before the call")),
            Some(Fault::Delay(yields)) => {
                for _ in 0..yields {
                    tokio::task::yield_now().await;
                }
            }
            Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
            _ => {}
        }
        self.alive().await;
        let answer = call.await;
        match fault {
            Some(Fault::After) => {
                answer?;
                return Err(unavailable("a fault after the call"));
            }
            Some(Fault::Late(time)) => tokio::time::sleep(time).await,
            _ => {}
        }
        self.alive().await;
        answer
    }

    /// Never goes on in a process that was killed.
    async fn alive(&self) {
        if self.faults.is_dead() {
            std::future::pending::<()>().await;
        }
    }
}

fn unavailable(why: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, why)
}

impl<S: Store> Flaky<S> {
    /// Returns which changes are of conversations that are held, and the others.
    fn without_held(&self, changes: Vec<Change>) -> (Vec<bool>, Vec<Change>) {
        let held: Vec<bool> = changes.iter().map(|change| self.faults.is_held(change.conv)).collect();
        let free = changes.into_iter().zip(&held).filter(|(_, held)| !**held).map(|(change, _)| change);
        let free = free.collect();
        (held, free)
    }

    async fn commit_by(&self, method: Method, changes: Vec<Change>) -> StoreResult<Vec<Outcome>> {
        let (held, free) = self.without_held(changes);
        let outcomes = match method {
            // The same faults, whichever way the engine commits.
            Method::CommitFree => self.meet(Method::Commit, self.inner.commit_free(free)).await?,
            _ => self.meet(Method::Commit, self.inner.commit(free)).await?,
        };
        Ok(with_held(held, outcomes))
    }
}

/// Puts the outcomes of the others between those of what is held.
fn with_held(held: Vec<bool>, outcomes: Vec<Outcome>) -> Vec<Outcome> {
    let mut outcomes = outcomes.into_iter();
    let outcome = |held| if held { Some(Outcome::Locked) } else { outcomes.next() };
    held.into_iter().filter_map(outcome).collect()
}

hand_on!([S: Store] Flaky<S>, to inner, through meet, commits through commit_by);
