//! How the tables come to be.

use crate::postgres::Postgres;
use crate::support::Database;
use futures_util::future::join_all;
use mvchat_core::proto::UserId;
use mvchat_core::seam::{FileStore, MessageStore, NewUser, UserRow, UserStore};
use mvchat_core::time::Timestamp;
use mvchat_store_postgres::PgStore;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, Row};
use std::process::{Child, Command};
use std::str::FromStr;
use uuid::Uuid;

/// Names the schema and the database to the process that is killed.
pub(crate) const VICTIM: &str = "MVCHAT_MIGRATION_VICTIM";

pub(crate) async fn at_once() {
    let database = Database::fresh();
    let stores = join_all((0..4).map(|_| database.open())).await;
    for store in &stores {
        store.position().await.unwrap();
    }
    let rows =
        sqlx::query(sqlx::AssertSqlSafe(format!("select version from {}.migrations", database.schema)));
    assert_eq!(rows.fetch_all(stores[0].pool()).await.unwrap().len(), 2);
    let status = database.options().status(&database.url).await.unwrap();
    assert_eq!((status.version, status.needed), (2, 2));
}

/// A database that has the first version's tables, and something in them, gets what came later.
pub(crate) async fn later() {
    let database = Database::fresh();
    let user = UserRow::new(UserId(Uuid::from_u128(1)), Timestamp::from_micros(1));
    let id = user.id;
    let store = database.open().await;
    store.create_user(NewUser { user, credential: None, session: None }).await.unwrap();
    let back = "drop table {0}.files; delete from {0}.migrations where version > 1";
    let back = back.replace("{0}", &database.schema);
    sqlx::raw_sql(sqlx::AssertSqlSafe(back)).execute(store.pool()).await.unwrap();
    drop(store);
    let refused = database.options().without_migration().open(&database.url).await.unwrap_err();
    assert!(refused.to_string().contains("migrate"), "{refused}");
    let store = database.open().await;
    assert!(store.users(&[id]).await.unwrap()[0].is_some());
    assert_eq!(store.files_of(id, None, 1).await.unwrap(), []);
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

/// Makes the tables, on connections that carry the schema's name.
#[tokio::main]
pub(crate) async fn victim(names: &str) {
    let (schema, url) = names.split_once(' ').unwrap();
    let options = PgConnectOptions::from_str(url).unwrap().application_name(schema);
    let pool = PgPoolOptions::new().connect_lazy_with(options);
    // Whoever is killed has nothing to say, and what the others say is seen in the database.
    drop(PgStore::with_pool(pool).schema(schema).accept_weak_durability().build().await);
}

fn start(database: &Database) -> Child {
    let names = format!("{} {}", database.schema, database.url);
    Command::new(std::env::current_exe().unwrap()).env(VICTIM, names).spawn().unwrap()
}

/// The statements of a migration, in their order: whoever is killed is killed when the server has come to one of them.
const MOMENTS: [&str; 4] = ["", "begin; set local", "select from pg_catalog.pg_namespace", "create table"];

/// Waits until the server carries out a statement, or the child has ended.
async fn comes_to(watch: &mut PgConnection, schema: &str, moment: &str, child: &mut Child) {
    let text = "select count(*) from pg_stat_activity where application_name = $1 and query like $2";
    loop {
        let query = sqlx::query(text).bind(schema).bind(format!("%{moment}%"));
        let seen: i64 = query.fetch_one(&mut *watch).await.unwrap().get(0);
        if seen > 0 || child.try_wait().unwrap().is_some() {
            return;
        }
    }
}

pub(crate) async fn killed() {
    for round in 0..12 {
        let database = Database::fresh();
        let mut watch = PgConnection::connect(&database.url).await.unwrap();
        // Several nodes at once, of which one dies.
        let (mut dies, mut lives) = (start(&database), (round % 2 == 1).then(|| start(&database)));
        comes_to(&mut watch, &database.schema, MOMENTS[round % MOMENTS.len()], &mut dies).await;
        dies.kill().unwrap();
        dies.wait().unwrap();
        if let Some(lives) = &mut lives {
            assert!(lives.wait().unwrap().success());
        }
        is_whole(&database).await;
    }
}

pub(crate) async fn server_killed() {
    let mut server = Postgres::start().unwrap();
    for (round, moment) in MOMENTS.into_iter().enumerate() {
        let database = Database { url: server.url(), schema: format!("round_{round}") };
        let mut watch = PgConnection::connect(&database.url).await.unwrap();
        let mut child = start(&database);
        comes_to(&mut watch, &database.schema, moment, &mut child).await;
        server.kill();
        child.wait().unwrap();
        server.resume().unwrap();
        is_whole(&database).await;
    }
}

/// Opens a store, which goes on where the last one was.
async fn is_whole(database: &Database) {
    let store = database.open().await;
    store.position().await.unwrap();
    let status = database.options().status(&database.url).await.unwrap();
    assert_eq!(status.version, status.needed);
    let rows = format!("select count(*) from {}.migrations", database.schema);
    let rows = sqlx::query(sqlx::AssertSqlSafe(rows)).fetch_one(store.pool()).await.unwrap();
    assert_eq!(rows.get::<i64, _>(0), i64::from(status.needed));
}
