//! The laws that every store obeys, and the model that it is compared with.
#![allow(clippy::unwrap_used, reason = "this binary is a test")]

use mvchat_core::testkit::store::{self, StoreFixture};
use mvchat_store_sled::SledStore;
use std::process::ExitCode;
use tempfile::TempDir;

struct Sled(TempDir);

impl StoreFixture for Sled {
    type Store = SledStore;
    const REOPENS: bool = true;
    async fn open(&self) -> SledStore {
        SledStore::options().cache(1 << 20).ballast(0).open(self.0.path()).unwrap()
    }
}

fn main() -> ExitCode {
    store::main_of_portable(|_law| Sled(tempfile::tempdir().unwrap()))
}
