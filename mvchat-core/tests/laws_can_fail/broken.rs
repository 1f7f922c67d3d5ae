//! A store with one deliberate defect.

use async_trait::async_trait;
use bytes::Bytes;
use mvchat_core::builtin::MemoryStore;
use mvchat_core::policy::{Conversation, Message, MessageState};
use mvchat_core::proto::{ConvId, FileId, InviteId, Position, Rev, Seq, SessionId, UserId};
use mvchat_core::seam::*;
use mvchat_core::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    None,
    SeqReusedAfterUnsend,
    CidForgotten,
    CidForgottenOnReopening,
    PrintIgnored,
    StaleEpochIgnored,
    MarksGoBack,
    OutsidersRead,
    ShortPageIsTheEnd,
    EndedSessionsTouched,
    CursorAhead,
    RevokedLinksOpen,
    ContactsMadeAnew,
    EditedMentionsLost,
    InvitesUsedTwice,
    RevsPassedOver,
    SpentNamedOnce,
    NamesNotForgotten,
    RefreshNotCompared,
    FilesNotForgotten,
    FilesMadeAnew,
}

/// A memory store with a defect, opened for the so many-th time.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) inner: MemoryStore,
    pub(crate) defect: Defect,
    pub(crate) opened: u64,
    pub(crate) unsent: Arc<AtomicU64>,
}

impl Broken {
    async fn spoil(&self, mut change: Change) -> StoreResult<Change> {
        match self.defect {
            Defect::StaleEpochIgnored => {
                if let Some(conv) = self.inner.conversation(change.conv).await? {
                    change.epoch = conv.epoch;
                }
            }
            Defect::CidForgotten | Defect::PrintIgnored | Defect::CidForgottenOnReopening => {
                if let Op::Append(append) = &mut change.op
                    && let Some((cid, print)) = &mut append.cid
                {
                    match self.defect {
                        Defect::PrintIgnored => *print = [0; 32],
                        Defect::CidForgottenOnReopening if self.opened == 1 => {}
                        Defect::CidForgottenOnReopening => *cid = format!("{cid} of {}", self.opened),
                        _ => append.cid = None,
                    }
                }
            }
            _ => {}
        }
        Ok(change)
    }
}

impl Store for Broken {
    fn durability(&self) -> Durability {
        Durability::Process
    }
}

#[async_trait]
impl UserStore for Broken {
    async fn create_user(&self, new: NewUser) -> StoreResult<()> {
        self.inner.create_user(new).await
    }

    async fn users(&self, ids: &[UserId]) -> StoreResult<Vec<Option<UserRow>>> {
        self.inner.users(ids).await
    }

    async fn credential(&self, scheme: &str, folded: &str) -> StoreResult<Option<Credential>> {
        self.inner.credential(scheme, folded).await
    }

    async fn credential_of(&self, user: UserId, scheme: &str) -> StoreResult<Option<Credential>> {
        self.inner.credential_of(user, scheme).await
    }

    async fn update_user(&self, user: UserId, patch: UserPatch) -> StoreResult<UserRow> {
        self.inner.update_user(user, patch).await
    }

    async fn set_secret(&self, change: SecretChange) -> StoreResult<Vec<SessionId>> {
        self.inner.set_secret(change).await
    }

    async fn forget_credentials(&self, user: UserId) -> StoreResult<u64> {
        match self.defect {
            Defect::NamesNotForgotten => Ok(1),
            _ => self.inner.forget_credentials(user).await,
        }
    }

    async fn email_owner(&self, email: &EmailHash) -> StoreResult<Option<UserId>> {
        self.inner.email_owner(email).await
    }

    async fn search_users(&self, text: &str, except: &[UserId], limit: usize) -> StoreResult<Vec<UserRow>> {
        self.inner.search_users(text, except, limit).await
    }
}

#[async_trait]
impl SessionStore for Broken {
    async fn open_session(&self, row: SessionRow, max: usize) -> StoreResult<Vec<SessionId>> {
        self.inner.open_session(row, max).await
    }

    async fn session(&self, id: SessionId) -> StoreResult<Option<SessionRow>> {
        self.inner.session(id).await
    }

    async fn touch_session(
        &self,
        id: SessionId,
        used_at: Timestamp,
        expires_at: Timestamp,
    ) -> StoreResult<bool> {
        let touched = self.inner.touch_session(id, used_at, expires_at).await?;
        Ok(touched || self.defect == Defect::EndedSessionsTouched)
    }

    async fn refresh_session(&self, mut change: RefreshChange) -> StoreResult<()> {
        if self.defect == Defect::RefreshNotCompared
            && let Some(row) = self.inner.session(change.session).await?
        {
            change.expect = row.refresh;
        }
        self.inner.refresh_session(change).await
    }

    async fn end_sessions(&self, user: UserId, which: EndSessions) -> StoreResult<Vec<SessionId>> {
        self.inner.end_sessions(user, which).await
    }

    async fn sessions_of(&self, user: UserId) -> StoreResult<Vec<SessionRow>> {
        self.inner.sessions_of(user).await
    }
}

#[async_trait]
impl LinkStore for Broken {
    async fn create_link(&self, row: LinkRow) -> StoreResult<()> {
        self.inner.create_link(row).await
    }

    async fn link(&self, code: &str) -> StoreResult<Option<LinkRow>> {
        self.inner.link(code).await
    }

    async fn links_of(&self, conv: ConvId) -> StoreResult<Vec<LinkRow>> {
        self.inner.links_of(conv).await
    }

    async fn revoke_link(&self, conv: ConvId, code: &str) -> StoreResult<bool> {
        if self.defect == Defect::RevokedLinksOpen {
            return Ok(self.inner.link(code).await?.is_some_and(|link| link.conv == conv));
        }
        self.inner.revoke_link(conv, code).await
    }
}

#[async_trait]
impl ContactStore for Broken {
    async fn add_contacts(&self, pair: [UserId; 2], source: ContactSource, at: Timestamp) -> StoreResult<()> {
        if self.defect == Defect::ContactsMadeAnew {
            self.inner.remove_contacts(pair).await?;
        }
        self.inner.add_contacts(pair, source, at).await
    }

    async fn remove_contacts(&self, pair: [UserId; 2]) -> StoreResult<()> {
        self.inner.remove_contacts(pair).await
    }

    async fn name_contact(&self, owner: UserId, other: UserId, name: Option<Bytes>) -> StoreResult<bool> {
        self.inner.name_contact(owner, other, name).await
    }

    async fn contacts(&self, owner: UserId) -> StoreResult<Vec<ContactRow>> {
        self.inner.contacts(owner).await
    }
}

#[async_trait]
impl InviteStore for Broken {
    async fn create_invite(&self, row: InviteRow) -> StoreResult<()> {
        self.inner.create_invite(row).await
    }

    async fn invite(&self, code: &InviteHash) -> StoreResult<Option<InviteRow>> {
        self.inner.invite(code).await
    }

    async fn invites_of(&self, inviter: UserId) -> StoreResult<Vec<InviteRow>> {
        self.inner.invites_of(inviter).await
    }

    async fn unused_invites(&self, email: &InviteHash, limit: usize) -> StoreResult<Vec<InviteRow>> {
        self.inner.unused_invites(email, limit).await
    }

    async fn revoke_invite(&self, inviter: UserId, id: InviteId) -> StoreResult<bool> {
        self.inner.revoke_invite(inviter, id).await
    }

    async fn use_invite(&self, id: InviteId, by: UserId, at: Timestamp) -> StoreResult<bool> {
        let used = self.inner.use_invite(id, by, at).await?;
        Ok(used || self.defect == Defect::InvitesUsedTwice)
    }
}

#[async_trait]
impl FileStore for Broken {
    async fn create_file(&self, row: FileRow) -> StoreResult<bool> {
        if self.defect == Defect::FilesMadeAnew {
            self.inner.forget_files(row.uploader, 1).await?;
        }
        self.inner.create_file(row).await
    }

    async fn files(&self, ids: &[FileId]) -> StoreResult<Vec<Option<FileRow>>> {
        self.inner.files(ids).await
    }

    async fn files_of(
        &self,
        uploader: UserId,
        after: Option<(Timestamp, FileId)>,
        limit: usize,
    ) -> StoreResult<Vec<FileRow>> {
        self.inner.files_of(uploader, after, limit).await
    }

    async fn forget_files(&self, uploader: UserId, limit: usize) -> StoreResult<u64> {
        match self.defect {
            Defect::FilesNotForgotten => Ok(0),
            _ => self.inner.forget_files(uploader, limit).await,
        }
    }
}

#[async_trait]
impl ConversationStore for Broken {
    async fn create_conversation(&self, new: NewConversation) -> StoreResult<(Arc<Conversation>, bool)> {
        self.inner.create_conversation(new).await
    }

    async fn conversation(&self, conv: ConvId) -> StoreResult<Option<Arc<Conversation>>> {
        self.inner.conversation(conv).await
    }

    async fn views(&self, viewer: UserId, query: ViewQuery) -> StoreResult<Views> {
        let mut views = self.inner.views(viewer, query).await?;
        if self.defect == Defect::CursorAhead {
            views.position = views.position.next();
        }
        Ok(views)
    }

    async fn mark(&self, viewer: UserId, conv: ConvId, marks: Marks) -> StoreResult<Option<Marked>> {
        let marked = self.inner.mark(viewer, conv, marks).await?;
        Ok(marked.map(|mut marked| {
            if self.defect == Defect::MarksGoBack {
                marked.read = marks.read.unwrap_or(marked.read).min(marked.read);
            }
            marked
        }))
    }

    async fn configure(
        &self,
        viewer: UserId,
        conv: ConvId,
        patch: MemberPatch,
    ) -> StoreResult<Option<(Counted, Option<Arc<Conversation>>)>> {
        self.inner.configure(viewer, conv, patch).await
    }

    async fn hide(&self, viewer: UserId, conv: ConvId, seq: Seq) -> StoreResult<Option<Counted>> {
        self.inner.hide(viewer, conv, seq).await
    }

    async fn receipts(
        &self,
        viewer: UserId,
        conv: ConvId,
        after: Option<UserId>,
        limit: usize,
    ) -> StoreResult<Option<Vec<ReceiptRow>>> {
        self.inner.receipts(viewer, conv, after, limit).await
    }

    async fn peers(&self, user: UserId, max_members: usize) -> StoreResult<Vec<UserId>> {
        self.inner.peers(user, max_members).await
    }

    async fn blocked_with(&self, user: UserId) -> StoreResult<Vec<UserId>> {
        self.inner.blocked_with(user).await
    }
}

#[async_trait]
impl MessageStore for Broken {
    async fn commit(&self, changes: Vec<Change>) -> StoreResult<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        for change in changes {
            outcomes.extend(self.inner.commit(vec![self.spoil(change).await?]).await?);
        }
        if self.defect == Defect::SeqReusedAfterUnsend {
            for outcome in &mut outcomes {
                if let Outcome::Done(Committed { message: Some(message), .. }) = outcome {
                    if message.body.state == MessageState::Live {
                        message.seq.0 -= self.unsent.load(Ordering::SeqCst);
                    } else {
                        self.unsent.fetch_add(1, Ordering::SeqCst);
                    }
                }
            }
        }
        Ok(outcomes)
    }

    async fn message(&self, viewer: UserId, conv: ConvId, seq: Seq) -> StoreResult<Option<Message>> {
        self.inner.message(viewer, conv, seq).await
    }

    async fn page(
        &self,
        viewer: UserId,
        conv: ConvId,
        query: PageQuery,
        limit: usize,
    ) -> StoreResult<Option<Page>> {
        let mut page = self.inner.page(viewer, conv, query, limit).await?;
        if self.defect == Defect::OutsidersRead
            && page.is_none()
            && let Some(other) = self.inner.conversation(conv).await?
            && let Some((member, _)) = other.active_members().next()
        {
            page = self.inner.page(member, conv, query, limit).await?;
        }
        if self.defect == Defect::ShortPageIsTheEnd {
            page = page.map(|page| Page { more: page.messages.len() == limit, ..page });
        }
        Ok(page)
    }

    async fn changes(
        &self,
        viewer: UserId,
        conv: ConvId,
        query: ChangesQuery,
    ) -> StoreResult<Option<Changes>> {
        self.inner.changes(viewer, conv, query).await
    }

    async fn happened(
        &self,
        conv: ConvId,
        after: Rev,
        upto: Rev,
    ) -> StoreResult<Vec<(LogEntry, Option<Message>)>> {
        let mut happened = self.inner.happened(conv, after, upto).await?;
        if self.defect == Defect::RevsPassedOver {
            happened.retain(|(entry, _)| entry.rev.0 % 3 != 0);
        }
        Ok(happened)
    }

    async fn mentions(&self, viewer: UserId, limit: usize) -> StoreResult<Vec<Mention>> {
        let mut mentions = self.inner.mentions(viewer, limit).await?;
        if self.defect == Defect::EditedMentionsLost {
            mentions.retain(|mention| mention.message.body.edits == 0);
        }
        Ok(mentions)
    }

    async fn sent(&self, conv: ConvId, sender: UserId, cid: &str) -> StoreResult<Option<Sent>> {
        self.inner.sent(conv, sender, cid).await
    }

    async fn log(&self, after: Position, limit: usize) -> StoreResult<LogPage> {
        self.inner.log(after, limit).await
    }

    async fn position(&self) -> StoreResult<Position> {
        self.inner.position().await
    }
}

#[async_trait]
impl ExpiryStore for Broken {
    async fn expire(&self, now: Timestamp, limit: usize) -> StoreResult<Expired> {
        let mut expired = self.inner.expire(now, limit).await?;
        if self.defect == Defect::SpentNamedOnce {
            expired
                .spent
                .retain(|(_, message)| message.seq.0 > self.unsent.swap(message.seq.0, Ordering::Relaxed));
        }
        Ok(expired)
    }
}
