//! `dm`: open a direct conversation, or the notes to oneself.

use crate::engine::dispatch::{Ctx, no_user};
use crate::error::{Result, invalid};
use crate::policy::{ConvKind, ConvSettings};
use crate::proto::{ConvId, DmParams, DmPeer, Reply, Role};
use crate::seam::NewConversation;
use std::collections::BTreeMap;

impl Ctx {
    pub(in crate::engine) async fn start_dm(self, peer: DmPeer) -> Result<Reply> {
        let (kind, other) = match peer {
            DmPeer::User(user) if user == self.user => return Err(invalid("cannot DM yourself")),
            DmPeer::User(user) => (ConvKind::Dm, Some(user)),
            DmPeer::Me => (ConvKind::Me, None),
        };
        let people = self.inner.people(self.user, other).await?;
        if other.is_some_and(|other| !people.exists(other)) {
            return Err(no_user());
        }
        let members = [Some(self.user), other].into_iter().flatten().map(|user| (user, Role::Member));
        let new = NewConversation {
            id: ConvId(self.inner.env.uuid()),
            kind,
            members: members.collect::<BTreeMap<_, _>>(),
            owner: None,
            cid: None,
            settings: ConvSettings::default(),
            at: self.inner.env.now(),
        };
        let (conv, created) = self.inner.store.create_conversation(new).await?;
        let conv = self.inner.convs.put(conv);
        if created {
            self.inner.hub.ring();
            let but = self.origin.as_ref().map(|origin| origin.conn.as_ref());
            self.inner.tell_added(self.user, conv.id, but).await;
            if let Some(other) = other {
                self.inner.tell_added(other, conv.id, None).await;
            }
        }
        // The table's reply has no `lastSeen` here; one more key does no harm.
        let user = other.map(|other| self.inner.user_item(&people, other));
        let params = DmParams { conv: conv.id, created, user };
        Ok(if created { Reply::created(params) } else { Reply::ok(params) })
    }
}
