//! Commits of which nobody knows whether they happened.

use super::chat::Inner;
use crate::policy::Conversation;
use crate::proto::{ConvId, Position, UserId};
use crate::seam::StoreResult;
use crate::session::Ended;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How long a shard without work waits before it asks the store again.
const PAUSE: Duration = Duration::from_secs(1);
/// How much of the log is read to find out what happened; with more, everything is held to have happened.
const PAGE: usize = 256;
const MAX_PAGES: usize = 16;

/// The conversations of a shard in which something may have been committed that nobody was told of.
///
/// A commit that fails says nothing about what was written. As soon as the store answers again, the log says it;
/// the connections of those whom it concerns are closed then, to catch up.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    convs: BTreeMap<ConvId, Arc<Conversation>>,
    /// The place of the shard's last commit that was told.
    told: Option<Position>,
}

impl Doubts {
    /// Doubts what is about to be committed; returns what [`end`](Doubts::end) takes back.
    pub(super) fn begin<'a>(&mut self, convs: impl Iterator<Item = &'a Arc<Conversation>>) -> Vec<ConvId> {
        let mut sure = Vec::new();
        for conv in convs {
            self.convs.entry(conv.id).or_insert_with(|| {
                sure.push(conv.id);
                conv.clone()
            });
        }
        sure
    }

    /// Knows what became of the last commit.
    pub(super) fn end(&mut self, sure: Vec<ConvId>) {
        for conv in sure {
            self.convs.remove(&conv);
        }
    }

    /// Doubts what was committed beside the shard, perhaps before what was told since.
    pub(super) fn lost<'a>(&mut self, convs: impl Iterator<Item = &'a Arc<Conversation>>) {
        self.begin(convs);
        self.told = None;
    }

    /// Returns whether something may have been committed in a conversation that nobody was told of.
    pub(super) fn concern(&self, conv: ConvId) -> bool {
        self.convs.contains_key(&conv)
    }

    /// Notes the place of a change that is about to be told. While there are doubts the log is still to be read
    /// from before them.
    pub(super) fn reached(&mut self, position: Position) {
        if self.convs.is_empty() {
            self.told = self.told.max(Some(position));
        }
    }

    /// Waits until the store should be asked again; for ever if there is nothing to ask.
    pub(super) async fn pause(&self) {
        if self.convs.is_empty() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Inner {
    /// Finds out what happened, if anything is in doubt and the store answers.
    pub(super) async fn settle(&self, doubts: &mut Doubts) {
        if bug!(DoubtsForgotten) {
            *doubts = Doubts::default();
            return;
        }
        let settled = if doubts.convs.is_empty() {
            match doubts.told {
                Some(_) => return,
                None => self.store.position().await,
            }
        } else {
            self.make_up(doubts).await
        };
        match settled {
            Ok(told) => *doubts = Doubts { told: Some(told), ..Doubts::default() },
            Err(error) => tracing::debug!(?error, "the store does not answer yet"),
        }
    }

    /// Closes the connections of the members of those conversations in which something happened; returns up to
    /// where all is known now.
    async fn make_up(&self, doubts: &Doubts) -> StoreResult<Position> {
        let (happened, told) = self.happened(doubts).await?;
        for conv in happened {
            let fresh = self.store.conversation(conv).await?.map(|fresh| self.convs.put(fresh));
            let known = doubts.convs.get(&conv).into_iter().chain(&fresh);
            let concerned: BTreeSet<UserId> =
                known.flat_map(|conv| conv.active_members().map(|(user, _)| user)).collect();
            for user in concerned {
                self.hub.end_all(user, Ended::Overflow, None);
            }
        }
        Ok(told)
    }

    async fn happened(&self, doubts: &Doubts) -> StoreResult<(BTreeSet<ConvId>, Position)> {
        let mut happened = BTreeSet::new();
        if let Some(mut after) = doubts.told {
            for _ in 0..MAX_PAGES {
                let page = self.store.log(after, PAGE).await?;
                let convs = page.entries.iter().map(|entry| entry.conv);
                happened.extend(convs.filter(|conv| doubts.convs.contains_key(conv)));
                after = page.position;
                if page.entries.len() < PAGE {
                    return Ok((happened, after));
                }
            }
        }
        Ok((doubts.convs.keys().copied().collect(), self.store.position().await?))
    }
}
