//! Makes conversations, and shows them to those who are in them, whoever still waits.

use super::chat::Inner;
use super::hub::Origin;
use crate::error::{Error, ErrorKind, Result};
use crate::policy::Conversation;
use crate::proto::{ConvId, UserId};
use crate::seam::{NewConversation, StoreErrorKind};
use std::sync::Arc;
use std::time::Duration;

/// How often, and how long after each other, it is asked what became of a creation to an unknown end.
const ASKS: usize = 60;
const PAUSE: Duration = Duration::from_secs(1);

impl Inner {
    /// Makes a conversation, or finds the one that is there; returns it with whether it is new. The connection that asks
    /// hears of it by its answer, the others of its user and those of `first` and all other members by a notice.
    pub(super) async fn create(
        self: &Arc<Self>,
        new: NewConversation,
        first: UserId,
        origin: Option<Origin>,
    ) -> Result<(Arc<Conversation>, bool)> {
        let inner = self.clone();
        // In a task of its own: when the time of the command is over, this goes on.
        let work = self.closing.commands.spawn(async move {
            let id = new.id;
            match inner.store.create_conversation(new).await {
                Ok((conv, created)) => {
                    let conv = inner.convs.put(conv);
                    if created {
                        // Without a claim the answer has gone already, and did not name the conversation.
                        let origin = origin.filter(Origin::claim);
                        inner.show(&conv, first, origin.as_ref()).await;
                    }
                    Ok((conv, created))
                }
                Err(error) => {
                    if matches!(error.kind(), StoreErrorKind::Unavailable | StoreErrorKind::Internal) {
                        inner.doubt_creation(id, first);
                    }
                    Err(Error::from(error))
                }
            }
        });
        work.await.unwrap_or_else(|error| Err(Error::from(ErrorKind::Internal).with_source(error)))
    }

    async fn show(&self, conv: &Conversation, first: UserId, origin: Option<&Origin>) {
        self.hub.ring();
        let but = origin.map(|origin| origin.conn.as_ref());
        self.tell_added(first, conv.id, but).await;
        for (other, _) in conv.active_members().filter(|(other, _)| *other != first) {
            self.tell_added(other, conv.id, None).await;
        }
    }

    /// Finds out whether a creation that failed was written all the same, and then shows the conversation.
    fn doubt_creation(self: &Arc<Self>, conv: ConvId, first: UserId) {
        let inner = Arc::downgrade(self);
        tokio::spawn(async move {
            for _ in 0..ASKS {
                tokio::time::sleep(PAUSE).await;
                let Some(inner) = inner.upgrade() else { return };
                match inner.store.conversation(conv).await {
                    Ok(Some(conv)) => return inner.show(&inner.convs.put(conv), first, None).await,
                    Ok(None) => return,
                    Err(error) => tracing::debug!(%conv, ?error, "the store does not answer yet"),
                }
            }
        });
    }
}
