//! A store that fails on demand.

use super::{Fault, Faults, Method};
use crate::policy::{Conversation, Message};
use crate::proto::{ConvId, InviteId, Position, Rev, Seq, SessionId, UserId};
use crate::seam::{
    Bus, Change, Changes, ChangesQuery, ContactRow, ContactSource, ContactStore, ConversationStore, Counted,
    Credential, Durability, EmailHash, EndSessions, Expired, ExpiryStore, InviteHash, InviteRow, InviteStore,
    LinkRow, LinkStore, LogEntry, LogPage, Marked, Marks, MemberPatch, Mention, MessageStore,
    NewConversation, NewUser, Outcome, Page, PageQuery, ReceiptRow, RefreshChange, SecretChange, Sent,
    SessionRow, SessionStore, Store, StoreError, StoreErrorKind, StoreResult, UserPatch, UserRow, UserStore,
    ViewQuery, Views,
};
use crate::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;

/// A store that meets faults before it carries a call out, or after.
///
/// A fault after the call is the one that tells careful callers from the others: the write happened, and the
/// caller is told that it is not known whether it did.
#[derive(Clone, Debug)]
pub struct Flaky<S> {
    inner: S,
    faults: Faults,
}

impl<S> Flaky<S> {
    /// Wraps a store; `faults` says which calls fail, and clones of it go on doing so from outside.
    pub fn new(inner: S, faults: Faults) -> Self {
        Self { inner, faults }
    }

    /// Returns the store within, which never fails.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// Returns what decides on the faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    async fn meet<T>(&self, method: Method, call: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
        let fault = self.faults.next(method);
        match fault {
            Some(Fault::Before) => return Err(unavailable("a fault before the call")),
            Some(Fault::Delay(yields)) => {
                for _ in 0..yields {
                    tokio::task::yield_now().await;
                }
            }
            Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
            _ => {}
        }
        self.alive().await;
        let answer = call.await;
        match fault {
            Some(Fault::After) => {
                answer?;
                return Err(unavailable("a fault after the call"));
            }
            Some(Fault::Late(time)) => tokio::time::sleep(time).await,
            _ => {}
        }
        self.alive().await;
        answer
    }

    /// Never goes on in a process that was killed.
    async fn alive(&self) {
        if self.faults.is_dead() {
            std::future::pending::<()>().await;
        }
    }
}

fn unavailable(why: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, why)
}

#[async_trait]
impl<S: Store> Store for Flaky<S> {
    fn durability(&self) -> Durability {
        self.inner.durability()
    }

    fn trouble(&self) -> Option<String> {
        self.inner.trouble()
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }

    async fn commit_free(&self, changes: Vec<Change>) -> StoreResult<Vec<Outcome>> {
        let (held, free) = self.without_held(changes);
        let outcomes = self.meet(Method::Commit, self.inner.commit_free(free)).await?;
        Ok(with_held(held, outcomes))
    }

    async fn stirred(&self) {
        self.inner.stirred().await;
    }

    fn bus(&self) -> Option<Arc<dyn Bus>> {
        self.inner.bus()
    }
}

impl<S: Store> Flaky<S> {
    /// Returns which changes are of conversations that are held, and the others.
    fn without_held(&self, changes: Vec<Change>) -> (Vec<bool>, Vec<Change>) {
        let held: Vec<bool> = changes.iter().map(|change| self.faults.is_held(change.conv)).collect();
        let free = changes.into_iter().zip(&held).filter(|(_, held)| !**held).map(|(change, _)| change);
        let free = free.collect();
        (held, free)
    }
}

/// Puts the outcomes of the others between those of what is held.
fn with_held(held: Vec<bool>, outcomes: Vec<Outcome>) -> Vec<Outcome> {
    let mut outcomes = outcomes.into_iter();
    let outcome = |held| if held { Some(Outcome::Locked) } else { outcomes.next() };
    held.into_iter().filter_map(outcome).collect()
}

#[async_trait]
impl<S: Store> UserStore for Flaky<S> {
    async fn create_user(&self, new: NewUser) -> StoreResult<()> {
        self.meet(Method::CreateUser, self.inner.create_user(new)).await
    }

    async fn users(&self, ids: &[UserId]) -> StoreResult<Vec<Option<UserRow>>> {
        self.meet(Method::Users, self.inner.users(ids)).await
    }

    async fn credential(&self, scheme: &str, folded: &str) -> StoreResult<Option<Credential>> {
        self.meet(Method::Credential, self.inner.credential(scheme, folded)).await
    }

    async fn credential_of(&self, user: UserId, scheme: &str) -> StoreResult<Option<Credential>> {
        self.meet(Method::CredentialOf, self.inner.credential_of(user, scheme)).await
    }

    async fn update_user(&self, user: UserId, patch: UserPatch) -> StoreResult<UserRow> {
        self.meet(Method::UpdateUser, self.inner.update_user(user, patch)).await
    }

    async fn set_secret(&self, change: SecretChange) -> StoreResult<Vec<SessionId>> {
        self.meet(Method::SetSecret, self.inner.set_secret(change)).await
    }

    async fn forget_credentials(&self, user: UserId) -> StoreResult<u64> {
        self.meet(Method::ForgetCredentials, self.inner.forget_credentials(user)).await
    }

    async fn email_owner(&self, email: &EmailHash) -> StoreResult<Option<UserId>> {
        self.meet(Method::EmailOwner, self.inner.email_owner(email)).await
    }

    async fn search_users(&self, text: &str, except: &[UserId], limit: usize) -> StoreResult<Vec<UserRow>> {
        self.meet(Method::SearchUsers, self.inner.search_users(text, except, limit)).await
    }
}

#[async_trait]
impl<S: Store> SessionStore for Flaky<S> {
    async fn open_session(&self, row: SessionRow, max: usize) -> StoreResult<Vec<SessionId>> {
        self.meet(Method::OpenSession, self.inner.open_session(row, max)).await
    }

    async fn session(&self, id: SessionId) -> StoreResult<Option<SessionRow>> {
        self.meet(Method::Session, self.inner.session(id)).await
    }

    async fn sessions(&self, ids: &[SessionId]) -> StoreResult<Vec<Option<SessionRow>>> {
        self.meet(Method::Sessions, self.inner.sessions(ids)).await
    }

    async fn touch_session(
        &self,
        id: SessionId,
        used_at: Timestamp,
        expires_at: Timestamp,
    ) -> StoreResult<bool> {
        self.meet(Method::TouchSession, self.inner.touch_session(id, used_at, expires_at)).await
    }

    async fn refresh_session(&self, change: RefreshChange) -> StoreResult<()> {
        self.meet(Method::RefreshSession, self.inner.refresh_session(change)).await
    }

    async fn end_sessions(&self, user: UserId, which: EndSessions) -> StoreResult<Vec<SessionId>> {
        self.meet(Method::EndSessions, self.inner.end_sessions(user, which)).await
    }

    async fn sessions_of(&self, user: UserId) -> StoreResult<Vec<SessionRow>> {
        self.meet(Method::SessionsOf, self.inner.sessions_of(user)).await
    }
}

#[async_trait]
impl<S: Store> LinkStore for Flaky<S> {
    async fn create_link(&self, row: LinkRow) -> StoreResult<()> {
        self.meet(Method::CreateLink, self.inner.create_link(row)).await
    }

    async fn link(&self, code: &str) -> StoreResult<Option<LinkRow>> {
        self.meet(Method::Link, self.inner.link(code)).await
    }

    async fn links_of(&self, conv: ConvId) -> StoreResult<Vec<LinkRow>> {
        self.meet(Method::LinksOf, self.inner.links_of(conv)).await
    }

    async fn revoke_link(&self, conv: ConvId, code: &str) -> StoreResult<bool> {
        self.meet(Method::RevokeLink, self.inner.revoke_link(conv, code)).await
    }
}

#[async_trait]
impl<S: Store> ContactStore for Flaky<S> {
    async fn add_contacts(&self, pair: [UserId; 2], source: ContactSource, at: Timestamp) -> StoreResult<()> {
        self.meet(Method::AddContacts, self.inner.add_contacts(pair, source, at)).await
    }

    async fn remove_contacts(&self, pair: [UserId; 2]) -> StoreResult<()> {
        self.meet(Method::RemoveContacts, self.inner.remove_contacts(pair)).await
    }

    async fn name_contact(&self, owner: UserId, other: UserId, name: Option<Bytes>) -> StoreResult<bool> {
        self.meet(Method::NameContact, self.inner.name_contact(owner, other, name)).await
    }

    async fn contacts(&self, owner: UserId) -> StoreResult<Vec<ContactRow>> {
        self.meet(Method::Contacts, self.inner.contacts(owner)).await
    }
}

#[async_trait]
impl<S: Store> InviteStore for Flaky<S> {
    async fn create_invite(&self, row: InviteRow) -> StoreResult<()> {
        self.meet(Method::CreateInvite, self.inner.create_invite(row)).await
    }

    async fn invite(&self, code: &InviteHash) -> StoreResult<Option<InviteRow>> {
        self.meet(Method::Invite, self.inner.invite(code)).await
    }

    async fn invites_of(&self, inviter: UserId) -> StoreResult<Vec<InviteRow>> {
        self.meet(Method::InvitesOf, self.inner.invites_of(inviter)).await
    }

    async fn unused_invites(&self, email: &InviteHash, limit: usize) -> StoreResult<Vec<InviteRow>> {
        self.meet(Method::UnusedInvites, self.inner.unused_invites(email, limit)).await
    }

    async fn revoke_invite(&self, inviter: UserId, id: InviteId) -> StoreResult<bool> {
        self.meet(Method::RevokeInvite, self.inner.revoke_invite(inviter, id)).await
    }

    async fn use_invite(&self, id: InviteId, by: UserId, at: Timestamp) -> StoreResult<bool> {
        self.meet(Method::UseInvite, self.inner.use_invite(id, by, at)).await
    }
}

#[async_trait]
impl<S: Store> ConversationStore for Flaky<S> {
    async fn create_conversation(&self, new: NewConversation) -> StoreResult<(Arc<Conversation>, bool)> {
        self.meet(Method::CreateConversation, self.inner.create_conversation(new)).await
    }

    async fn conversation(&self, conv: ConvId) -> StoreResult<Option<Arc<Conversation>>> {
        self.meet(Method::Conversation, self.inner.conversation(conv)).await
    }

    async fn views(&self, viewer: UserId, query: ViewQuery) -> StoreResult<Views> {
        self.meet(Method::Views, self.inner.views(viewer, query)).await
    }

    async fn mark(&self, viewer: UserId, conv: ConvId, marks: Marks) -> StoreResult<Option<Marked>> {
        self.meet(Method::Mark, self.inner.mark(viewer, conv, marks)).await
    }

    async fn configure(
        &self,
        viewer: UserId,
        conv: ConvId,
        patch: MemberPatch,
    ) -> StoreResult<Option<(Counted, Option<Arc<Conversation>>)>> {
        self.meet(Method::Configure, self.inner.configure(viewer, conv, patch)).await
    }

    async fn hide(&self, viewer: UserId, conv: ConvId, seq: Seq) -> StoreResult<Option<Counted>> {
        self.meet(Method::Hide, self.inner.hide(viewer, conv, seq)).await
    }

    async fn receipts(
        &self,
        viewer: UserId,
        conv: ConvId,
        after: Option<UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<ReceiptRow>>> {
        self.meet(Method::Receipts, self.inner.receipts(viewer, conv, after, limit)).await
    }

    async fn peers(&self, user: UserId, max_members: usize) -> StoreResult<Vec<UserId>> {
        self.meet(Method::Peers, self.inner.peers(user, max_members)).await
    }

    async fn blocked_with(&self, user: UserId) -> StoreResult<Vec<UserId>> {
        self.meet(Method::BlockedWith, self.inner.blocked_with(user)).await
    }
}

#[async_trait]
impl<S: Store> MessageStore for Flaky<S> {
    async fn commit(&self, changes: Vec<Change>) -> StoreResult<Vec<Outcome>> {
        let (held, free) = self.without_held(changes);
        let outcomes = self.meet(Method::Commit, self.inner.commit(free)).await?;
        Ok(with_held(held, outcomes))
    }

    async fn message(&self, viewer: UserId, conv: ConvId, seq: Seq) -> StoreResult<Option<Message>> {
        self.meet(Method::Message, self.inner.message(viewer, conv, seq)).await
    }

    async fn page(
        &self,
        viewer: UserId,
        conv: ConvId,
        query: PageQuery,
        limit: usize,
    ) -> StoreResult<Option<Page>> {
        self.meet(Method::Page, self.inner.page(viewer, conv, query, limit)).await
    }

    async fn changes(
        &self,
        viewer: UserId,
        conv: ConvId,
        query: ChangesQuery,
    ) -> StoreResult<Option<Changes>> {
        self.meet(Method::Changes, self.inner.changes(viewer, conv, query)).await
    }

    async fn mentions(&self, viewer: UserId, limit: usize) -> StoreResult<Vec<Mention>> {
        self.meet(Method::Mentions, self.inner.mentions(viewer, limit)).await
    }

    async fn sent(&self, conv: ConvId, sender: UserId, cid: &str) -> StoreResult<Option<Sent>> {
        self.meet(Method::Sent, self.inner.sent(conv, sender, cid)).await
    }

    async fn happened(
        &self,
        conv: ConvId,
        after: Rev,
        upto: Rev,
    ) -> StoreResult<Vec<(LogEntry, Option<Message>)>> {
        self.meet(Method::Happened, self.inner.happened(conv, after, upto)).await
    }

    async fn log(&self, after: Position, limit: usize) -> StoreResult<LogPage> {
        self.meet(Method::Log, self.inner.log(after, limit)).await
    }

    async fn position(&self) -> StoreResult<Position> {
        self.meet(Method::Position, self.inner.position()).await
    }
}

#[async_trait]
impl<S: Store> ExpiryStore for Flaky<S> {
    async fn expire(&self, now: Timestamp, limit: usize) -> StoreResult<Expired> {
        self.meet(Method::Expire, self.inner.expire(now, limit)).await
    }
}
