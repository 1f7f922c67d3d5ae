//! The memory store keeps the laws of stores.

use mvchat_core::builtin::MemoryStore;
use mvchat_core::testkit::store::{self, StoreFixture};
use std::process::ExitCode;

struct Memory;

impl StoreFixture for Memory {
    type Store = MemoryStore;

    async fn open(&self) -> MemoryStore {
        MemoryStore::default()
    }
}

fn main() -> ExitCode {
    store::main_of_portable(|_law| Memory)
}
