//! Telling before committing: a bug that a test plants.

use super::chat::Inner;
use super::committer::Attempt;
use super::fanout::Publish;
use crate::policy::Conversation;
use crate::proto::{Data, Seq, ServerMsg};
use crate::seam::PageQuery;
use std::sync::Arc;

impl Inner {
    /// Tells of messages with the numbers that they should get, if that is planted.
    pub(super) async fn tell_early(&self, decided: &[(Attempt, Publish, Arc<Conversation>)]) {
        for (attempt, publish, conv) in decided.iter().filter(|_| bug!(TellBeforeCommit)) {
            let Publish::Message { content, .. } = publish else { continue };
            let actor = attempt.proposal.actor;
            let page = self.store.page(actor, conv.id, PageQuery::Newest, 1).await;
            let Ok(Some(page)) = page else { continue };
            let seq = page.messages.first().map_or(Seq(1), |last| last.seq.next());
            let (rev, now) = (page.rev.next(), self.env.now());
            let data = Data::new(conv.id, seq, rev, Some(actor), content.clone(), now);
            let frame = ServerMsg::Data(data).encode();
            for (user, _) in conv.active_members() {
                self.hub.push(user, conv.id, &frame, attempt.proposal.origin.as_ref());
            }
        }
    }
}
