//! What laws share: a store, fresh ids, a clock, and short words for what is done often.

use super::StoreFixture;
use crate::policy::{ConvKind, ConvSettings, Conversation, Print, Refresh};
use crate::proto::{ConvId, Json, Rev, Role, Seq, SessionId, UserId};
use crate::seam::{
    Changes, ChangesQuery, Committed, Credential, Marked, Marks, NewConversation, NewUser, Outcome, Page,
    PageQuery, SessionRow, Store, UserRow, View, ViewQuery,
};
use crate::time::Timestamp;
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

    /// Takes a store that is open, and is not reopened.
    pub(super) fn of(store: Arc<dyn Store>) -> Self {
        let reopen = || -> BoxFuture<'static, Arc<dyn Store>> {
            Box::pin(async { panic!("this store is not reopened") })
        };
        Self { store, reopen: Box::new(reopen), count: AtomicU64::new(0) }
    }

    /// Leaves out so many ids and times, because another bed has given them out.
    pub(super) fn skip(&self, count: u64) {
        self.count.fetch_add(count, Ordering::Relaxed);
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
    pub(super) fn id(&self) -> Uuid {
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
        let public = Some(Json::from_value(&serde_json::json!({ "fn": name })));
        UserRow { public, ..UserRow::new(self.user(), self.now()) }
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
            until: Some(now + Duration::from_secs(7_200)),
            refresh: Some(Refresh { used: Some([1; 32]), live: vec![[2; 32], [3; 32]] }),
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
            max_per_user: None,
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
