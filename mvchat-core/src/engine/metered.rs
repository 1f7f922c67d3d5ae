//! The store with a stop watch: every call is timed and counted.
//!
//! Stores are measured here, once for all of them, so that a store needs to know nothing of it.

use super::metrics::{Call, Counts};
use crate::policy::{Conversation, Message};
use crate::proto::{ConvId, InviteId, Position, Rev, Seq, SessionId, UserId};
use crate::seam::{
    Bus, Change, Changes, ChangesQuery, ContactRow, ContactSource, ContactStore, ConversationStore, Counted,
    Credential, Durability, EmailHash, EndSessions, Expired, ExpiryStore, InviteHash, InviteRow, InviteStore,
    LinkRow, LinkStore, LogEntry, LogPage, Marked, Marks, MemberPatch, Mention, MessageStore,
    NewConversation, NewUser, Outcome, Page, PageQuery, ReceiptRow, RefreshChange, SecretChange, Sent,
    SessionRow, SessionStore, Store, StoreResult, UserPatch, UserRow, UserStore, ViewQuery, Views,
};
use crate::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use std::any::Any;
use std::sync::Arc;
use tokio::time::Instant;

/// A store whose calls are counted.
#[derive(Clone, Debug)]
pub(super) struct Metered {
    store: Arc<dyn Store>,
    counts: Arc<Counts>,
}

impl Metered {
    /// Wraps a store.
    pub(super) fn new(store: Arc<dyn Store>, counts: Arc<Counts>) -> Self {
        Self { store, counts }
    }

    /// Returns the store that is measured.
    pub(super) fn within(&self) -> &dyn Any {
        self.store.as_ref()
    }

    async fn call<T>(&self, call: Call, work: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
        let begun = Instant::now();
        let answer = work.await;
        let error = answer.as_ref().err().map(|error| error.kind());
        self.counts.store(call, error, begun.elapsed());
        answer
    }
}

#[async_trait]
impl Store for Metered {
    fn durability(&self) -> Durability {
        self.store.durability()
    }

    fn trouble(&self) -> Option<String> {
        self.store.trouble()
    }

    fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    async fn commit_free(&self, changes: Vec<Change>) -> StoreResult<Vec<Outcome>> {
        self.call(Call::CommitFree, self.store.commit_free(changes)).await
    }

    async fn stirred(&self) {
        self.store.stirred().await;
    }

    fn bus(&self) -> Option<Arc<dyn Bus>> {
        self.store.bus()
    }
}

#[async_trait]
impl UserStore for Metered {
    async fn create_user(&self, new: NewUser) -> StoreResult<()> {
        self.call(Call::CreateUser, self.store.create_user(new)).await
    }

    async fn users(&self, ids: &[UserId]) -> StoreResult<Vec<Option<UserRow>>> {
        self.call(Call::Users, self.store.users(ids)).await
    }

    async fn credential(&self, scheme: &str, folded: &str) -> StoreResult<Option<Credential>> {
        self.call(Call::Credential, self.store.credential(scheme, folded)).await
    }

    async fn credential_of(&self, user: UserId, scheme: &str) -> StoreResult<Option<Credential>> {
        self.call(Call::CredentialOf, self.store.credential_of(user, scheme)).await
    }

    async fn update_user(&self, user: UserId, patch: UserPatch) -> StoreResult<UserRow> {
        self.call(Call::UpdateUser, self.store.update_user(user, patch)).await
    }

    async fn set_secret(&self, change: SecretChange) -> StoreResult<Vec<SessionId>> {
        self.call(Call::SetSecret, self.store.set_secret(change)).await
    }

    async fn forget_credentials(&self, user: UserId) -> StoreResult<u64> {
        self.call(Call::ForgetCredentials, self.store.forget_credentials(user)).await
    }

    async fn email_owner(&self, email: &EmailHash) -> StoreResult<Option<UserId>> {
        self.call(Call::EmailOwner, self.store.email_owner(email)).await
    }

    async fn search_users(&self, text: &str, except: &[UserId], limit: usize) -> StoreResult<Vec<UserRow>> {
        self.call(Call::SearchUsers, self.store.search_users(text, except, limit)).await
    }
}

#[async_trait]
impl SessionStore for Metered {
    async fn open_session(&self, row: SessionRow, max: usize) -> StoreResult<Vec<SessionId>> {
        self.call(Call::OpenSession, self.store.open_session(row, max)).await
    }

    async fn session(&self, id: SessionId) -> StoreResult<Option<SessionRow>> {
        self.call(Call::Session, self.store.session(id)).await
    }

    async fn sessions(&self, ids: &[SessionId]) -> StoreResult<Vec<Option<SessionRow>>> {
        self.call(Call::Sessions, self.store.sessions(ids)).await
    }

    async fn touch_session(
        &self,
        id: SessionId,
        used_at: Timestamp,
        expires_at: Timestamp,
    ) -> StoreResult<bool> {
        self.call(Call::TouchSession, self.store.touch_session(id, used_at, expires_at)).await
    }

    async fn refresh_session(&self, change: RefreshChange) -> StoreResult<()> {
        self.call(Call::RefreshSession, self.store.refresh_session(change)).await
    }

    async fn end_sessions(&self, user: UserId, which: EndSessions) -> StoreResult<Vec<SessionId>> {
        self.call(Call::EndSessions, self.store.end_sessions(user, which)).await
    }

    async fn sessions_of(&self, user: UserId) -> StoreResult<Vec<SessionRow>> {
        self.call(Call::SessionsOf, self.store.sessions_of(user)).await
    }
}

#[async_trait]
impl LinkStore for Metered {
    async fn create_link(&self, row: LinkRow) -> StoreResult<()> {
        self.call(Call::CreateLink, self.store.create_link(row)).await
    }

    async fn link(&self, code: &str) -> StoreResult<Option<LinkRow>> {
        self.call(Call::Link, self.store.link(code)).await
    }

    async fn links_of(&self, conv: ConvId) -> StoreResult<Vec<LinkRow>> {
        self.call(Call::LinksOf, self.store.links_of(conv)).await
    }

    async fn revoke_link(&self, conv: ConvId, code: &str) -> StoreResult<bool> {
        self.call(Call::RevokeLink, self.store.revoke_link(conv, code)).await
    }
}

#[async_trait]
impl ContactStore for Metered {
    async fn add_contacts(&self, pair: [UserId; 2], source: ContactSource, at: Timestamp) -> StoreResult<()> {
        self.call(Call::AddContacts, self.store.add_contacts(pair, source, at)).await
    }

    async fn remove_contacts(&self, pair: [UserId; 2]) -> StoreResult<()> {
        self.call(Call::RemoveContacts, self.store.remove_contacts(pair)).await
    }

    async fn name_contact(&self, owner: UserId, other: UserId, name: Option<Bytes>) -> StoreResult<bool> {
        self.call(Call::NameContact, self.store.name_contact(owner, other, name)).await
    }

    async fn contacts(&self, owner: UserId) -> StoreResult<Vec<ContactRow>> {
        self.call(Call::Contacts, self.store.contacts(owner)).await
    }
}

#[async_trait]
impl InviteStore for Metered {
    async fn create_invite(&self, row: InviteRow) -> StoreResult<()> {
        self.call(Call::CreateInvite, self.store.create_invite(row)).await
    }

    async fn invite(&self, code: &InviteHash) -> StoreResult<Option<InviteRow>> {
        self.call(Call::Invite, self.store.invite(code)).await
    }

    async fn invites_of(&self, inviter: UserId) -> StoreResult<Vec<InviteRow>> {
        self.call(Call::InvitesOf, self.store.invites_of(inviter)).await
    }

    async fn unused_invites(&self, email: &InviteHash, limit: usize) -> StoreResult<Vec<InviteRow>> {
        self.call(Call::UnusedInvites, self.store.unused_invites(email, limit)).await
    }

    async fn revoke_invite(&self, inviter: UserId, id: InviteId) -> StoreResult<bool> {
        self.call(Call::RevokeInvite, self.store.revoke_invite(inviter, id)).await
    }

    async fn use_invite(&self, id: InviteId, by: UserId, at: Timestamp) -> StoreResult<bool> {
        self.call(Call::UseInvite, self.store.use_invite(id, by, at)).await
    }
}

#[async_trait]
impl ConversationStore for Metered {
    async fn create_conversation(&self, new: NewConversation) -> StoreResult<(Arc<Conversation>, bool)> {
        self.call(Call::CreateConversation, self.store.create_conversation(new)).await
    }

    async fn conversation(&self, conv: ConvId) -> StoreResult<Option<Arc<Conversation>>> {
        self.call(Call::Conversation, self.store.conversation(conv)).await
    }

    async fn views(&self, viewer: UserId, query: ViewQuery) -> StoreResult<Views> {
        self.call(Call::Views, self.store.views(viewer, query)).await
    }

    async fn mark(&self, viewer: UserId, conv: ConvId, marks: Marks) -> StoreResult<Option<Marked>> {
        self.call(Call::Mark, self.store.mark(viewer, conv, marks)).await
    }

    async fn configure(
        &self,
        viewer: UserId,
        conv: ConvId,
        patch: MemberPatch,
    ) -> StoreResult<Option<(Counted, Option<Arc<Conversation>>)>> {
        self.call(Call::Configure, self.store.configure(viewer, conv, patch)).await
    }

    async fn hide(&self, viewer: UserId, conv: ConvId, seq: Seq) -> StoreResult<Option<Counted>> {
        self.call(Call::Hide, self.store.hide(viewer, conv, seq)).await
    }

    async fn receipts(
        &self,
        viewer: UserId,
        conv: ConvId,
        after: Option<UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<ReceiptRow>>> {
        self.call(Call::Receipts, self.store.receipts(viewer, conv, after, limit)).await
    }

    async fn peers(&self, user: UserId, max_members: usize) -> StoreResult<Vec<UserId>> {
        self.call(Call::Peers, self.store.peers(user, max_members)).await
    }

    async fn blocked_with(&self, user: UserId) -> StoreResult<Vec<UserId>> {
        self.call(Call::BlockedWith, self.store.blocked_with(user)).await
    }
}

#[async_trait]
impl MessageStore for Metered {
    async fn commit(&self, changes: Vec<Change>) -> StoreResult<Vec<Outcome>> {
        self.call(Call::Commit, self.store.commit(changes)).await
    }

    async fn message(&self, viewer: UserId, conv: ConvId, seq: Seq) -> StoreResult<Option<Message>> {
        self.call(Call::Message, self.store.message(viewer, conv, seq)).await
    }

    async fn page(
        &self,
        viewer: UserId,
        conv: ConvId,
        query: PageQuery,
        limit: usize,
    ) -> StoreResult<Option<Page>> {
        self.call(Call::Page, self.store.page(viewer, conv, query, limit)).await
    }

    async fn changes(
        &self,
        viewer: UserId,
        conv: ConvId,
        query: ChangesQuery,
    ) -> StoreResult<Option<Changes>> {
        self.call(Call::Changes, self.store.changes(viewer, conv, query)).await
    }

    async fn mentions(&self, viewer: UserId, limit: usize) -> StoreResult<Vec<Mention>> {
        self.call(Call::Mentions, self.store.mentions(viewer, limit)).await
    }

    async fn sent(&self, conv: ConvId, sender: UserId, cid: &str) -> StoreResult<Option<Sent>> {
        self.call(Call::Sent, self.store.sent(conv, sender, cid)).await
    }

    async fn happened(
        &self,
        conv: ConvId,
        after: Rev,
        upto: Rev,
    ) -> StoreResult<Vec<(LogEntry, Option<Message>)>> {
        self.call(Call::Happened, self.store.happened(conv, after, upto)).await
    }

    async fn log(&self, after: Position, limit: usize) -> StoreResult<LogPage> {
        self.call(Call::Log, self.store.log(after, limit)).await
    }

    async fn position(&self) -> StoreResult<Position> {
        self.call(Call::Position, self.store.position()).await
    }
}

#[async_trait]
impl ExpiryStore for Metered {
    async fn expire(&self, now: Timestamp, limit: usize) -> StoreResult<Expired> {
        self.call(Call::Expire, self.store.expire(now, limit)).await
    }
}

#[cfg(test)]
mod tests {
    /// The traits that a store consists of.
    const SEAMS: [&str; 9] = [
        include_str!("../seam/store.rs"),
        include_str!("../seam/users.rs"),
        include_str!("../seam/sessions.rs"),
        include_str!("../seam/conversations.rs"),
        include_str!("../seam/messages.rs"),
        include_str!("../seam/contacts.rs"),
        include_str!("../seam/invites.rs"),
        include_str!("../seam/links.rs"),
        include_str!("../seam/expiry.rs"),
    ];

    fn methods(code: &str) -> impl Iterator<Item = &str> {
        let is_of_store =
            |code: &&str| code.split([':', ' ']).next().is_some_and(|name| name.ends_with("Store"));
        let traits = code.split("pub trait ").skip(1).filter(is_of_store);
        let traits = traits.filter_map(|rest| rest.split("\n}\n").next());
        let lines = traits.flat_map(str::lines).map(str::trim);
        lines.filter_map(|line| {
            let signature = line.strip_prefix("async fn ").or(line.strip_prefix("fn "))?;
            signature.split(['(', '<']).next()
        })
    }

    /// A method with a default that were not handed on here would get that default, whatever the store does.
    #[test]
    fn every_method_of_a_store_is_handed_on() {
        let own = include_str!("metered.rs");
        let all: Vec<_> = SEAMS.into_iter().flat_map(methods).collect();
        assert!(all.len() > 50, "{all:?}");
        for method in all {
            assert!(own.contains(&format!("self.store.{method}(")), "{method} is not handed on");
        }
    }
}
