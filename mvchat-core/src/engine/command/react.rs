//! `react`: add or take back a reaction.

use super::revise::revise;
use crate::engine::committer::Decision;
use crate::engine::dispatch::{Ctx, no_message};
use crate::error::Result;
use crate::policy::{self, Access, Message};
use crate::proto::{MessageParams, React, Reply};
use crate::seam::LogEvent;
use parking_lot::Mutex;
use std::sync::Arc;

impl Ctx {
    pub(in crate::engine) async fn react(self, cmd: React) -> Result<Reply> {
        let message = self.message(cmd.conv, cmd.seq).await?;
        let inner = self.inner.clone();
        // What the last decision came to, for the answer.
        let came_to = Arc::new(Mutex::new((false, 0)));
        let (note, React { conv, seq, emoji, op }) = (came_to.clone(), cmd);
        let wanted = emoji.clone();
        let decide = move |access: &Access<'_>, message: Option<&Message>| {
            let message = message.ok_or_else(no_message)?;
            let reaction = policy::reacted(access, message, &wanted, op)?;
            *note.lock() = (reaction.add, reaction.count);
            let event = LogEvent::Reacted { emoji: wanted.clone(), add: reaction.add, count: reaction.count };
            Ok(match reaction.body {
                Some(body) => revise(message, body, event, None),
                None => Decision::Nothing,
            })
        };
        let settled = self.commit(conv, Some((seq, message)), None, Box::new(decide)).await?;
        let committed = settled.committed();
        let (add, count) = *came_to.lock();
        Ok(Reply::ok(MessageParams {
            rev: committed.map(|committed| committed.rev),
            ts: Some(committed.map_or_else(|| inner.env.now(), |committed| committed.at)),
            emoji: Some(emoji),
            op: Some(if add { "add" } else { "remove" }.to_owned()),
            count: Some(count),
            ..MessageParams::new(conv, seq)
        }))
    }
}
