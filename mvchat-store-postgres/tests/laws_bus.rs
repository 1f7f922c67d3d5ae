//! The laws that every bus obeys, each in a schema of its own.
#![allow(clippy::unwrap_used, reason = "this binary is a test")]

mod support;

use mvchat_core::seam::{Bus, Heard};
use mvchat_core::testkit::bus::{self, BusFixture};
use mvchat_store_postgres::{PgBus, PgStore};
use parking_lot::Mutex;
use std::process::ExitCode;
use support::Database;

struct Postgres {
    database: Database,
    /// A bus listens as long as its store is there.
    stores: Mutex<Vec<PgStore>>,
}

impl BusFixture for Postgres {
    type Bus = PgBus;

    async fn join(&self) -> PgBus {
        let store = self.database.open().await;
        let bus = store.node_bus();
        self.stores.lock().push(store);
        while bus.hear().await != Heard::Lost {}
        bus
    }
}

fn main() -> ExitCode {
    match Database::address() {
        Some(_) => bus::main(|_law| Postgres { database: Database::fresh(), stores: Mutex::default() }),
        None => support::left_out("the laws of the PostgreSQL bus"),
    }
}
