//! Private changes that another node has written.

use crate::engine::chat::Inner;
use crate::engine::conn::Conn;
use crate::engine::nodes::Hint;
use crate::error::Result;
use crate::policy::ConvKind;
use crate::proto::{ConvId, Info, Json, MAX_COUNTER, Own, OwnParams, Position, Rev, ServerMsg, UserId, What};
use crate::seam::{ChangesQuery, ViewQuery};
use std::collections::BTreeSet;
use std::sync::Weak;
use std::time::Duration;

const PAGE: usize = 100;
/// How long to wait before the store is asked again.
const PAUSE: Duration = Duration::from_secs(1);

impl Inner {
    /// Tells a user's connections, here and on other nodes, of a private change.
    pub(in crate::engine) fn tell_own(&self, user: UserId, info: Info, but: Option<&Conn>) {
        if let (Some(conv), Some(own)) = (info.conv, info.own) {
            self.nodes.say(Hint::Own { user, conv, own });
        }
        self.hub.tell(user, &ServerMsg::Info(info), but);
    }

    /// Tells a user's connections here what a conversation is like for them now: with all that can have changed, so that
    /// whoever lacks one change has it afterwards, and whoever lacks more sees that.
    pub(super) async fn retell_own(&self, user: UserId, conv: ConvId, own: Own) -> Result<()> {
        if !self.hub.is_here(user) {
            return Ok(());
        }
        let before = Own(own.0.saturating_sub(1));
        let since = Rev(MAX_COUNTER);
        let query = ChangesQuery { since, own: Some(before), limit: 1, max_span: MAX_COUNTER };
        let Some(changes) = self.store.changes(user, conv, query).await? else { return Ok(()) };
        let is_dm = changes.view.conv.kind == ConvKind::Dm;
        for item in self.conv_items(user, vec![changes.view]).await? {
            let mut info = Info::new(What::Own, Some(conv), Some(user), self.env.now());
            info.own = Some(changes.own);
            info.hidden = Some(changes.hidden.clone()).filter(|hidden| !hidden.is_empty());
            info.content = Some(Json::from_value(&OwnParams {
                read_seq: Some(item.read_seq),
                recv_seq: Some(item.recv_seq),
                clear_seq: Some(item.clear_seq),
                favorite: Some(item.favorite),
                muted: Some(item.muted),
                archived: Some(item.archived),
                blocked: is_dm.then_some(item.blocked),
                private: Some(item.private.unwrap_or_else(Json::null)),
            }));
            self.hub.tell(user, &ServerMsg::Info(info), None);
        }
        Ok(())
    }

    /// Tells everybody here what they alone see and what was changed after a place.
    async fn retell_since(&self, since: Position) -> Result<()> {
        let users: BTreeSet<_> = self.closing.identities().into_iter().map(|here| here.user).collect();
        for user in users {
            let mut position = since;
            loop {
                let views = self.store.views(user, ViewQuery::Since { position, limit: PAGE }).await?;
                for view in views.rows.iter().filter(|view| !view.gone && view.me.own > Own(0)) {
                    self.retell_own(user, view.conv.id, view.me.own).await?;
                }
                if !views.more || views.position <= position {
                    break;
                }
                position = views.position;
            }
        }
        Ok(())
    }
}

/// Sees to what was missed, until nothing more is.
pub(super) async fn make_up(inner: Weak<Inner>) {
    loop {
        let Some(engine) = inner.upgrade() else { return };
        let Some(since) = engine.nodes.sure.lock().take() else { return };
        if let Err(error) = engine.retell_since(since).await {
            tracing::debug!(?error, "what other nodes did can't be read for now");
            // It is still to be done, by this task.
            engine.nodes.sure.lock().missed(Some(since));
            drop(engine);
            tokio::time::sleep(PAUSE).await;
        }
    }
}
