//! The laws that every store obeys, and the model that it is compared with, each in a schema of its own.
#![allow(clippy::unwrap_used, reason = "this binary is a test")]

mod support;

use mvchat_core::testkit::store::{self, StoreFixture};
use mvchat_store_postgres::PgStore;
use std::process::ExitCode;
use support::Database;

struct Postgres(Database);

impl StoreFixture for Postgres {
    type Store = PgStore;
    const REOPENS: bool = true;
    async fn open(&self) -> PgStore {
        self.0.open().await
    }
}

fn main() -> ExitCode {
    match Database::address() {
        Some(_) => store::main_of_portable(|_law| Postgres(Database::fresh())),
        None => support::left_out("the laws of the PostgreSQL store"),
    }
}
