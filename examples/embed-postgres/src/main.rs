//! Takes one order: `cargo run -p embed-postgres -- postgres://user@localhost/shop`.

use embed_postgres::{Outcome, Shop};
use mvchat_core::Keys;
use mvchat_store_postgres::PgStore;
use sqlx::PgPool;

#[tokio::main]
async fn main() -> Outcome<()> {
    let url = std::env::args().nth(1).ok_or("name the address of a database")?;
    let pool = PgPool::connect(&url).await?;
    sqlx::query("create table if not exists orders (item text not null)").execute(&pool).await?;
    let store = PgStore::with_pool(pool.clone()).schema("chat").build().await?;
    let shop = Shop::open(pool, store, Keys::load_or_create("shop-keys")?).await?;
    let conv = shop.greet(42).await?;
    shop.order(conv, "a pot of tea").await
}
