//! `pin`: pin a message, or unpin.

use crate::engine::chat::Inner;
use crate::engine::committer::{AsSystem, Decide, Decision, NOBODY, Proposal};
use crate::engine::dispatch::Ctx;
use crate::engine::fanout::Publish;
use crate::error::Result;
use crate::policy::{self, Access, ConvSettings, Conversation, Message, Pinned};
use crate::proto::{ConvId, PinParams, Reply, Seq};
use crate::seam::{Amend, LogEvent, Op};
use std::sync::Arc;
use tokio::sync::oneshot;

impl Inner {
    /// Takes the pin of a message away that nobody can read any more. It is a change of its own, by nobody: whoever took
    /// the message back may have no right to pin.
    pub(in crate::engine) fn unpin_gone(self: &Arc<Self>, conv: ConvId, seq: Seq) {
        let decide: AsSystem = Box::new(move |conv: &Conversation, _: Option<&Message>| {
            if !policy::hangs(conv, seq) {
                return Ok(Decision::Nothing);
            }
            let event = LogEvent::Unpinned;
            let settings = ConvSettings { pinned: None, ..conv.settings.clone() };
            let amend = Amend { settings: Some(settings), ..Amend::new(event.clone()) };
            Ok(Decision::Commit(Op::Amend(amend), Publish::Notice { event, content: None }))
        });
        let proposal = Proposal {
            conv,
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
        let inner = self.clone();
        // The shard that says so can't wait for itself.
        self.closing.commands.spawn(async move {
            if let Err(error) = inner.committer.submit(proposal).await {
                tracing::warn!(%conv, ?error, "the pin of a message that is gone stays");
            }
        });
    }
}

impl Ctx {
    pub(in crate::engine) async fn pin(self, conv: ConvId, seq: Option<Seq>) -> Result<Reply> {
        let message = match seq {
            Some(seq) => self.message(conv, seq).await?,
            None => None,
        };
        let (user, inner) = (self.user, self.inner.clone());
        let about = seq.map(|seq| (seq, message));
        let decide = move |access: &Access<'_>, message: Option<&Message>| {
            if !policy::may_pin(access, seq, message)? {
                return Ok(Decision::Nothing);
            }
            let pinned = seq.map(|seq| Pinned { seq, at: access.now, by: user });
            let event = if seq.is_some() { LogEvent::Pinned } else { LogEvent::Unpinned };
            let settings = ConvSettings { pinned, ..access.conv.settings.clone() };
            let expect = message.map(|message| (message.seq, message.rev));
            let amend = Amend { settings: Some(settings), expect, ..Amend::new(event.clone()) };
            Ok(Decision::Commit(Op::Amend(amend), Publish::Notice { event, content: None }))
        };
        let settled = self.commit(conv, about, None, Box::new(decide)).await?;
        let committed = settled.committed();
        let at = Some(committed.map_or_else(|| inner.env.now(), |committed| committed.at));
        Ok(Reply::ok(PinParams {
            conv,
            seq,
            pinned_at: at.filter(|_| seq.is_some()),
            unpinned_at: at.filter(|_| seq.is_none()),
            rev: committed.map(|committed| committed.rev),
        }))
    }
}
