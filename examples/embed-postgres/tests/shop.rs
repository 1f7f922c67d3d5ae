//! The shop, on a real server.
#![allow(clippy::unwrap_used, reason = "this binary is a test")]

use embed_postgres::Shop;
use mvchat_core::Keys;
use mvchat_core::proto::{ConvId, Position};
use mvchat_store_postgres::PgStore;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, Row};
use std::str::FromStr;

/// Where a database for tests is; `cargo xtask test` starts one and says so.
const ADDRESS: &str = "MVCHAT_TEST_DATABASE_URL";

async fn count(pool: &PgPool, what: &'static str) -> i64 {
    sqlx::query(what).fetch_one(pool).await.unwrap().get(0)
}

#[tokio::test]
async fn an_order_and_its_message_are_there_together_or_not_at_all() {
    let Some(url) = std::env::var(ADDRESS).ok().filter(|url| !url.is_empty()) else {
        eprintln!("left out: {ADDRESS} names no database (`cargo xtask test` starts one)");
        return;
    };
    // Everything of the shop is in schemas that nobody else uses.
    let name = format!("shop_{}", std::process::id());
    let options = PgConnectOptions::from_str(&url).unwrap().options([("search_path", name.as_str())]);
    let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
    let setup = format!("create schema {name}; create table orders (item text not null)");
    sqlx::raw_sql(sqlx::AssertSqlSafe(setup)).execute(&pool).await.unwrap();
    let chat = format!("{name}_chat");
    let store =
        PgStore::with_pool(pool.clone()).schema(&chat).accept_weak_durability().build().await.unwrap();
    let shop = Shop::open(pool, store, Keys::ephemeral()).await.unwrap();

    let conv = shop.greet(42).await.unwrap();
    let mut events = shop.chat.events(Position(0));
    shop.order(conv, "a pot of tea").await.unwrap();
    assert!(shop.order(ConvId(uuid::Uuid::nil()), "a cup of coffee").await.is_err());
    shop.order(conv, "a biscuit").await.unwrap();
    assert_eq!(count(&shop.pool, "select count(*) from orders").await, 2);
    let mut seqs = Vec::new();
    while seqs.len() < 2 {
        let event = events.next().await.unwrap();
        assert_eq!(event.conv, conv);
        seqs.extend(event.seq.map(|seq| seq.0));
    }
    assert_eq!(seqs, [1, 2]);

    let drop = format!("drop schema {name} cascade; drop schema {chat} cascade");
    sqlx::raw_sql(sqlx::AssertSqlSafe(drop)).execute(&shop.pool).await.unwrap();
}
