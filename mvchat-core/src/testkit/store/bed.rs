//! What laws share: a store, fresh ids, a clock, and short words for what is done often.

use super::StoreFixture;
use crate::policy::{
    ConvKind, ConvSettings, Conversation, Message, MessageBody, MessageState, Print, Standing,
};
use crate::proto::{ConvId, Json, MsgId, Rev, Role, Seq, SessionId, UserId};
use crate::seam::{
    Amend, Append, Change, Changes, ChangesQuery, Committed, Credential, LogEvent, Marked, Marks,
    NewConversation, NewUser, Op, Outcome, Page, PageQuery, Revise, SessionRow, Store, UserRow, UserState,
    View, ViewQuery,
};
use crate::time::Timestamp;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// A store under test, with the means to fill it. Ids and times are the same in every run.
pub struct Bed {
    /// The store.
    pub store: Arc<dyn Store>,
    reopen: Box<dyn Fn() -> BoxFuture<'static, Arc<dyn Store>> + Send + Sync>,
    count: AtomicU64,
}

impl Bed {
    /// Opens a fixture's store.
    pub async fn open<F: StoreFixture>(fixture: F) -> Self {
        let fixture = Arc::new(fixture);
        let store = Arc::new(fixture.open().await);
        let reopen = move || -> BoxFuture<'static, Arc<dyn Store>> {
            let fixture = fixture.clone();
            Box::pin(async move { Arc::new(fixture.open().await) as Arc<dyn Store> })
        };
        Self { store, reopen: Box::new(reopen), count: AtomicU64::new(0) }
    }

    /// Drops the store and opens it again.
    pub(super) async fn reopen(self) -> Self {
        let Self { store, reopen, count } = self;
        assert_eq!(Arc::strong_count(&store), 1, "a law kept the store that it reopens");
        drop(store);
        let store = reopen().await;
        Self { store, reopen, count }
    }

    fn next(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Returns a fresh id; their order has nothing to do with the order in which they were made.
    fn id(&self) -> Uuid {
        let count = u128::from(self.next());
        Uuid::from_u128(count.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
    }

    pub(super) fn user(&self) -> UserId {
        UserId(self.id())
    }

    pub(super) fn users(&self, count: usize) -> Vec<UserId> {
        (0..count).map(|_| self.user()).collect()
    }

    pub(super) fn conv_id(&self) -> ConvId {
        ConvId(self.id())
    }

    pub(super) fn session_id(&self) -> SessionId {
        SessionId(self.id())
    }

    /// Returns a time that is later than those that were returned before.
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000) + Duration::from_millis(self.next())
    }

    pub(super) fn row(&self, name: &str) -> UserRow {
        UserRow {
            id: self.user(),
            state: UserState::Active,
            created_at: self.now(),
            public: Some(Json::from_value(&serde_json::json!({ "fn": name }))),
            private: None,
            email: None,
            lang: None,
            last_seen: None,
            must_change_password: false,
        }
    }

    pub(super) fn session(&self, user: UserId) -> SessionRow {
        let now = self.now();
        SessionRow {
            id: self.session_id(),
            user,
            device: Some("device".to_owned()),
            user_agent: None,
            created_at: now,
            used_at: now,
            expires_at: now + Duration::from_secs(3_600),
        }
    }

    /// Makes an account that is opened with `name`.
    pub(super) async fn account(&self, name: &str) -> UserId {
        let user = self.row(name);
        let id = user.id;
        let new = NewUser { credential: Some(credential(id, name)), user, session: None };
        self.store.create_user(new).await.unwrap();
        id
    }

    pub(super) async fn log_in(&self, user: UserId) -> SessionId {
        let row = self.session(user);
        let id = row.id;
        assert_eq!(self.store.open_session(row, 50).await.unwrap(), []);
        id
    }

    pub(super) fn new_conv(&self, kind: ConvKind, members: &[(UserId, Role)]) -> NewConversation {
        let owner = members.iter().find(|(_, role)| *role == Role::Owner).map(|(user, _)| *user);
        NewConversation {
            id: self.conv_id(),
            kind,
            members: members.iter().copied().collect(),
            owner,
            cid: None,
            settings: ConvSettings::default(),
            at: self.now(),
        }
    }

    pub(super) fn new_dm(&self, a: UserId, b: UserId) -> NewConversation {
        self.new_conv(ConvKind::Dm, &[(a, Role::Member), (b, Role::Member)])
    }

    pub(super) fn new_group(&self, owner: UserId, others: &[UserId]) -> NewConversation {
        let mut members = vec![(owner, Role::Owner)];
        members.extend(others.iter().map(|user| (*user, Role::Member)));
        self.new_conv(ConvKind::Group, &members)
    }

    pub(super) async fn create(&self, new: NewConversation) -> ConvId {
        let (conv, fresh) = self.store.create_conversation(new).await.unwrap();
        assert!(fresh, "a new conversation was taken for one that exists");
        conv.id
    }

    pub(super) async fn dm(&self, a: UserId, b: UserId) -> ConvId {
        self.create(self.new_dm(a, b)).await
    }

    pub(super) async fn group(&self, owner: UserId, others: &[UserId]) -> ConvId {
        self.create(self.new_group(owner, others)).await
    }

    pub(super) async fn conv(&self, conv: ConvId) -> Arc<Conversation> {
        self.store.conversation(conv).await.unwrap().expect("the conversation exists")
    }

    /// Makes a change on the epoch of now.
    pub(super) async fn change(&self, conv: ConvId, actor: UserId, op: Op) -> Change {
        Change { conv, actor, epoch: self.conv(conv).await.epoch, at: self.now(), op }
    }

    /// Makes a new message without cid.
    pub(super) fn text(&self, from: UserId) -> Append {
        let id = MsgId(self.id());
        Append {
            id,
            from: Some(from),
            cid: None,
            content: Bytes::from(format!("content of {id}")),
            reply_to: None,
            view_once: None,
            mentions: Vec::new(),
        }
    }

    /// Makes a change that sends a message without cid.
    pub(super) async fn sending(&self, conv: ConvId, from: UserId) -> Change {
        self.change(conv, from, Op::Append(self.text(from))).await
    }

    /// Makes a change that sends a message with a cid.
    pub(super) async fn sending_as(&self, conv: ConvId, from: UserId, cid: &str, print: u8) -> Change {
        let append = Append { cid: Some((cid.to_owned(), self::print(print))), ..self.text(from) };
        self.change(conv, from, Op::Append(append)).await
    }

    pub(super) async fn commit(&self, change: Change) -> Outcome {
        let mut outcomes = self.store.commit(vec![change]).await.unwrap();
        assert_eq!(outcomes.len(), 1, "one change has one outcome");
        outcomes.remove(0)
    }

    /// Commits a change that must be carried out.
    pub(super) async fn done(&self, change: Change) -> Committed {
        done(self.commit(change).await)
    }

    pub(super) async fn send(&self, conv: ConvId, from: UserId) -> Message {
        self.done(self.sending(conv, from).await).await.message.expect("a send answers with its message")
    }

    /// Sends many messages in one batch.
    pub(super) async fn send_many(&self, conv: ConvId, from: UserId, count: usize) {
        let change = self.sending(conv, from).await;
        let batch =
            (0..count).map(|_| Change { op: Op::Append(self.text(from)), ..change.clone() }).collect();
        self.store.commit(batch).await.unwrap().into_iter().for_each(|outcome| drop(done(outcome)));
    }

    /// Makes a change of a message as its state is now.
    pub(super) async fn revising(&self, conv: ConvId, actor: UserId, seq: Seq, body: MessageBody) -> Change {
        let expect = self.store.message(actor, conv, seq).await.unwrap().expect("it can be seen").rev;
        let event = if body.state == MessageState::Live { LogEvent::Edited } else { LogEvent::Unsent };
        self.change(conv, actor, Op::Revise(Revise { seq, expect, body, event })).await
    }

    pub(super) async fn edit(&self, conv: ConvId, actor: UserId, seq: Seq, content: &str) -> Committed {
        let body = MessageBody::new(Bytes::from(content.to_owned()), Vec::new());
        self.done(self.revising(conv, actor, seq, body).await).await
    }

    pub(super) async fn unsend(&self, conv: ConvId, actor: UserId, seq: Seq) -> Committed {
        self.done(self.revising(conv, actor, seq, MessageBody::tombstone(MessageState::Unsent)).await).await
    }

    /// Makes a change of settings.
    pub(super) async fn setting_ttl(&self, conv: ConvId, actor: UserId, ttl: u32) -> Change {
        let settings = ConvSettings { ttl: Some(ttl), ..self.conv(conv).await.settings.clone() };
        let event = LogEvent::TtlSet(Some(ttl));
        let amend = Amend { settings: Some(settings), owner: None, members: Vec::new(), event };
        self.change(conv, actor, Op::Amend(amend)).await
    }

    /// Sets a member's standing, as a plain member.
    pub(super) async fn stand(&self, conv: ConvId, user: UserId, standing: Standing) -> Committed {
        let event = match standing {
            Standing::Active => LogEvent::Joined(user),
            Standing::Left => LogEvent::Left(user),
            Standing::Kicked => LogEvent::Kicked(user),
        };
        let amend =
            Amend { settings: None, owner: None, members: vec![(user, Role::Member, standing)], event };
        self.done(self.change(conv, user, Op::Amend(amend)).await).await
    }

    pub(super) async fn mark(&self, viewer: UserId, conv: ConvId, marks: Marks) -> Marked {
        self.store.mark(viewer, conv, marks).await.unwrap().expect("an active member moves marks")
    }

    pub(super) async fn read(&self, viewer: UserId, conv: ConvId, seq: u64) -> Marked {
        self.mark(viewer, conv, Marks { read: Some(Seq(seq)), ..Marks::default() }).await
    }

    pub(super) async fn clear(&self, viewer: UserId, conv: ConvId, seq: u64) -> Marked {
        self.mark(viewer, conv, Marks { clear: Some(Seq(seq)), ..Marks::default() }).await
    }

    pub(super) async fn view(&self, viewer: UserId, conv: ConvId) -> View {
        let views = self.store.views(viewer, ViewQuery::One(conv)).await.unwrap();
        assert!(!views.more);
        views.rows.into_iter().next().expect("an active member has a view")
    }

    pub(super) async fn page(&self, viewer: UserId, conv: ConvId, query: PageQuery, limit: usize) -> Page {
        self.store.page(viewer, conv, query, limit).await.unwrap().expect("an active member reads pages")
    }

    pub(super) async fn changes(&self, viewer: UserId, conv: ConvId, since: Rev, limit: usize) -> Changes {
        let query = ChangesQuery { since, own: None, limit, max_span: 1_000 };
        self.store.changes(viewer, conv, query).await.unwrap().expect("an active member reads changes")
    }
}

impl fmt::Debug for Bed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bed({:?})", self.store)
    }
}

pub(super) fn credential(user: UserId, name: &str) -> Credential {
    Credential {
        user,
        scheme: "basic".to_owned(),
        name: name.to_owned(),
        folded: crate::seam::fold(name),
        secret: "secret".to_owned(),
    }
}

pub(super) fn print(fill: u8) -> Print {
    [fill; 32]
}

pub(super) fn done(outcome: Outcome) -> Committed {
    match outcome {
        Outcome::Done(committed) => committed,
        other => panic!("not carried out: {other:?}"),
    }
}

pub(super) fn seqs(page: &Page) -> Vec<u64> {
    page.messages.iter().map(|message| message.seq.0).collect()
}
