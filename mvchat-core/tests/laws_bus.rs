//! The bus within a process keeps the laws of buses.

use mvchat_core::builtin::{LocalBus, LocalBuses};
use mvchat_core::testkit::bus::{self, BusFixture};
use std::process::ExitCode;

struct Local(LocalBuses);

impl BusFixture for Local {
    type Bus = LocalBus;

    async fn join(&self) -> LocalBus {
        self.0.join()
    }
}

fn main() -> ExitCode {
    bus::main(|_law| Local(LocalBuses::default()))
}
