//! Conversations that somebody else holds, such as a transaction of the host, and what waits for them.

use super::chat::Inner;
use super::committer::{Attempt, Concluded, MAX_QUEUE, Round, answer, busy};
use super::tail::Others;
use crate::proto::ConvId;
use crate::seam::{Outcome, StoreError, StoreErrorKind, StoreResult};
use futures_util::FutureExt;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// After this time a change does not wait once more for a conversation that somebody else holds: with the time that a
/// store waits this is less than a client waits for its answer.
pub(super) const LOCKED: Duration = Duration::from_secs(3);
/// How long to wait before several conversations are tried again. A single one stands in line for its holder.
const PAUSE: Duration = Duration::from_millis(10);

/// What waits in a shard for conversations that somebody else holds: tried again beside the shard, all of it in one
/// call, so that it holds up nobody else and has at most one connection of the store.
///
/// Whatever concerns such a conversation waits behind it, in its order: changes, and what others have committed.
#[derive(Default)]
pub(super) struct Locked {
    behind: BTreeMap<ConvId, Behind>,
    waiting: usize,
    /// One at most.
    trying: JoinSet<Tried>,
}

/// What waits for a conversation.
#[derive(Default)]
struct Behind {
    attempts: Vec<Attempt>,
    others: Option<Others>,
}

/// What became of what was tried again.
pub(super) type Tried = (Round, StoreResult<Vec<Outcome>>);

impl Locked {
    /// Waits for what is being tried; for ever if nothing is.
    pub(super) async fn tried(&mut self) -> Option<Tried> {
        match self.trying.join_next().await {
            // Whoever waits for what a panic took hears that nobody knows what became of it.
            Some(tried) => tried.ok(),
            None => std::future::pending().await,
        }
    }

    /// Takes changes for whose conversations somebody else has to be waited.
    pub(super) fn wait_for(&mut self, attempts: Vec<Attempt>) {
        self.waiting += attempts.len();
        for attempt in attempts {
            self.behind.entry(attempt.proposal.conv).or_default().attempts.push(attempt);
        }
    }

    /// Takes what has to wait behind a change of the same conversation; returns the rest.
    pub(super) fn keep_behind(&mut self, attempts: Vec<Attempt>) -> Vec<Attempt> {
        let mut free = Vec::with_capacity(attempts.len());
        for attempt in attempts {
            match self.behind.get_mut(&attempt.proposal.conv) {
                None => free.push(attempt),
                Some(_) if self.waiting >= MAX_QUEUE => answer(attempt.proposal, Err(busy())),
                Some(behind) => {
                    self.waiting += 1;
                    behind.attempts.push(attempt);
                }
            }
        }
        free
    }

    /// Takes what can't be told before a change that is being tried; returns the rest.
    pub(super) fn keep_others(&mut self, mut others: Vec<Others>) -> Vec<Others> {
        others.retain(|others| match self.behind.get_mut(&others.conv) {
            None => true,
            Some(behind) => {
                behind.others = Some(behind.others.take().map_or(*others, |known| known.and(*others)));
                false
            }
        });
        others
    }

    /// Begins to try again, if anything waits and nothing is being tried.
    pub(super) fn try_again(&mut self, inner: &Arc<Inner>) {
        if self.behind.is_empty() || !self.trying.is_empty() {
            return;
        }
        let attempts: Vec<Attempt> =
            self.behind.values_mut().flat_map(|behind| std::mem::take(&mut behind.attempts)).collect();
        self.waiting = 0;
        let (inner, alone) = (inner.clone(), self.behind.len() == 1);
        self.trying.spawn(async move {
            if !alone {
                tokio::time::sleep(PAUSE).await;
            }
            let (round, changes) = inner.decide_all(attempts).await;
            let (number, begun) = (changes.len(), Instant::now());
            let commit = async {
                match changes.is_empty() {
                    true => Ok(Vec::new()),
                    false if alone => inner.store.commit(changes).await,
                    false => inner.store.commit_free(changes).await,
                }
            };
            let panicked = |_| Err(StoreError::new(StoreErrorKind::Internal, "a commit panicked"));
            let outcomes = AssertUnwindSafe(commit).catch_unwind().await.unwrap_or_else(panicked);
            if number > 0 {
                inner.counts.commit(number, outcomes.as_deref().ok(), begun.elapsed());
            }
            let locked = |outcome: &Outcome| matches!(outcome, Outcome::Locked);
            if alone && outcomes.as_ref().is_ok_and(|outcomes| outcomes.iter().any(locked)) {
                // A store may not wait at all.
                tokio::time::sleep(PAUSE).await;
            }
            (round, outcomes)
        });
    }

    /// Returns what has come back: nothing, if a panic took it.
    pub(super) fn came_back(&mut self, tried: Option<Tried>) -> Tried {
        tried.unwrap_or_else(|| (Round::default(), Ok(Vec::new())))
    }

    /// Lets go of the conversations that nobody holds any more; returns what waited behind them, in its order.
    pub(super) fn release(&mut self, concluded: Concluded) -> (Vec<Attempt>, Vec<Others>) {
        let (mut free, mut others) = (Vec::new(), Vec::new());
        let mut before = std::mem::take(&mut self.behind);
        self.wait_for(concluded.locked);
        // What has to be decided again was before whatever came meanwhile.
        free.extend(self.keep_behind(concluded.again));
        for (conv, behind) in &mut before {
            if let Some(still) = self.behind.get_mut(conv) {
                still.attempts.append(&mut behind.attempts);
                still.others = behind.others;
            } else {
                self.waiting -= behind.attempts.len();
                free.append(&mut behind.attempts);
                others.extend(behind.others);
            }
        }
        (free, others)
    }
}
