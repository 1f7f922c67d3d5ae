//! The end of an account, and of everything that only its key could read.

use super::chat::{Chat, Inner};
use crate::builtin::report::{self, Erased, Report};
use crate::error::{Error, ErrorKind, Result};
use crate::policy::{self, ConvKind, Message, MessageState};
use crate::proto::{ConvId, ReplyParams, Seq, UserId};
use crate::seam::PageQuery;
use crate::seam::audit::{AuditEvent, AuditKind, AuditResult};
use std::collections::BTreeMap;
use std::sync::Arc;

const PAGE: usize = 200;
/// Through how many other members' eyes a conversation is searched for the user's messages, so that what the user has
/// hidden or cleared is found, too.
const EYES: usize = 8;

impl Chat {
    /// Erases a user, for good, and returns the signed report.
    ///
    /// In this order: the account is [deleted](Chat::delete_user); the user's messages become tombstones for everybody, groups are left (an owned one goes to its
    /// oldest administrator, or oldest member, first), contacts are removed, open invites taken back, and what is known of files is forgotten; the user's data key
    /// is destroyed; the login name is removed, and is free for others.
    /// After that nothing that was sealed for the user can be read any more, in this store or in any copy of it, by
    /// whoever has the vault as it is now. What stays: the id, membership in direct conversations, sequence numbers and times, reactions, and what others quoted or wrote.
    ///
    /// Messages that none of the user's conversations shows any more, or in groups that the user had left before, keep
    /// their rows and can no longer be opened. Can be repeated, also after an interruption: then it does the rest.
    ///
    /// # Errors
    /// `NotFound` if there never was such a user; `Unavailable`, `Internal` if account, sessions, key or login name could
    /// not be dealt with. Everything else that fails is counted in the report.
    pub async fn erase_user(&self, user: UserId) -> Result<String> {
        let inner = &self.0;
        let _token = inner.closing.commands.token();
        let result = inner.erase(user).await;
        let at = inner.env.now();
        let event = AuditEvent::new(AuditKind::UserDeleted, at).by_operator().user(user);
        let done = match result {
            Ok(done) => done,
            Err(error) => {
                self.audit(event.result(AuditResult::Failure).reason("erase"));
                return Err(error);
            }
        };
        self.audit(event.count(done.messages).reason("erase"));
        let report = report::sign(&inner.keys, &Report::of_erasure(user, at, done));
        report.map_err(|error| Error::from(ErrorKind::Internal).with_source(error))
    }
}

impl Inner {
    async fn erase(self: &Arc<Self>, user: UserId) -> Result<Erased> {
        let sessions = self.store.sessions_of(user).await?.len() as u64;
        let mut done = Erased { sessions, ..Erased::default() };
        Chat(self.clone()).delete_user(user).await?;
        if let Err(error) = self.erase_traces(user, &mut done).await {
            // The key is what counts: it goes all the same.
            tracing::error!(?error, "not everything of an erased user could be dealt with");
            done.failed += 1;
        }
        self.keys.erase_user(user.0).await?;
        done.key_destroyed = true;
        // Last, so that whoever has to repeat this finds the user by the name.
        self.store.forget_credentials(user).await?;
        Ok(done)
    }

    async fn erase_traces(self: &Arc<Self>, user: UserId, done: &mut Erased) -> Result<()> {
        for item in self.all_conversations(user).await? {
            let conv = item.id;
            for message in self.messages_of(user, conv).await?.into_values() {
                let deleted = self.ctx(user).delete_own(conv, message).await;
                count(&mut done.messages, &mut done.failed, deleted);
            }
            let known = self.conversation(conv).await?;
            let Some(known) = known.filter(|known| known.kind == ConvKind::Group) else { continue };
            if known.owner == Some(user) {
                let Some(heir) = policy::heir(&known) else { continue };
                let handed = self.ctx(user).transfer(conv, heir).await;
                count(&mut done.groups_handed_over, &mut done.failed, handed);
            }
            count(&mut done.groups_left, &mut done.failed, self.ctx(user).leave(conv).await);
        }
        for contact in self.store.contacts(user).await? {
            let removed = self.ctx(user).remove_contact(contact.user).await;
            count(&mut done.contacts, &mut done.failed, removed);
        }
        if let ReplyParams::Invites(invites) = self.ctx(user).list_invites().await?.params {
            for invite in invites.invites.iter().filter(|invite| invite.used_at.is_none()) {
                let revoked = self.ctx(user).revoke_invite(invite.id).await;
                count(&mut done.invites, &mut done.failed, revoked);
            }
        }
        self.forget_files(user, &mut done.files).await
    }

    /// Finds what a user wrote in a conversation and somebody can still see.
    async fn messages_of(&self, user: UserId, conv: ConvId) -> Result<BTreeMap<Seq, Message>> {
        let mut found = BTreeMap::new();
        let known = self.conversation(conv).await?.ok_or(ErrorKind::NotMember)?;
        let others = known.active_members().map(|(other, _)| other).filter(|other| *other != user);
        for viewer in std::iter::once(user).chain(others.take(EYES)) {
            let mut query = PageQuery::Newest;
            // Whoever has left meanwhile sees nothing any more.
            while let Some(page) = self.store.page(viewer, conv, query, PAGE).await? {
                self.closing.admit()?;
                let last = page.messages.last().map(|message| message.seq);
                let own = |message: &Message| {
                    message.from == Some(user) && message.body.state == MessageState::Live
                };
                found.extend(page.messages.into_iter().filter(own).map(|message| (message.seq, message)));
                match last {
                    Some(last) if page.more => query = PageQuery::Before(last),
                    _ => break,
                }
            }
        }
        Ok(found)
    }
}

fn count<T>(done: &mut u64, failed: &mut u64, result: Result<T>) {
    match result {
        Ok(_) => *done += 1,
        Err(error) => {
            tracing::error!(?error, "a step of erasing a user failed");
            *failed += 1;
        }
    }
}
