//! Tells who comes and goes.

use super::chat::Inner;
use super::conn::Conn;
use super::dispatch::{Ctx, no_user};
use super::nodes::Hint;
use super::view::People;
use crate::error::Result;
use crate::proto::{Pres, Privacy, PrivacyPatch, ServerMsg, UserId};
use crate::seam::UserPatch;
use crate::session::Ephemeral;
use std::sync::Arc;

/// How often it is looked who may know something, when that changes meanwhile.
const MAX_LOOKS: usize = 16;

impl Inner {
    /// Registers a connection for a user.
    pub(super) fn enter(self: &Arc<Self>, user: UserId, conn: &Arc<Conn>) {
        if self.hub.add(user, conn) {
            self.nodes.moved(user, || self.hub.is_here(user));
            // Whoever is on another node already was announced here when they came there.
            if !self.nodes.has(user) {
                self.announce_soon(user, true, false);
            }
        }
    }

    /// Takes a user's connection out.
    pub(super) fn leave(self: &Arc<Self>, user: UserId, conn: &Conn) {
        if self.hub.remove(user, conn) {
            self.nodes.moved(user, || self.hub.is_here(user));
            self.announce_soon(user, false, true);
        }
    }

    /// Announces that a user came or went; `notes` is whether the time at which the user left is written down.
    pub(super) async fn announce(&self, user: UserId, online: bool, notes: bool) {
        let now = self.env.now();
        let seen = UserPatch { last_seen: Some(now), ..UserPatch::default() };
        if notes && let Err(error) = self.store.update_user(user, seen).await {
            tracing::warn!(%user, ?error, "the time of leaving could not be noted");
        }
        if self.closing.is_closed() {
            // All go at once; nobody is left to be told.
            return;
        }
        let pres = if online { Pres::on(user) } else { Pres::off(user, now) };
        let frame = ServerMsg::Pres(pres).encode();
        for _ in 0..MAX_LOOKS {
            let sight = self.hub.sight();
            let (peers, people) = match self.near(user).await {
                Ok(near) => near,
                Err(error) => return tracing::warn!(%user, ?error, "presence could not be announced"),
            };
            // One at a time from the look to the last push: else someone who comes back between the two could be
            // announced as gone after having been announced as there.
            let _order = self.hub.presence_order(user);
            // Someone who came back meanwhile, or left again, is announced by that change.
            if self.is_online(user) != online {
                return;
            }
            let told = || {
                for peer in peers.into_iter().filter(|peer| people.sees_last_seen(*peer)) {
                    self.hub.push_ephemeral(peer, Ephemeral::Presence(user), &frame, None);
                }
            };
            if self.hub.if_still(sight, told) {
                return;
            }
        }
    }

    /// Loads those near a user who are here, and what they and the user let each other see.
    async fn near(&self, user: UserId) -> Result<(Vec<UserId>, People)> {
        let peers = self.store.peers(user, self.limits.max_presence_members).await?;
        let here: Vec<_> = peers.into_iter().filter(|peer| self.hub.is_here(*peer)).collect();
        let people = self.people(user, here.iter().copied()).await?;
        Ok((here, people))
    }
}

impl Inner {
    /// Returns whether a user and another one are near each other and learn when the other comes and goes.
    pub(super) async fn hear_of_each_other(&self, user: UserId, other: UserId) -> Result<bool> {
        let near = self.store.peers(user, self.limits.max_presence_members).await?.contains(&other);
        Ok(near && self.people(user, [other]).await?.sees_last_seen(other))
    }

    /// Tells a user and another one here whether they hear of each other now, if that is another than before.
    pub(super) async fn retell_contact(&self, user: UserId, other: UserId, heard: bool) -> Result<()> {
        self.hub.sight_changed();
        // Rather too little is shown than too much.
        let hear = self.hear_of_each_other(user, other).await;
        self.tell_sight(user, other, heard, *hear.as_ref().unwrap_or(&false));
        hear.map(drop)
    }

    /// Tells a user and another one who is here of the two, if they have not heard of each other and do now; or that
    /// they don't any more.
    pub(super) fn tell_sight(&self, user: UserId, other: UserId, heard: bool, hear: bool) {
        if heard == hear {
            return;
        }
        let here = |(of, _): &(UserId, UserId)| !hear || self.is_online(*of);
        for (of, to) in [(user, other), (other, user)].into_iter().filter(here) {
            let pres = if hear { Pres::on(of) } else { Pres::hidden(of) };
            let frame = ServerMsg::Pres(pres).encode();
            self.hub.push_ephemeral(to, Ephemeral::Presence(of), &frame, None);
        }
    }

    /// Tells those here who learn more or less of a user's presence than they did before; nothing to others.
    pub(super) async fn retell_presence(&self, user: UserId, before: Privacy) -> Result<()> {
        self.hub.sight_changed();
        let (near, now) = self.near(user).await?;
        let before = self.people_as_if(&now, before).await?;
        for peer in near {
            self.tell_sight(user, peer, before.sees_last_seen(peer), now.sees_last_seen(peer));
        }
        Ok(())
    }
}

impl Ctx {
    /// Changes what others see of the user; those who learn more or less of the user's presence from now on are told at
    /// once.
    pub(super) async fn set_privacy(&self, privacy: PrivacyPatch) -> Result<Privacy> {
        let (inner, user) = (&self.inner, self.user);
        let account = inner.store.users(&[user]).await?.into_iter().flatten().next();
        let before = account.ok_or_else(no_user)?.privacy;
        let patch = UserPatch { privacy, ..UserPatch::default() };
        let written = inner.store.update_user(user, patch).await;
        inner.hub.sight_changed();
        let row = written?;
        inner.nodes.say(Hint::Privacy { user, before });
        inner.retell_presence(user, before).await?;
        Ok(row.privacy)
    }
}
