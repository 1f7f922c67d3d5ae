//! The only way in for shared changes: decided, committed and published by one task for each shard of
//! conversations, in the order in which they were submitted.

use super::chat::Inner;
use super::doubts::Doubts;
use super::fanout::Publish;
use super::hub::Origin;
use super::locked::{LOCKED, Locked};
use super::spans;
use super::system;
use super::tail::{Others, Told};
use super::underway::Going;
use crate::error::{Error, ErrorKind, Result};
use crate::policy::{self, Access, Conversation, Message, MessageState, Print};
use crate::proto::{ConnId, ConvId, MsgId, Rev, Seq, UserId};
use crate::seam::{Change, Committed, Op, Outcome, Sent, StoreResult, Warrant};
use futures_util::FutureExt;
use futures_util::future::join_all;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

/// The most changes of a batch, and of a shard's queue.
const MAX_BATCH: usize = 512;
pub(super) const MAX_QUEUE: usize = 4_096;
/// How often a change is decided again on fresher state.
pub(super) const MAX_ROUNDS: u8 = 16;
/// When a client should try again after a change found no quiet moment.
const RETRY_BUSY: Duration = Duration::from_millis(100);

/// Decides on the newest state that is known; run again when that turns out to be stale.
pub(super) enum Decide {
    /// For an active member; others are turned away at the gate.
    Member(AsMember),
    /// For one who is not in the conversation yet.
    Anyone(AsAnyone),
    /// For the server itself.
    System(AsSystem),
}

pub(super) type AsMember = Box<dyn FnMut(&Access<'_>, Option<&Message>) -> Result<Decision> + Send + Sync>;
pub(super) type AsAnyone = Box<dyn FnMut(&Conversation) -> Result<Decision> + Send + Sync>;

pub(super) type AsSystem = Box<dyn FnMut(&Conversation, Option<&Message>) -> Result<Decision> + Send + Sync>;

/// Who does what the server does of itself.
pub(super) const NOBODY: UserId = UserId(Uuid::nil());

impl<F> From<Box<F>> for Decide
where
    F: FnMut(&Access<'_>, Option<&Message>) -> Result<Decision> + Send + Sync + 'static,
{
    fn from(decide: Box<F>) -> Self {
        Self::Member(decide)
    }
}

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
    /// What the actor's right to ask was decided on.
    pub(super) warrant: Option<Warrant>,
    pub(super) origin: Option<Origin>,
    /// Held until it is settled; nobody has under way what the server does of itself.
    pub(super) _going: Option<Arc<Going>>,
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

/// What a shard does, in the order in which it comes.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "most of it are proposals")]
enum Work {
    Proposal(Proposal),
    /// Tells what other nodes have committed.
    Others(Others),
}

/// The queues of the shards.
#[derive(Debug)]
pub(super) struct Committer {
    shards: Vec<mpsc::Sender<Work>>,
}

/// One shard before it runs.
pub(super) struct Shard {
    queue: mpsc::Receiver<Work>,
    doubts: Doubts,
    told: Told,
    locked: Locked,
}

pub(super) struct Attempt {
    pub(super) proposal: Proposal,
    rounds: u8,
    /// Since when somebody else holds its conversation.
    locked: Option<Instant>,
    /// It belongs to the change before it and is not made without that.
    follows: bool,
    /// What the right to ask for it was decided on is otherwise by now.
    unwarranted: bool,
}

impl Attempt {
    fn new(proposal: Proposal) -> Self {
        Self { proposal, rounds: 0, locked: None, follows: false, unwarranted: false }
    }

    /// Waits for a conversation that somebody else holds; not for long, and not at all with what the server does of
    /// itself, because that is tried again.
    fn is_patient(&mut self) -> bool {
        let since = *self.locked.get_or_insert_with(Instant::now);
        !self.follows && self.proposal.actor != NOBODY && since.elapsed() < LOCKED
    }

    /// What the server adds to a change, for nobody who waits.
    fn following(change: &Change) -> Self {
        let decide: AsSystem = Box::new(|_: &Conversation, _: Option<&Message>| Ok(Decision::Nothing));
        let proposal = Proposal {
            conv: change.conv,
            actor: NOBODY,
            warrant: None,
            origin: None,
            target: None,
            message: None,
            cid: None,
            _going: None,
            decide: Decide::System(decide),
            answer: oneshot::channel().0,
        };
        Self { follows: true, ..Self::new(proposal) }
    }
}

impl Committer {
    pub(super) fn new(shards: usize) -> (Self, Vec<Shard>) {
        let (senders, receivers) =
            (0..shards).map(|_| mpsc::channel(MAX_QUEUE)).unzip::<_, _, Vec<_>, Vec<_>>();
        (Self { shards: senders }, receivers.into_iter().map(Shard::new).collect())
    }

    /// Queues a proposal; its place in the order is fixed when this returns.
    pub(super) async fn submit(&self, proposal: Proposal) -> Result<()> {
        self.shard(proposal.conv).send(Work::Proposal(proposal)).await.map_err(|_| interrupted())
    }

    /// Queues what this node has committed beside the shards, to be told; a queue that is full leaves it to whoever
    /// reads the log.
    pub(super) fn beside(&self, others: Others) {
        drop(self.shard(others.conv).try_send(Work::Others(others)));
    }

    /// Queues what other nodes have committed, to be told.
    pub(super) async fn others(&self, others: Others) {
        // A shard ends with the engine; then nobody is left to be told.
        drop(self.shard(others.conv).send(Work::Others(others)).await);
    }

    fn shard(&self, conv: ConvId) -> &mpsc::Sender<Work> {
        &self.shards[usize::from(conv.0.as_bytes()[15]) % self.shards.len()]
    }
}

/// The error for a change of which it is not known what became of it.
pub(super) fn interrupted() -> Error {
    Error::from(ErrorKind::Unavailable).retry_after(RETRY_BUSY)
}

/// The error for a change that found no quiet moment.
pub(super) fn busy() -> Error {
    Error::from(ErrorKind::Busy).retry_after(RETRY_BUSY)
}

impl Shard {
    fn new(queue: mpsc::Receiver<Work>) -> Self {
        Self { queue, doubts: Doubts::default(), told: Told::default(), locked: Locked::default() }
    }

    /// Runs the shard until the engine is dropped.
    pub(super) fn spawn(self, inner: &Arc<Inner>) {
        tokio::spawn(self.run(Arc::downgrade(inner)));
    }

    async fn run(mut self, inner: Weak<Inner>) {
        let (mut batch, mut pending) = (Vec::new(), Vec::new());
        loop {
            let mut tried = None;
            // Natural batching: whatever came while the last batch was written is the next one. Whoever was answered has
            // the next change at hand often, so they may run first: one commit more costs more than that.
            if pending.is_empty() {
                tokio::task::yield_now().await;
                tokio::select! { biased;
                    back = self.locked.tried() => tried = Some(back),
                    came = self.queue.recv_many(&mut batch, MAX_BATCH) => if came == 0 { return },
                    () = self.doubts.pause() => {}
                }
            } else {
                tried = self.locked.tried().now_or_never();
                // What has to be decided again holds up nobody else.
                while batch.len() < MAX_BATCH
                    && pending.len() + batch.len() < MAX_QUEUE
                    && let Ok(work) = self.queue.try_recv()
                {
                    batch.push(work);
                }
            }
            let Some(inner) = inner.upgrade() else { return };
            let mut others = Vec::new();
            if let Some(tried) = tried {
                let (round, outcomes) = self.locked.came_back(tried);
                if outcomes.is_err() {
                    self.doubts.lost(round.convs());
                }
                let round = inner.conclude(round, outcomes, &mut self.doubts, &mut self.told).await;
                let (mut free, told) = self.locked.release(round);
                others.extend(told);
                free.append(&mut pending);
                pending = free;
            }
            for work in batch.drain(..) {
                match work {
                    Work::Proposal(proposal) => pending.push(Attempt::new(proposal)),
                    Work::Others(of) => others.push(of),
                }
            }
            let others = self.locked.keep_others(others);
            inner.tell_others(&mut self.told, others).await;
            inner.settle(&mut self.doubts).await;
            // A store that panics fails what was in its hands, and nothing that comes later.
            let attempts = self.locked.keep_behind(std::mem::take(&mut pending));
            let attempts = self.without_doubt(attempts);
            let round = inner.round(attempts, &mut self.doubts, &mut self.told);
            let concluded = AssertUnwindSafe(round).catch_unwind().await.unwrap_or_else(|_| {
                tracing::error!("a batch panicked");
                Concluded::default()
            });
            self.locked.wait_for(concluded.locked);
            pending = self.locked.keep_behind(concluded.again);
            self.locked.try_again(&inner);
            inner.hub.ring();
        }
    }
}

impl Shard {
    /// Refuses changes of conversations of which it is still not known what was committed: what is told of them would
    /// come after something that nobody was told of.
    fn without_doubt(&self, attempts: Vec<Attempt>) -> Vec<Attempt> {
        let (doubted, sure): (Vec<_>, Vec<_>) =
            attempts.into_iter().partition(|attempt| self.doubts.concern(attempt.proposal.conv));
        for Attempt { proposal, .. } in doubted {
            answer(proposal, Err(interrupted()));
        }
        sure
    }
}

/// What of a batch has to wait for the next one.
#[derive(Default)]
struct Waiting {
    targets: BTreeSet<(ConvId, Seq)>,
    amended: BTreeSet<ConvId>,
    /// Connections with something undecided: what they asked for later must not be committed earlier, because
    /// their replies leave in the order of the requests.
    held: BTreeSet<(ConvId, ConnId)>,
}

impl Waiting {
    /// Returns whether a proposal can't be decided on the state before the batch: because that is about to
    /// change, or because something of the same connection has to be decided first.
    fn defers(&mut self, proposal: &Proposal) -> bool {
        let defers = self.amended.contains(&proposal.conv)
            || whose(proposal).is_some_and(|whose| self.held.contains(&whose))
            || proposal.target.is_some_and(|seq| !self.targets.insert((proposal.conv, seq)));
        if defers {
            self.held.extend(whose(proposal));
        }
        defers
    }

    /// Notes what was decided.
    fn decided(&mut self, proposal: &Proposal, op: &Op) {
        match op {
            Op::Amend(_) | Op::Close(_) => {
                self.amended.insert(proposal.conv);
            }
            // It alone may turn out to be stale, if its message is another meanwhile.
            Op::Revise(_) => self.held.extend(whose(proposal)),
            Op::Append(_) => {}
        }
    }
}

fn whose(proposal: &Proposal) -> Option<(ConvId, ConnId)> {
    proposal.origin.as_ref().map(|origin| (proposal.conv, origin.conn.id))
}

/// The conversations that a batch is decided on, each once: what is decided later in it is on no newer state than
/// what is decided earlier, so that both are stale together and keep their order.
type Snapshots = HashMap<ConvId, Option<Arc<Conversation>>>;

/// What was decided, on what, and what is told.
type Decided = (Change, Publish, Arc<Conversation>);

/// What was decided and is not concluded yet.
#[derive(Default)]
pub(super) struct Round {
    /// What has to be decided later.
    again: Vec<Attempt>,
    decided: Vec<(Attempt, Publish, Arc<Conversation>)>,
}

impl Round {
    pub(super) fn convs(&self) -> impl Iterator<Item = &Arc<Conversation>> {
        self.decided.iter().map(|(_, _, conv)| conv)
    }
}

/// What a round leaves.
#[derive(Default)]
pub(super) struct Concluded {
    /// What has to be decided again, in the same order.
    pub(super) again: Vec<Attempt>,
    /// What others hold the conversation of, in the same order.
    pub(super) locked: Vec<Attempt>,
}

impl Inner {
    /// Decides and commits once.
    async fn round(
        self: &Arc<Self>,
        attempts: Vec<Attempt>,
        doubts: &mut Doubts,
        told: &mut Told,
    ) -> Concluded {
        let (round, changes) = self.decide_all(attempts).await;
        if changes.is_empty() {
            return Concluded { again: round.again, ..Concluded::default() };
        }
        let sure = doubts.begin(round.convs());
        #[cfg(feature = "seeded-bugs")]
        self.tell_early(&round.decided).await;
        let (number, begun) = (changes.len(), Instant::now());
        let outcomes = self.store.commit_free(changes).instrument(spans::batch(number)).await;
        self.counts.commit(number, outcomes.as_deref().ok(), begun.elapsed());
        if outcomes.is_ok() {
            doubts.end(sure);
        }
        self.conclude(round, outcomes, doubts, told).await
    }

    /// Decides what can be decided on the state before the batch.
    pub(super) async fn decide_all(&self, attempts: Vec<Attempt>) -> (Round, Vec<Change>) {
        let (mut round, mut changes) = (Round::default(), Vec::new());
        let (mut waiting, mut snapshots) = (Waiting::default(), Snapshots::new());
        for mut attempt in attempts {
            if waiting.defers(&attempt.proposal) {
                round.again.push(attempt);
                continue;
            }
            match self.decide(&mut attempt.proposal, &mut snapshots).await {
                Ok((change, publish, conv)) => {
                    waiting.decided(&attempt.proposal, &change.op);
                    let told = system::message(&conv, &change, MsgId(self.env.uuid()));
                    changes.push(change);
                    round.decided.push((attempt, publish, conv.clone()));
                    if let Some((change, publish)) = told {
                        round.decided.push((Attempt::following(&change), publish, conv));
                        changes.push(change);
                    }
                }
                Err(settled) => answer(attempt.proposal, settled),
            }
        }
        (round, changes)
    }

    /// Publishes and answers what was committed.
    async fn conclude(
        self: &Arc<Self>,
        round: Round,
        outcomes: StoreResult<Vec<Outcome>>,
        doubts: &mut Doubts,
        told: &mut Told,
    ) -> Concluded {
        let Round { mut again, decided } = round;
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(error) => {
                let error = Error::from(error);
                tracing::error!(error = ?error, "a batch could not be committed");
                for (attempt, ..) in decided {
                    if bug!(FalseAck) && attempt.proposal.cid.is_some() {
                        let sent = Sent { seq: Seq(999), rev: Rev(999), at: self.env.now(), print: None };
                        answer(attempt.proposal, Ok(Settled::Replay(sent)));
                        continue;
                    }
                    answer(attempt.proposal, Err(error.clone()));
                }
                return Concluded { again, ..Concluded::default() };
            }
        };
        let (mut stale, mut locked, mut fresh) = (Vec::new(), Vec::new(), HashMap::new());
        let mut amended: Option<Arc<Conversation>> = None;
        let alone = decided.len() == 1;
        for ((mut attempt, publish, conv), outcome) in decided.into_iter().zip(outcomes) {
            // A system message is told to those who are there after what it tells of.
            let conv = amended.take().filter(|_| attempt.follows).unwrap_or(conv);
            let settled = match outcome {
                Outcome::Done(committed) => {
                    doubts.reached(committed.position);
                    if let Some(message) = committed.message.as_ref().filter(|_| !again.is_empty()) {
                        fresh.insert((conv.id, message.seq), message.clone());
                    }
                    self.before_own(told, conv.id, committed.rev).await;
                    amended.clone_from(&committed.conv);
                    let reached = self.publish(&attempt.proposal, publish, &committed, conv, alone).await;
                    Ok(Settled::Committed(committed, reached))
                }
                Outcome::Replay(sent) => Ok(Settled::Replay(sent)),
                Outcome::Locked if attempt.is_patient() => {
                    locked.push(attempt);
                    continue;
                }
                Outcome::Stale { .. } | Outcome::Unwarranted if attempt.follows => Err(busy()),
                Outcome::Unwarranted => {
                    attempt.unwarranted = true;
                    stale.push(attempt);
                    continue;
                }
                Outcome::Stale { conv: Some(conv), message } => {
                    self.convs.put(conv);
                    attempt.proposal.message = message;
                    attempt.rounds += 1;
                    if attempt.rounds < MAX_ROUNDS {
                        stale.push(attempt);
                        continue;
                    }
                    Err(busy())
                }
                refused => Err(self.refusal(refused)),
            };
            answer(attempt.proposal, settled);
        }
        for Attempt { proposal, .. } in &mut again {
            let target = proposal.target.and_then(|seq| fresh.get(&(proposal.conv, seq)));
            if let Some(message) = target.filter(|_| proposal.message.is_some()) {
                proposal.message = Some(message.clone());
            }
        }
        let mut stale = self.warranted_anew(stale).await;
        stale.append(&mut again);
        Concluded { again: stale, locked }
    }

    /// Asks the store anew who may go on, of those for whom that is not known any more; answers those who may not.
    async fn warranted_anew(self: &Arc<Self>, attempts: Vec<Attempt>) -> Vec<Attempt> {
        let asked = attempts.into_iter().map(async |mut attempt| {
            if !std::mem::take(&mut attempt.unwarranted) {
                return Some(attempt);
            }
            attempt.rounds += 1;
            let warrant = match attempt.rounds < MAX_ROUNDS {
                true => self.may_still_ask(attempt.proposal.actor, attempt.proposal.warrant).await,
                false => Err(busy()),
            };
            match warrant {
                Ok(warrant) => {
                    attempt.proposal.warrant = warrant;
                    Some(attempt)
                }
                Err(error) => {
                    answer(attempt.proposal, Err(error));
                    None
                }
            }
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// Returns the error for a change that was not carried out.
    pub(super) fn refusal(&self, outcome: Outcome) -> Error {
        match outcome {
            Outcome::Stale { conv: None, .. } => ErrorKind::NotMember.into(),
            Outcome::Stale { .. } | Outcome::Locked => busy(),
            Outcome::Unwarranted => ErrorKind::Unauthenticated.into(),
            Outcome::CidReused => ErrorKind::CidReused.into(),
            Outcome::TooSoon(until) => {
                let wait = until.since(self.env.now());
                Error::new(ErrorKind::RateLimited, "slow mode").retry_after(wait)
            }
            Outcome::Rejected(error) => error.into(),
            Outcome::Done(_) | Outcome::Replay(_) => ErrorKind::Internal.into(),
        }
    }

    /// Loads what is not at hand and decides.
    async fn decide(
        &self,
        proposal: &mut Proposal,
        snapshots: &mut Snapshots,
    ) -> Result<Decided, Result<Settled>> {
        let conv = match snapshots.get(&proposal.conv) {
            Some(known) => known.clone(),
            None => {
                let conv = self.conversation(proposal.conv).await.map_err(Err)?;
                snapshots.insert(proposal.conv, conv.clone());
                conv
            }
        };
        let now = self.env.now();
        let message = proposal.message.as_ref();
        let decide = AssertUnwindSafe(|| match &mut proposal.decide {
            Decide::Member(decide) => {
                let access = Access::of(conv.as_deref(), proposal.actor, now, &self.limits)?;
                decide(&access, message)
            }
            Decide::Anyone(decide) => decide(conv.as_deref().ok_or(ErrorKind::NotMember)?),
            Decide::System(decide) => decide(conv.as_deref().ok_or(ErrorKind::NotMember)?, message),
        });
        let decision = catch_unwind(decide).unwrap_or_else(|_| Err(ErrorKind::Internal.into()));
        match (decision, conv) {
            (Ok(Decision::Commit(op, publish)), Some(conv)) => {
                let &mut Proposal { actor, warrant, .. } = proposal;
                let change = Change { conv: conv.id, actor, epoch: conv.epoch, warrant, at: now, op };
                Ok((change, publish, conv))
            }
            (Ok(_), _) => Err(Ok(Settled::Unchanged(proposal.message.take()))),
            (Err(denied), _) => {
                let cid = proposal.cid.as_ref().filter(|_| proposal.target.is_none());
                let before = self.replayed(proposal.conv, proposal.actor, cid).await;
                Err(before.map_or(Err(denied), |before| before.map(Settled::Replay)))
            }
        }
    }

    /// Looks whether what is denied now was done before, when it was allowed.
    pub(super) async fn replayed(
        &self,
        conv: ConvId,
        actor: UserId,
        cid: Option<&(String, Print)>,
    ) -> Option<Result<Sent>> {
        let (cid, print) = cid?;
        match self.store.sent(conv, actor, cid).await {
            Ok(None) => None,
            Ok(Some(sent)) if sent.print.is_none_or(|known| known == *print) => Some(Ok(sent)),
            Ok(Some(_)) => Some(Err(ErrorKind::CidReused.into())),
            Err(error) => Some(Err(error.into())),
        }
    }

    /// Remembers what changed and tells everybody, in the order of the commits. Who is told follows from the
    /// conversation as it was when this was committed: the one that it was decided on, or made it.
    async fn publish(
        self: &Arc<Self>,
        proposal: &Proposal,
        publish: Publish,
        committed: &Committed,
        decided_on: Arc<Conversation>,
        last: bool,
    ) -> u32 {
        self.note_due(committed, &decided_on);
        let conv = match &committed.conv {
            Some(conv) => {
                self.convs.put(conv.clone());
                conv.clone()
            }
            None => decided_on,
        };
        let origin = proposal.origin.as_ref();
        let reached = self.fan_out(&conv, proposal.actor, origin, publish, committed, last).await;
        let gone = committed.message.as_ref().filter(|message| message.body.state != MessageState::Live);
        if let Some(message) = gone.filter(|message| policy::hangs(&conv, message.seq)) {
            self.unpin_gone(conv.id, message.seq);
        }
        reached
    }
}

pub(super) fn answer(proposal: Proposal, settled: Result<Settled>) {
    // Whoever asked may be gone; the change is done all the same.
    drop(proposal.answer.send(settled));
}
