//! The only way in for shared changes: decided, committed and published by one task for each shard of
//! conversations, in the order in which they were submitted.

use super::chat::Inner;
use super::fanout::Publish;
use super::hub::Origin;
use crate::error::{Error, ErrorKind, Result};
use crate::policy::{Access, Conversation, Message, Print};
use crate::proto::{ConvId, Seq, UserId};
use crate::seam::{Change, Committed, Op, Outcome, Sent};
use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// The most changes of a batch, and of a shard's queue.
const MAX_BATCH: usize = 512;
const MAX_QUEUE: usize = 4_096;
/// How often a change is decided again on fresher state.
const MAX_ROUNDS: u8 = 16;
/// When a client should try again after a change found no quiet moment.
const RETRY_BUSY: Duration = Duration::from_millis(100);

/// Decides on the newest state that is known; run again when that turns out to be stale.
pub(super) type Decide = Box<dyn FnMut(&Access<'_>, Option<&Message>) -> Result<Decision> + Send + Sync>;

/// What was decided.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "moved once and never kept")]
pub(super) enum Decision {
    /// Write this, then tell this.
    Commit(Op, Publish),
    /// There is nothing to do.
    Nothing,
}

/// What became of a proposal.
#[derive(Debug)]
pub(super) enum Settled {
    /// It was written and told to so many connections of others.
    Committed(Committed, u32),
    /// It had been written before.
    Replay(Sent),
    /// There was nothing to do; the message as it was found.
    Unchanged(Option<Message>),
}

impl Settled {
    /// Returns the change, if there was one.
    pub(super) fn committed(&self) -> Option<&Committed> {
        match self {
            Self::Committed(committed, _) => Some(committed),
            _ => None,
        }
    }
}

/// A change that somebody wants.
pub(super) struct Proposal {
    pub(super) conv: ConvId,
    pub(super) actor: UserId,
    pub(super) origin: Option<Origin>,
    /// The message that it is about, and as it was when it was loaded.
    pub(super) target: Option<Seq>,
    pub(super) message: Option<Message>,
    pub(super) cid: Option<(String, Print)>,
    pub(super) decide: Decide,
    pub(super) answer: oneshot::Sender<Result<Settled>>,
}

impl fmt::Debug for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proposal({})", self.conv)
    }
}

/// The queues of the shards.
#[derive(Debug)]
pub(super) struct Committer {
    shards: Vec<mpsc::Sender<Proposal>>,
}

/// One shard before it runs.
pub(super) struct Shard {
    queue: mpsc::Receiver<Proposal>,
}

struct Attempt {
    proposal: Proposal,
    rounds: u8,
}

impl Committer {
    pub(super) fn new(shards: usize) -> (Self, Vec<Shard>) {
        let (senders, receivers) =
            (0..shards).map(|_| mpsc::channel(MAX_QUEUE)).unzip::<_, _, Vec<_>, Vec<_>>();
        (Self { shards: senders }, receivers.into_iter().map(|queue| Shard { queue }).collect())
    }

    /// Queues a proposal; its place in the order is fixed when this returns.
    pub(super) async fn submit(&self, proposal: Proposal) -> Result<()> {
        let shard = usize::from(proposal.conv.0.as_bytes()[15]) % self.shards.len();
        self.shards[shard].send(proposal).await.map_err(|_| ErrorKind::Unavailable.into())
    }
}

impl Shard {
    /// Runs the shard until the engine is dropped.
    pub(super) fn spawn(self, inner: &Arc<Inner>) {
        tokio::spawn(self.run(Arc::downgrade(inner)));
    }

    async fn run(mut self, inner: Weak<Inner>) {
        let mut batch = Vec::new();
        // Natural batching: whatever came while the last batch was written is the next one.
        while self.queue.recv_many(&mut batch, MAX_BATCH).await > 0 {
            let Some(inner) = inner.upgrade() else { return };
            let mut pending: Vec<_> =
                batch.drain(..).map(|proposal| Attempt { proposal, rounds: 0 }).collect();
            while !pending.is_empty() {
                pending = inner.round(pending).await;
            }
            inner.hub.ring();
        }
    }
}

impl Inner {
    /// Decides and commits once; returns what has to be decided again, in the same order.
    async fn round(self: &Arc<Self>, attempts: Vec<Attempt>) -> Vec<Attempt> {
        let (mut again, mut changes, mut decided) = (Vec::new(), Vec::new(), Vec::new());
        let mut targets = BTreeSet::new();
        for mut attempt in attempts {
            let proposal = &mut attempt.proposal;
            // Two changes of one message can't both be decided on the same state of it.
            if proposal.target.is_some_and(|seq| !targets.insert((proposal.conv, seq))) {
                again.push(attempt);
                continue;
            }
            match self.decide(proposal).await {
                Ok((change, publish)) => {
                    changes.push(change);
                    decided.push((attempt, publish));
                }
                Err(settled) => answer(attempt.proposal, settled),
            }
        }
        if changes.is_empty() {
            return again;
        }
        let outcomes = match self.store.commit(changes).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                let error = Error::from(error);
                tracing::error!(error = ?error, "a batch could not be committed");
                for (attempt, _) in decided {
                    answer(attempt.proposal, Err(error.clone()));
                }
                return again;
            }
        };
        let mut stale = Vec::new();
        for ((mut attempt, publish), outcome) in decided.into_iter().zip(outcomes) {
            let settled = match outcome {
                Outcome::Done(committed) => {
                    let reached = self.publish(&attempt.proposal, publish, &committed).await;
                    Ok(Settled::Committed(committed, reached))
                }
                Outcome::Replay(sent) => Ok(Settled::Replay(sent)),
                Outcome::CidReused => Err(ErrorKind::CidReused.into()),
                Outcome::Rejected(error) => Err(error.into()),
                Outcome::Stale { conv: None, .. } => Err(ErrorKind::NotMember.into()),
                Outcome::Stale { conv: Some(conv), message } => {
                    self.convs.put(conv);
                    attempt.proposal.message = message;
                    attempt.rounds += 1;
                    if attempt.rounds < MAX_ROUNDS {
                        stale.push(attempt);
                        continue;
                    }
                    Err(Error::from(ErrorKind::Busy).retry_after(RETRY_BUSY))
                }
            };
            answer(attempt.proposal, settled);
        }
        stale.append(&mut again);
        stale
    }

    /// Loads what is not at hand and decides.
    async fn decide(&self, proposal: &mut Proposal) -> Result<(Change, Publish), Result<Settled>> {
        let conv = self.conversation(proposal.conv).await.map_err(Err)?;
        let now = self.env.now();
        let decision = Access::of(conv.as_deref(), proposal.actor, now, &self.limits).and_then(|access| {
            let decide = AssertUnwindSafe(|| (proposal.decide)(&access, proposal.message.as_ref()));
            catch_unwind(decide).unwrap_or_else(|_| Err(ErrorKind::Internal.into()))
        });
        match (decision, conv) {
            (Ok(Decision::Commit(op, publish)), Some(conv)) => {
                let (conv, epoch) = (conv.id, conv.epoch);
                Ok((Change { conv, actor: proposal.actor, epoch, at: now, op }, publish))
            }
            (Ok(_), _) => Err(Ok(Settled::Unchanged(proposal.message.take()))),
            (Err(denied), _) => Err(self.replayed(proposal).await.unwrap_or(Err(denied))),
        }
    }

    /// Looks whether what is denied now was done before, when it was allowed.
    async fn replayed(&self, proposal: &Proposal) -> Option<Result<Settled>> {
        let (cid, print) = proposal.cid.as_ref().filter(|_| proposal.target.is_none())?;
        match self.store.sent(proposal.conv, proposal.actor, cid).await {
            Ok(None) => None,
            Ok(Some(sent)) if sent.print.is_none_or(|known| known == *print) => {
                Some(Ok(Settled::Replay(sent)))
            }
            Ok(Some(_)) => Some(Err(ErrorKind::CidReused.into())),
            Err(error) => Some(Err(error.into())),
        }
    }

    /// Remembers what changed and tells everybody, in the order of the commits.
    async fn publish(self: &Arc<Self>, proposal: &Proposal, publish: Publish, committed: &Committed) -> u32 {
        let conv: Option<Arc<Conversation>> = match &committed.conv {
            Some(conv) => Some(self.convs.put(conv.clone())),
            // What was decided on is at hand, or was pushed out by others since.
            None => self.conversation(proposal.conv).await.ok().flatten(),
        };
        match conv {
            Some(conv) => self.fan_out(&conv, proposal, publish, committed).await,
            None => 0,
        }
    }
}

fn answer(proposal: Proposal, settled: Result<Settled>) {
    // Whoever asked may be gone; the change is done all the same.
    drop(proposal.answer.send(settled));
}
