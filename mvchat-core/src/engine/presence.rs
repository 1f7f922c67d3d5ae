//! Tells who comes and goes.

use super::chat::Inner;
use super::conn::Conn;
use crate::proto::{Pres, ServerMsg, UserId};
use crate::seam::UserPatch;
use crate::session::Ephemeral;
use std::sync::Arc;

impl Inner {
    /// Registers a connection for a user.
    pub(super) fn enter(self: &Arc<Self>, user: UserId, conn: &Arc<Conn>) {
        if self.hub.add(user, conn) {
            let inner = self.clone();
            self.closing.commands.spawn(async move { inner.announce(user, true).await });
        }
    }

    /// Takes a user's connection out.
    pub(super) fn leave(self: &Arc<Self>, user: UserId, conn: &Conn) {
        if self.hub.remove(user, conn) {
            let inner = self.clone();
            // The runtime may be gone when the last connections are dropped with it.
            if tokio::runtime::Handle::try_current().is_ok() {
                self.closing.commands.spawn(async move { inner.announce(user, false).await });
            }
        }
    }

    async fn announce(&self, user: UserId, online: bool) {
        let now = self.env.now();
        let seen = UserPatch { last_seen: Some(now), ..UserPatch::default() };
        if !online && let Err(error) = self.store.update_user(user, seen).await {
            tracing::warn!(%user, ?error, "the time of leaving could not be noted");
        }
        if self.closing.is_closed() {
            // All go at once; nobody is left to be told.
            return;
        }
        let peers = match self.store.peers(user, self.limits.max_presence_members).await {
            Ok(peers) => peers,
            Err(error) => return tracing::warn!(%user, ?error, "presence could not be announced"),
        };
        // One at a time from the look to the last push: else someone who comes back between the two could be
        // announced as gone after having been announced as there.
        let _order = self.hub.presence_order(user);
        // Someone who came back meanwhile, or left again, is announced by that change.
        if self.hub.is_online(user) != online {
            return;
        }
        let pres = if online { Pres::on(user) } else { Pres::off(user, now) };
        let frame = ServerMsg::Pres(pres).encode();
        for peer in peers {
            self.hub.push_ephemeral(peer, Ephemeral::Presence(user), &frame, None);
        }
    }
}
