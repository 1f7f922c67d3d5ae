//! Stores around stores: every call is handed on, through a function that sees which it is.

/// Implements [`Store`](crate::seam::Store) by the store in a field.
///
/// Every call goes through a method of the type, which is given the [`Method`](crate::seam::Method) and the call under
/// way, and returns the answer; commits go to another, which is given the method and the changes. A store that hands
/// calls on by hand forgets the next method that has a default.
macro_rules! hand_on {
    ([$($of:tt)*] $type:ty, to $inner:ident, through $through:ident, commits through $write:ident) => {
        const _: () = {
            use $crate::policy::{Conversation, Message};
            use $crate::proto::{ConvId, FileId, InviteId, Position, Rev, Seq, SessionId, UserId};
            use $crate::seam::*;
            use $crate::time::Timestamp;
            use bytes::Bytes;
            use std::sync::Arc;

            #[async_trait::async_trait]
            impl<$($of)*> Store for $type {
                fn durability(&self) -> Durability {
                    self.$inner.durability()
                }

                fn trouble(&self) -> Option<String> {
                    self.$inner.trouble()
                }

                fn is_shared(&self) -> bool {
                    self.$inner.is_shared()
                }

                async fn commit_free(&self, changes: Vec<Change>) -> StoreResult<Vec<Outcome>> {
                    self.$write(Method::CommitFree, changes).await
                }

                async fn stirred(&self) {
                    self.$inner.stirred().await;
                }

                fn bus(&self) -> Option<Arc<dyn Bus>> {
                    self.$inner.bus()
                }
            }

            #[async_trait::async_trait]
            impl<$($of)*> UserStore for $type {
                async fn create_user(&self, new: NewUser) -> StoreResult<()> {
                    self.$through(Method::CreateUser, self.$inner.create_user(new)).await
                }

                async fn users(&self, ids: &[UserId]) -> StoreResult<Vec<Option<UserRow>>> {
                    self.$through(Method::Users, self.$inner.users(ids)).await
                }

                async fn credential(&self, scheme: &str, folded: &str) -> StoreResult<Option<Credential>> {
                    self.$through(Method::Credential, self.$inner.credential(scheme, folded)).await
                }

                async fn credential_of(&self, user: UserId, scheme: &str) -> StoreResult<Option<Credential>> {
                    self.$through(Method::CredentialOf, self.$inner.credential_of(user, scheme)).await
                }

                async fn update_user(&self, user: UserId, patch: UserPatch) -> StoreResult<UserRow> {
                    self.$through(Method::UpdateUser, self.$inner.update_user(user, patch)).await
                }

                async fn set_secret(&self, change: SecretChange) -> StoreResult<Vec<SessionId>> {
                    self.$through(Method::SetSecret, self.$inner.set_secret(change)).await
                }

                async fn forget_credentials(&self, user: UserId) -> StoreResult<u64> {
                    self.$through(Method::ForgetCredentials, self.$inner.forget_credentials(user)).await
                }

                async fn email_owner(&self, email: &EmailHash) -> StoreResult<Option<UserId>> {
                    self.$through(Method::EmailOwner, self.$inner.email_owner(email)).await
                }

                async fn search_users(&self, text: &str, except: &[UserId], limit: usize) -> StoreResult<Vec<UserRow>> {
                    self.$through(Method::SearchUsers, self.$inner.search_users(text, except, limit)).await
                }
            }

            #[async_trait::async_trait]
            impl<$($of)*> SessionStore for $type {
                async fn open_session(&self, row: SessionRow, max: usize) -> StoreResult<Vec<SessionId>> {
                    self.$through(Method::OpenSession, self.$inner.open_session(row, max)).await
                }

                async fn session(&self, id: SessionId) -> StoreResult<Option<SessionRow>> {
                    self.$through(Method::Session, self.$inner.session(id)).await
                }

                async fn sessions(&self, ids: &[SessionId]) -> StoreResult<Vec<Option<SessionRow>>> {
                    self.$through(Method::Sessions, self.$inner.sessions(ids)).await
                }

                async fn touch_session(
                    &self,
                    id: SessionId,
                    used_at: Timestamp,
                    expires_at: Timestamp,
                ) -> StoreResult<bool> {
                    self.$through(Method::TouchSession, self.$inner.touch_session(id, used_at, expires_at)).await
                }

                async fn refresh_session(&self, change: RefreshChange) -> StoreResult<()> {
                    self.$through(Method::RefreshSession, self.$inner.refresh_session(change)).await
                }

                async fn end_sessions(&self, user: UserId, which: EndSessions) -> StoreResult<Vec<SessionId>> {
                    self.$through(Method::EndSessions, self.$inner.end_sessions(user, which)).await
                }

                async fn sessions_of(&self, user: UserId) -> StoreResult<Vec<SessionRow>> {
                    self.$through(Method::SessionsOf, self.$inner.sessions_of(user)).await
                }
            }

            #[async_trait::async_trait]
            impl<$($of)*> LinkStore for $type {
                async fn create_link(&self, row: LinkRow) -> StoreResult<()> {
                    self.$through(Method::CreateLink, self.$inner.create_link(row)).await
                }

                async fn link(&self, code: &str) -> StoreResult<Option<LinkRow>> {
                    self.$through(Method::Link, self.$inner.link(code)).await
                }

                async fn links_of(&self, conv: ConvId) -> StoreResult<Vec<LinkRow>> {
                    self.$through(Method::LinksOf, self.$inner.links_of(conv)).await
                }

                async fn revoke_link(&self, conv: ConvId, code: &str) -> StoreResult<bool> {
                    self.$through(Method::RevokeLink, self.$inner.revoke_link(conv, code)).await
                }
            }

            #[async_trait::async_trait]
            impl<$($of)*> ContactStore for $type {
                async fn add_contacts(&self, pair: [UserId; 2], source: ContactSource, at: Timestamp) -> StoreResult<()> {
                    self.$through(Method::AddContacts, self.$inner.add_contacts(pair, source, at)).await
                }

                async fn remove_contacts(&self, pair: [UserId; 2]) -> StoreResult<()> {
                    self.$through(Method::RemoveContacts, self.$inner.remove_contacts(pair)).await
                }

                async fn name_contact(&self, owner: UserId, other: UserId, name: Option<Bytes>) -> StoreResult<bool> {
                    self.$through(Method::NameContact, self.$inner.name_contact(owner, other, name)).await
                }

                async fn contacts(&self, owner: UserId) -> StoreResult<Vec<ContactRow>> {
                    self.$through(Method::Contacts, self.$inner.contacts(owner)).await
                }
            }

            #[async_trait::async_trait]
            impl<$($of)*> InviteStore for $type {
                async fn create_invite(&self, row: InviteRow) -> StoreResult<()> {
                    self.$through(Method::CreateInvite, self.$inner.create_invite(row)).await
                }

                async fn invite(&self, code: &InviteHash) -> StoreResult<Option<InviteRow>> {
                    self.$through(Method::Invite, self.$inner.invite(code)).await
                }

                async fn invites_of(&self, inviter: UserId) -> StoreResult<Vec<InviteRow>> {
                    self.$through(Method::InvitesOf, self.$inner.invites_of(inviter)).await
                }

                async fn unused_invites(&self, email: &InviteHash, limit: usize) -> StoreResult<Vec<InviteRow>> {
                    self.$through(Method::UnusedInvites, self.$inner.unused_invites(email, limit)).await
                }

                async fn revoke_invite(&self, inviter: UserId, id: InviteId) -> StoreResult<bool> {
                    self.$through(Method::RevokeInvite, self.$inner.revoke_invite(inviter, id)).await
                }

                async fn use_invite(&self, id: InviteId, by: UserId, at: Timestamp) -> StoreResult<bool> {
                    self.$through(Method::UseInvite, self.$inner.use_invite(id, by, at)).await
                }
            }

            #[async_trait::async_trait]
            impl<$($of)*> FileStore for $type {
                async fn create_file(&self, row: FileRow) -> StoreResult<bool> {
                    self.$through(Method::CreateFile, self.$inner.create_file(row)).await
                }

                async fn files(&self, ids: &[FileId]) -> StoreResult<Vec<Option<FileRow>>> {
                    self.$through(Method::Files, self.$inner.files(ids)).await
                }

                async fn files_of(
                    &self,
                    uploader: UserId,
                    after: Option<(Timestamp, FileId)>,
                    limit: usize,
                ) -> StoreResult<Vec<FileRow>> {
                    self.$through(Method::FilesOf, self.$inner.files_of(uploader, after, limit)).await
                }

                async fn forget_files(&self, uploader: UserId, limit: usize) -> StoreResult<u64> {
                    self.$through(Method::ForgetFiles, self.$inner.forget_files(uploader, limit)).await
                }
            }

            #[async_trait::async_trait]
            impl<$($of)*> ConversationStore for $type {
                async fn create_conversation(&self, new: NewConversation) -> StoreResult<(Arc<Conversation>, bool)> {
                    self.$through(Method::CreateConversation, self.$inner.create_conversation(new)).await
                }

                async fn conversation(&self, conv: ConvId) -> StoreResult<Option<Arc<Conversation>>> {
                    self.$through(Method::Conversation, self.$inner.conversation(conv)).await
                }

                async fn views(&self, viewer: UserId, query: ViewQuery) -> StoreResult<Views> {
                    self.$through(Method::Views, self.$inner.views(viewer, query)).await
                }

                async fn mark(&self, viewer: UserId, conv: ConvId, marks: Marks) -> StoreResult<Option<Marked>> {
                    self.$through(Method::Mark, self.$inner.mark(viewer, conv, marks)).await
                }

                async fn configure(
                    &self,
                    viewer: UserId,
                    conv: ConvId,
                    patch: MemberPatch,
                ) -> StoreResult<Option<(Counted, Option<Arc<Conversation>>)>> {
                    self.$through(Method::Configure, self.$inner.configure(viewer, conv, patch)).await
                }

                async fn hide(&self, viewer: UserId, conv: ConvId, seq: Seq) -> StoreResult<Option<Counted>> {
                    self.$through(Method::Hide, self.$inner.hide(viewer, conv, seq)).await
                }

                async fn receipts(
                    &self,
                    viewer: UserId,
                    conv: ConvId,
                    after: Option<UserId>,
                    limit: usize,
                ) -> StoreResult<Option<Vec<ReceiptRow>>> {
                    self.$through(Method::Receipts, self.$inner.receipts(viewer, conv, after, limit)).await
                }

                async fn peers(&self, user: UserId, max_members: usize) -> StoreResult<Vec<UserId>> {
                    self.$through(Method::Peers, self.$inner.peers(user, max_members)).await
                }

                async fn blocked_with(&self, user: UserId) -> StoreResult<Vec<UserId>> {
                    self.$through(Method::BlockedWith, self.$inner.blocked_with(user)).await
                }
            }

            #[async_trait::async_trait]
            impl<$($of)*> MessageStore for $type {
                async fn commit(&self, changes: Vec<Change>) -> StoreResult<Vec<Outcome>> {
                    self.$write(Method::Commit, changes).await
                }

                async fn message(&self, viewer: UserId, conv: ConvId, seq: Seq) -> StoreResult<Option<Message>> {
                    self.$through(Method::Message, self.$inner.message(viewer, conv, seq)).await
                }

                async fn page(
                    &self,
                    viewer: UserId,
                    conv: ConvId,
                    query: PageQuery,
                    limit: usize,
                ) -> StoreResult<Option<Page>> {
                    self.$through(Method::Page, self.$inner.page(viewer, conv, query, limit)).await
                }

                async fn changes(
                    &self,
                    viewer: UserId,
                    conv: ConvId,
                    query: ChangesQuery,
                ) -> StoreResult<Option<Changes>> {
                    self.$through(Method::Changes, self.$inner.changes(viewer, conv, query)).await
                }

                async fn mentions(&self, viewer: UserId, limit: usize) -> StoreResult<Vec<Mention>> {
                    self.$through(Method::Mentions, self.$inner.mentions(viewer, limit)).await
                }

                async fn sent(&self, conv: ConvId, sender: UserId, cid: &str) -> StoreResult<Option<Sent>> {
                    self.$through(Method::Sent, self.$inner.sent(conv, sender, cid)).await
                }

                async fn happened(
                    &self,
                    conv: ConvId,
                    after: Rev,
                    upto: Rev,
                ) -> StoreResult<Vec<(LogEntry, Option<Message>)>> {
                    self.$through(Method::Happened, self.$inner.happened(conv, after, upto)).await
                }

                async fn log(&self, after: Position, limit: usize) -> StoreResult<LogPage> {
                    self.$through(Method::Log, self.$inner.log(after, limit)).await
                }

                async fn position(&self) -> StoreResult<Position> {
                    self.$through(Method::Position, self.$inner.position()).await
                }
            }

            #[async_trait::async_trait]
            impl<$($of)*> ExpiryStore for $type {
                async fn expire(&self, now: Timestamp, limit: usize) -> StoreResult<Expired> {
                    self.$through(Method::Expire, self.$inner.expire(now, limit)).await
                }
            }
        };
    };
}

pub(crate) use hand_on;

#[cfg(test)]
mod tests {
    /// The traits that a store consists of.
    const SEAMS: [&str; 10] = [
        include_str!("store.rs"),
        include_str!("users.rs"),
        include_str!("sessions.rs"),
        include_str!("conversations.rs"),
        include_str!("messages.rs"),
        include_str!("contacts.rs"),
        include_str!("invites.rs"),
        include_str!("files.rs"),
        include_str!("links.rs"),
        include_str!("expiry.rs"),
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
        let own = include_str!("hand_on.rs");
        let all: Vec<_> = SEAMS.into_iter().flat_map(methods).collect();
        assert!(all.len() > 50, "{all:?}");
        for method in all {
            let is_commit = matches!(method, "commit" | "commit_free");
            let call = if is_commit { format!("fn {method}(") } else { format!("self.$inner.{method}(") };
            assert!(own.contains(&call), "{method} is not handed on");
        }
    }
}
