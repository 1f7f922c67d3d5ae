//! A database for tests: a schema of its own in the one that the environment names.
#![allow(dead_code, reason = "no test needs all of it")]

use mvchat_store_postgres::{PgOptions, PgStore};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Where a database for tests is; `cargo xtask test` starts one and says so.
pub(crate) const ADDRESS: &str = "MVCHAT_TEST_DATABASE_URL";

/// A schema that goes with its last owner.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) schema: String,
}

impl Database {
    /// Returns the address of the database, if there is one.
    pub(crate) fn address() -> Option<String> {
        std::env::var(ADDRESS).ok().filter(|url| !url.is_empty())
    }

    /// Names a schema that nobody else uses.
    pub(crate) fn fresh() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let url = Self::address().unwrap();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self { url, schema: format!("law_{}_{count}", std::process::id()) }
    }

    pub(crate) fn options(&self) -> PgOptions {
        // The tests' server is fast rather than durable.
        let options = PgStore::options().schema(&self.schema).accept_weak_durability();
        // Other tests make their tables in long transactions.
        options.patience(Duration::from_secs(30))
    }

    pub(crate) async fn open(&self) -> PgStore {
        self.options().open(&self.url).await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (url, schema) = (self.url.clone(), self.schema.clone());
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                use sqlx::Connection;
                let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
                let text = format!("drop schema if exists {schema} cascade");
                sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
            });
        });
        // A test that failed has said why.
        drop(dropped.join());
    }
}

/// Says what was not tested, and that this is no failure here: `cargo xtask test` has a database.
pub(crate) fn left_out(what: &str) -> ExitCode {
    #[expect(clippy::print_stderr, reason = "whoever lists the tests reads standard output")]
    {
        eprintln!("left out: {what}, because {ADDRESS} names no database (`cargo xtask test` starts one)");
    }
    ExitCode::SUCCESS
}
