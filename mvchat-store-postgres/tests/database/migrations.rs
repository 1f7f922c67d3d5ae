//! How the tables come to be.

use crate::support::Database;
use futures_util::future::join_all;
use mvchat_core::seam::MessageStore;

pub(crate) async fn at_once() {
    let database = Database::fresh();
    let stores = join_all((0..4).map(|_| database.open())).await;
    for store in &stores {
        store.position().await.unwrap();
    }
    let rows =
        sqlx::query(sqlx::AssertSqlSafe(format!("select version from {}.migrations", database.schema)));
    assert_eq!(rows.fetch_all(stores[0].pool()).await.unwrap().len(), 1);
    let status = database.options().status(&database.url).await.unwrap();
    assert_eq!((status.version, status.needed), (1, 1));
}

pub(crate) async fn newer() {
    let database = Database::fresh();
    let store = database.open().await;
    let text = format!("insert into {}.migrations (version) values (999)", database.schema);
    sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(store.pool()).await.unwrap();
    let refused = database.options().open(&database.url).await.unwrap_err();
    assert!(refused.to_string().contains("a newer one was here"), "{refused}");
}

pub(crate) async fn without() {
    let database = Database::fresh();
    let status = database.options().status(&database.url).await.unwrap();
    assert_eq!(status.version, 0);
    let refused = database.options().without_migration().open(&database.url).await.unwrap_err();
    assert!(refused.to_string().contains("migrate"), "{refused}");
}
