//! `dm`: open a direct conversation, or the notes to oneself.

use crate::engine::chat::Inner;
use crate::engine::dispatch::{Ctx, no_user};
use crate::engine::hub::Origin;
use crate::error::Result;
use crate::policy::{self, ConvKind, ConvSettings};
use crate::proto::{ConvId, DmParams, DmPeer, Reply, Role, UserId};
use crate::seam::NewConversation;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Ctx {
    pub(in crate::engine) async fn start_dm(self, peer: DmPeer) -> Result<Reply> {
        policy::may_open_dm(self.user, peer)?;
        let (kind, other) = match peer {
            DmPeer::User(user) => (ConvKind::Dm, Some(user)),
            DmPeer::Me => (ConvKind::Me, None),
        };
        if let Some(other) = other {
            self.inner.move_in(other).await?;
        }
        let people = self.inner.people(self.user, other).await?;
        if let Some(other) = other
            && !(people.exists(other) && self.inner.may_meet(&people, other).await?)
        {
            return Err(no_user());
        }
        if let Some(other) = other {
            self.limit_stranger(other).await?;
        }
        let now = self.inner.env.now();
        let (conv, created) = self.inner.open_direct(kind, self.user, other, now, self.origin).await?;
        // The table's reply has no `lastSeen` here; one more key does no harm.
        let user = other.map(|other| self.inner.user_item(&people, other));
        let params = DmParams { conv, created, user };
        Ok(if created { Reply::created(params) } else { Reply::ok(params) })
    }
}

impl Inner {
    /// Opens a user's direct conversation, and shows it to all who are in it if it is new.
    pub(super) async fn open_direct(
        self: &Arc<Self>,
        kind: ConvKind,
        user: UserId,
        other: Option<UserId>,
        at: Timestamp,
        origin: Option<Origin>,
    ) -> Result<(ConvId, bool)> {
        let members = [Some(user), other].into_iter().flatten().map(|user| (user, Role::Member));
        let new = NewConversation {
            id: ConvId(self.env.uuid()),
            kind,
            members: members.collect::<BTreeMap<_, _>>(),
            owner: None,
            cid: None,
            settings: ConvSettings::default(),
            max_per_user: Some(self.limits.max_conversations),
            at,
        };
        let (conv, created) = self.create(new, user, origin).await?;
        Ok((conv.id, created))
    }
}
