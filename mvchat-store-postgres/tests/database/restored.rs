//! Tables that were restored from the dump of another server, whose transactions had higher ids.

use crate::support::Database;
use mvchat_core::policy::{ConvKind, ConvSettings};
use mvchat_core::proto::{ConvId, Epoch, MsgId, Position, Role, UserId};
use mvchat_core::seam::{
    Append, Change, ConversationStore, MessageStore, NewConversation, Op, Outcome, ViewQuery,
};
use mvchat_core::time::Timestamp;
use uuid::Uuid;

pub(crate) async fn goes_on() {
    let database = Database::fresh();
    let store = database.open().await;
    let (user, conv) = (UserId(Uuid::new_v4()), ConvId(Uuid::new_v4()));
    let new = NewConversation {
        id: conv,
        kind: ConvKind::Me,
        members: [(user, Role::Member)].into(),
        owner: None,
        cid: None,
        settings: ConvSettings::default(),
        max_per_user: None,
        at: Timestamp::default(),
    };
    store.create_conversation(new).await.unwrap();
    let send = || Change {
        conv,
        actor: user,
        epoch: Epoch(0),
        warrant: None,
        at: Timestamp::default(),
        op: Op::Append(Append {
            id: MsgId(Uuid::new_v4()),
            from: Some(user),
            cid: None,
            content: b"sealed".to_vec().into(),
            reply_to: None,
            view_once: None,
            expires_in: None,
            event: None,
            pace: None,
            mentions: Vec::new(),
        }),
    };
    store.commit(vec![send()]).await.unwrap();
    // As if the transactions here had begun to count anew.
    let schema = &database.schema;
    let text = format!(
        "update {schema}.messages set pos = pos + (1::bigint << 45); \
         update {schema}.log set pos = pos + (1::bigint << 45); \
         update {schema}.conversations set touched = touched + (1::bigint << 45)"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(store.pool()).await.unwrap();
    drop(store);

    let store = database.open().await;
    let all = store.log(Position(0), 10).await.unwrap();
    assert_eq!(all.entries.len(), 2, "what was there is read");
    let newest = ViewQuery::Page { before: None, limit: 9 };
    let since = store.views(user, newest).await.unwrap().position;
    let outcomes = store.commit(vec![send()]).await.unwrap();
    let Some(Outcome::Done(done)) = outcomes.first() else { panic!("{outcomes:?}") };
    assert!(done.position > since && since >= all.entries[1].position);
    let next = store.log(all.position, 10).await.unwrap();
    assert_eq!(next.entries.len(), 1, "what comes is after it");
    let touched = store.views(user, ViewQuery::Since { position: since, limit: 9 }).await.unwrap();
    assert_eq!(touched.rows.len(), 1);

    // Once is enough.
    let base = async |store: &mvchat_store_postgres::PgStore| {
        let text = sqlx::AssertSqlSafe(format!("select {schema}.base()"));
        let row = sqlx::query(text).fetch_one(store.pool()).await.unwrap();
        sqlx::Row::get::<i64, _>(&row, 0)
    };
    let before = base(&store).await;
    assert_eq!(base(&database.open().await).await, before);
}
