//! `pin`: pin a message, or unpin.

use crate::engine::committer::Decision;
use crate::engine::dispatch::Ctx;
use crate::engine::fanout::Publish;
use crate::error::Result;
use crate::policy::{self, Access, ConvSettings, Message, Pinned};
use crate::proto::{ConvId, PinParams, Reply, Seq};
use crate::seam::{Amend, LogEvent, Op};

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
