//! No statement reads a large table from one end to the other.

use crate::support::Database;
use mvchat_core::policy::{ConvSettings, MessageBody};
use mvchat_core::proto::{ConvId, Epoch, FileId, MsgId, Own, Position, Rev, Seq, SessionId, UserId};
use mvchat_core::seam::{
    Amend, Append, Change, ChangesQuery, ContactStore, ConversationStore, FileStore, InviteStore, LinkStore,
    LogEvent, Marks, MemberPatch, MessageStore, Op, Outcome, PageQuery, Revise, SessionStore, UserPatch,
    UserState, UserStore, ViewQuery, Warrant,
};
use mvchat_core::time::Timestamp;
use mvchat_store_postgres::PgStore;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, Row};
use std::str::FromStr;
use uuid::Uuid;

/// So many rows are many.
const MANY: usize = 5_000;
const CONVS: usize = 20_000;

fn user(number: usize) -> UserId {
    UserId(Uuid::from_u128(number as u128 + 1))
}

fn conv(number: usize) -> ConvId {
    ConvId(Uuid::from_u128(number as u128 + 1))
}

fn change(number: usize, op: Op) -> Change {
    let session = Some(SessionId(user(0).0));
    let warrant = Some(Warrant { session, state: UserState::Active, must_change_password: false });
    let at = Timestamp::from_micros(9);
    Change { conv: conv(number), actor: user(0), epoch: Epoch(0), warrant, at, op }
}

fn append(cid: String) -> Op {
    Op::Append(Append {
        id: MsgId(Uuid::nil()),
        from: Some(user(0)),
        cid: Some((cid, [1; 32])),
        content: "x".into(),
        reply_to: Some(Seq(1)),
        view_once: None,
        expires_in: None,
        event: None,
        pace: None,
        mentions: vec![user(1)],
    })
}

pub(crate) async fn none() {
    let database = Database::fresh();
    let options = PgConnectOptions::from_str(&database.url).unwrap().application_name(&database.schema);
    let pool = PgPoolOptions::new().max_connections(3).connect_lazy_with(options);
    let weak = PgStore::with_pool(pool.clone()).schema(&database.schema).accept_weak_durability();
    let store = weak.build().await.unwrap();
    fill(&store, &database.schema).await;
    let mut watch = PgConnection::connect(&database.url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "analyze {0}.users, {0}.credentials, {0}.sessions, {0}.conversations, \
         {0}.members, {0}.messages, {0}.log, {0}.contacts, {0}.mentions, {0}.files",
        database.schema
    )))
    .execute(&mut watch)
    .await
    .unwrap();
    // As often as it takes until the server settles for plans that fit all arguments.
    for round in 0..12 {
        use_everything(&store, round).await;
    }
    pool.close().await;
    // A session's counts are there when it is gone.
    loop {
        let left = sqlx::query("select count(*) from pg_stat_activity where application_name = $1");
        let left: i64 = left.bind(&database.schema).fetch_one(&mut watch).await.unwrap().get(0);
        if left == 0 {
            break;
        }
    }
    let found = scans(&mut watch, &database.schema).await;
    assert!(found.is_empty(), "read as a whole, and how often: {found:?}");
}

/// Returns the large tables that were read from end to end since they were filled.
async fn scans(watch: &mut PgConnection, schema: &str) -> Vec<(String, i64)> {
    sqlx::query("select pg_stat_clear_snapshot()").execute(&mut *watch).await.unwrap();
    let rows = sqlx::query(
        "select relname::text, seq_tup_read / n_live_tup from pg_stat_user_tables \
         where schemaname = $1 and n_live_tup >= 500 and seq_tup_read >= 3 * n_live_tup",
    );
    let rows = rows.bind(schema).fetch_all(watch).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn fill(store: &PgStore, schema: &str) {
    let text = format!(
        "insert into {schema}.users (id, state, name, must_change_password, row) \
         select lpad(to_hex(n), 32, '0')::uuid, 1, ('name ' || n)::bytea, false, \
         json_build_object('id', lpad(to_hex(n), 32, '0')::uuid, 'state', 'active', \
         'created_at', '2026-01-01T00:00:00.000000Z', 'must_change_password', false)::text \
         from generate_series(1, {MANY}) n; \
         insert into {schema}.credentials (scheme, folded, user_id, name, secret) \
         select 'basic', ('name' || n)::bytea, lpad(to_hex(n), 32, '0')::uuid, '', '' from generate_series(1, {MANY}) n; \
         insert into {schema}.sessions (id, user_id, used_at, expires_at, row) \
         select lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(n), 32, '0')::uuid, n, n, '' from generate_series(1, {MANY}) n; \
         insert into {schema}.contacts (owner, other, source, created_at, trusts, trusted) \
         select lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(n + 1), 32, '0')::uuid, 1, n, true, true \
         from generate_series(1, {MANY}) n; \
         insert into {schema}.files (id, uploader, created_at, mime, size, location, state, sealed) \
         select lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(n % 50), 32, '0')::uuid, n, '', n, '', 2, '' \
         from generate_series(1, {MANY}) n; \
         insert into {schema}.conversations (id, kind, epoch, created_at, settings, active, touched) \
         select lpad(to_hex(n), 32, '0')::uuid, 2, 0, n, '{{}}', 10, n from generate_series(1, {CONVS}) n; \
         insert into {schema}.members (conv, user_id, role, standing, joined_at) \
         select lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(n % 4000 + 2 + p), 32, '0')::uuid, 1, 1, n \
         from generate_series(1, {CONVS}) n, generate_series(1, 9) p; \
         insert into {schema}.members (conv, user_id, role, standing, joined_at) \
         select lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(1), 32, '0')::uuid, 1, 1, n from generate_series(1, 500) n; \
         insert into {schema}.log (pos, conv, rev, last_seq, actor, at, event) \
         select n, lpad(to_hex(n), 32, '0')::uuid, 0, 0, lpad(to_hex(1), 32, '0')::uuid, n, '\"created\"' \
         from generate_series(1, {CONVS}) n"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(store.pool()).await.unwrap();
    for number in 0..20 {
        let batch = (0..500).map(|at| change(at, append(format!("fill {number}")))).collect();
        let outcomes = store.commit(batch).await.unwrap();
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Done(_))), "{outcomes:?}");
    }
}

async fn use_everything(store: &PgStore, round: usize) {
    let (me, other, here) = (user(0), user(round + 1), conv(round));
    let at = Timestamp::from_micros(round as i64);
    // Accounts.
    store.users(&[me, other]).await.unwrap();
    store.credential("basic", "name7").await.unwrap();
    store.credential_of(me, "basic").await.unwrap();
    store.email_owner(&[1; 32]).await.unwrap();
    let mut seen = UserPatch::default();
    seen.last_seen = Some(at);
    store.update_user(me, seen).await.unwrap();
    store.sessions_of(UserId(Uuid::nil())).await.unwrap();
    store.session(mvchat_core::proto::SessionId(Uuid::nil())).await.unwrap();
    store.contacts(me).await.unwrap();
    store.unused_invites(&[1; 32], 10).await.unwrap();
    store.links_of(here).await.unwrap();
    let file = |number: usize| FileId(user(number).0);
    store.files(&[file(round), file(MANY + 1)]).await.unwrap();
    let first = store.files_of(me, None, 5).await.unwrap();
    let last = first.last().map(|row| (row.created_at, row.id));
    assert_eq!(store.files_of(me, last, 5).await.unwrap().len(), 5);
    assert!(!store.create_file(first[0].clone()).await.unwrap());
    assert_eq!(store.forget_files(other, 3).await.unwrap(), 3);
    // Conversations.
    store.conversation(here).await.unwrap();
    store.views(me, ViewQuery::One(here)).await.unwrap();
    store.views(other, ViewQuery::Page { before: None, limit: 10 }).await.unwrap();
    store.views(other, ViewQuery::Since { position: Position(0), limit: 10 }).await.unwrap();
    let mut marks = Marks::default();
    marks.read = Some(Seq(3));
    store.mark(me, here, marks).await.unwrap();
    let mut patch = MemberPatch::default();
    patch.muted = Some(round.is_multiple_of(2));
    store.configure(me, here, patch).await.unwrap();
    store.hide(me, here, Seq(2)).await.unwrap();
    store.receipts(me, here, None, 10).await.unwrap();
    store.peers(other, 100).await.unwrap();
    store.blocked_with(other).await.unwrap();
    // Messages.
    for query in
        [PageQuery::Newest, PageQuery::Before(Seq(9)), PageQuery::After(Seq(9)), PageQuery::Around(Seq(9))]
    {
        store.page(me, here, query, 5).await.unwrap().unwrap();
    }
    store.message(me, here, Seq(5)).await.unwrap();
    let query = ChangesQuery { since: Rev(15), own: Some(Own(0)), limit: 5, max_span: 1_000 };
    store.changes(me, here, query).await.unwrap().unwrap();
    store.mentions(user(1), 10).await.unwrap();
    store.sent(here, me, "fill 3").await.unwrap();
    store.happened(here, Rev(3), Rev(9)).await.unwrap();
    store.position().await.unwrap();
    let late = store.position().await.unwrap();
    store.log(late, 10).await.unwrap();
    store.log(Position(0), 10).await.unwrap();
    let body = MessageBody::new("y".into(), vec![user(2)]);
    let revise = Op::Revise(Revise { seq: Seq(4), expect: Rev(4), body, event: LogEvent::Edited });
    let amend =
        Op::Amend(Amend { settings: Some(ConvSettings::default()), ..Amend::new(LogEvent::ProfileSet) });
    let first = round * 5 + 20;
    for op in [append(format!("one {round}")), revise, amend] {
        store.commit(vec![change(first, op)]).await.unwrap();
    }
    let many = (0..20).map(|place| change(place + 100, append(format!("many {round}")))).collect();
    store.commit(many).await.unwrap();
}
