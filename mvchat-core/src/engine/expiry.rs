//! Lets things expire: before every read, and in the background.

use super::chat::Inner;
use super::committer::{AsSystem, Decide, Decision, NOBODY, Proposal, interrupted};
use super::fanout::Publish;
use super::jobs::Job;
use super::spans;
use crate::error::{ErrorKind, Result};
use crate::policy::{self, Conversation, Message};
use crate::proto::{ConvId, Info, What};
use crate::seam::{Committed, Expired, ExpiredFor, LogEvent, Op, Revise};
use crate::time::Timestamp;
use futures_util::future::join_all;
use parking_lot::Mutex;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// How often the store is asked, at least. Less than the shortest time to live, so that what another node noted is
/// known here before it is due.
const POLL: Duration = Duration::from_secs(5);
/// The least time between two rounds in the background, when a round fails or the clock stands still.
const PAUSE: Duration = Duration::from_millis(100);
/// The most messages that one call of the store looks at.
const BATCH: usize = 256;

/// When something is due next.
#[derive(Debug, Default)]
pub(super) struct Expiry {
    next: Mutex<Next>,
    /// One round at a time; who reads waits for it.
    order: tokio::sync::Mutex<()>,
    /// Ends the rounds in the background.
    pub(super) stop: CancellationToken,
}

#[derive(Debug, Default)]
struct Next {
    /// The store was asked.
    known: bool,
    at: Option<Timestamp>,
    /// The earliest that was noted while the store was asked.
    noted: Option<Timestamp>,
}

impl Expiry {
    /// Notes that something will be due.
    pub(super) fn note(&self, due: Option<Timestamp>) {
        let Some(due) = due else { return };
        let mut next = self.next.lock();
        next.at = earlier(next.at, Some(due));
        next.noted = earlier(next.noted, Some(due));
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let next = self.next.lock();
        !next.known || next.at.is_some_and(|at| at <= now)
    }

    fn begin(&self) {
        self.next.lock().noted = None;
    }

    fn end(&self, stored: Option<Timestamp>) {
        let mut next = self.next.lock();
        next.at = earlier(stored, next.noted);
        next.known = true;
    }

    /// Returns how long the next round in the background can wait.
    fn pause(&self, now: Timestamp) -> Duration {
        let next = self.next.lock();
        next.at.map_or(POLL, |at| at.since(now)).clamp(PAUSE, POLL)
    }
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    [one, other].into_iter().flatten().min()
}

/// Lets things expire until the engine stops or is dropped.
pub(super) async fn run(inner: Weak<Inner>, stop: CancellationToken) {
    loop {
        let Some(engine) = inner.upgrade() else { return };
        // A job of its own, because a store that panics must not end the rounds; what failed is tried in the next one.
        if let Ok(round) = engine.jobs.submit_own(round(&engine)) {
            round.await;
        }
        let pause = engine.expiry.pause(engine.env.now());
        drop(engine);
        tokio::select! { biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

fn round(engine: &Arc<Inner>) -> Job {
    let inner = engine.clone();
    Job::new("expiry", move || {
        let inner = inner.clone();
        async move { inner.expire(true).await }.instrument(spans::sweep())
    })
}

impl Inner {
    /// Lets everything expire that is due: called before everything that reads messages or counts them.
    pub(super) async fn expire_due(self: &Arc<Self>) -> Result<()> {
        if self.expiry.is_due(self.env.now()) { self.expire(false).await } else { Ok(()) }
    }

    async fn expire(self: &Arc<Self>, anyway: bool) -> Result<()> {
        let _order = self.expiry.order.lock().await;
        let mut ask = anyway || self.expiry.is_due(self.env.now());
        while ask {
            if anyway && self.expiry.stop.is_cancelled() {
                return Ok(());
            }
            self.expiry.begin();
            let Expired { hidden, spent, more, next } = self.store.expire(self.env.now(), BATCH).await?;
            self.counts.hidden.add(hidden.iter().map(|hidden| hidden.seqs.len() as u64).sum());
            for hidden in hidden {
                self.tell_expired(hidden);
            }
            let erased =
                join_all(spent.into_iter().map(|(conv, message)| self.erase_message(conv, message))).await;
            for erased in erased {
                match erased {
                    // Somebody else holds the conversation; that must not hold up those who read others.
                    Err(error) if error.kind() == ErrorKind::Busy => {
                        self.expiry.note(Some(self.env.now() + PAUSE));
                    }
                    Ok(()) => self.counts.erased.add(1),
                    Err(error) => return Err(error),
                }
            }
            if !more {
                self.expiry.end(next);
            }
            ask = more;
        }
        Ok(())
    }

    /// Notes when what was committed is due.
    pub(super) fn note_due(&self, committed: &Committed, decided_on: &Conversation) {
        if let Some(message) = committed.message.as_ref().filter(|message| message.rev == committed.rev) {
            self.expiry.note(message.expires_at);
            self.expiry.note(policy::kept_until(&decided_on.settings, message.ts));
        }
        if let Some(conv) = &committed.conv {
            let retention = conv.settings.retention;
            self.expiry
                .note(retention.filter(|_| retention != decided_on.settings.retention).map(|_| committed.at));
        }
    }

    fn tell_expired(&self, hidden: ExpiredFor) {
        let mut info = Info::new(What::Expired, Some(hidden.conv), None, self.env.now());
        info.own = Some(hidden.own);
        info.hidden = Some(hidden.seqs);
        self.tell_own(hidden.user, info, None);
    }

    /// Makes a message that has expired for everybody a tombstone.
    async fn erase_message(&self, conv: ConvId, message: Message) -> Result<()> {
        let decide: AsSystem = Box::new(|_: &Conversation, message: Option<&Message>| {
            let Some((message, body)) =
                message.and_then(|message| Some((message, policy::expired(message)?)))
            else {
                return Ok(Decision::Nothing);
            };
            let event = LogEvent::Expired;
            let revise = Revise { seq: message.seq, expect: message.rev, body, event: event.clone() };
            Ok(Decision::Commit(Op::Revise(revise), Publish::Notice { event, content: None }))
        });
        let (answer, settled) = oneshot::channel();
        let proposal = Proposal {
            conv,
            actor: NOBODY,
            warrant: None,
            origin: None,
            target: Some(message.seq),
            message: Some(message),
            cid: None,
            _going: None,
            decide: Decide::System(decide),
            answer,
        };
        self.committer.submit(proposal).await?;
        settled.await.map_err(|_| interrupted())?.map(drop)
    }
}
