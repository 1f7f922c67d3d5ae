//! Tells others how far someone has read, not more often than it is of use.

use super::chat::Inner;
use super::conn::Conn;
use super::nodes::{Hint, Kind};
use super::view::People;
use crate::error::Result;
use crate::proto::{ConvId, Info, MarkKind, Seq, ServerMsg, UserId, What};
use crate::session::{Bucket, Ephemeral};
use crate::time::Instant;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How many marks of a kind a user can announce in a conversation: so many a second, and at once.
const RATE: u32 = 2;
const BURST: u32 = 2;
/// Above this many entries, those that no longer matter are forgotten.
const SWEEP_AT: usize = 8_192;
/// An entry older than this has a full bucket again.
const FULL_AFTER: Duration = Duration::from_secs(1);

type Key = (UserId, ConvId, What);

/// Which marks were announced lately, and which newer ones wait for their turn.
#[derive(Debug, Default)]
pub(super) struct Marks {
    entries: Mutex<HashMap<Key, Entry>>,
}

#[derive(Debug, Default)]
struct Entry {
    bucket: Bucket,
    used: Instant,
    /// The newest mark that waits; a task will announce it.
    waiting: Option<Seq>,
}

/// Whether a mark is announced now.
enum Turn {
    Now,
    /// After this time, by whoever is told so.
    Later(Duration),
    /// By the task that waits already.
    Waiting,
}

impl Marks {
    fn turn(&self, key: Key, seq: Seq, now: Instant) -> Turn {
        let mut entries = self.entries.lock();
        if entries.len() >= SWEEP_AT {
            entries.retain(|_, entry| entry.waiting.is_some() || now.since(entry.used) < FULL_AFTER);
        }
        let entry = entries.entry(key).or_default();
        if let Some(waiting) = &mut entry.waiting {
            *waiting = seq;
            return Turn::Waiting;
        }
        entry.used = now;
        match entry.bucket.take(RATE, BURST, now) {
            Ok(()) => Turn::Now,
            Err(after) => {
                entry.waiting = Some(seq);
                Turn::Later(after)
            }
        }
    }

    fn take(&self, key: Key, now: Instant) -> Option<Seq> {
        let mut entries = self.entries.lock();
        let entry = entries.get_mut(&key)?;
        entry.used = now;
        // The wait has earned the token; its rounding must not cost another wait.
        let _ = entry.bucket.take(RATE, BURST, now);
        entry.waiting.take()
    }
}

impl Inner {
    /// Announces that a user's mark has moved, at most twice a second; the newest always arrives.
    pub(super) async fn announce_mark(
        self: &Arc<Self>,
        user: UserId,
        conv: ConvId,
        kind: MarkKind,
        seq: Seq,
        but: Option<Arc<Conn>>,
    ) -> Result<()> {
        let what = match kind {
            MarkKind::Read => What::Read,
            MarkKind::Recv => What::Recv,
            MarkKind::Clear => return Ok(()),
        };
        match self.marks.turn((user, conv, what), seq, self.env.monotonic()) {
            Turn::Now => self.tell_mark(user, conv, what, seq, but.as_deref()).await,
            Turn::Waiting => Ok(()),
            Turn::Later(after) => {
                let inner = Arc::downgrade(self);
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    let Some(inner) = inner.upgrade() else { return };
                    let Some(seq) = inner.marks.take((user, conv, what), inner.env.monotonic()) else {
                        return;
                    };
                    if let Err(error) = inner.tell_mark(user, conv, what, seq, but.as_deref()).await {
                        tracing::debug!(%conv, ?error, "a mark could not be announced");
                    }
                });
                Ok(())
            }
        }
    }

    async fn tell_mark(
        &self,
        user: UserId,
        conv: ConvId,
        what: What,
        seq: Seq,
        but: Option<&Conn>,
    ) -> Result<()> {
        let kind = if what == What::Read { Kind::Read } else { Kind::Recv };
        self.nodes.say(Hint::Mark { user, conv, kind, seq });
        self.push_mark(user, conv, what, seq, but).await
    }

    /// Tells those who are connected to this node.
    pub(super) async fn push_mark(
        &self,
        user: UserId,
        conv: ConvId,
        what: What,
        seq: Seq,
        but: Option<&Conn>,
    ) -> Result<()> {
        let now = self.env.now();
        let mut info = Info::new(what, Some(conv), Some(user), now);
        info.seq = Some(seq);
        let frame = ServerMsg::Info(info).encode();
        let key = match what {
            What::Read => Ephemeral::Read(conv, user),
            _ => Ephemeral::Recv(conv, user),
        };
        let push = |member| self.hub.push_ephemeral(member, key, &frame, but);
        self.tell_listeners(user, conv, People::sees_receipts, self.limits.max_presence_members, push).await
    }
}
