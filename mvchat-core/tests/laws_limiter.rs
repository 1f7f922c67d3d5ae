//! The limiter in memory keeps the laws of limiters.

use mvchat_core::builtin::MemoryLimiter;
use mvchat_core::testkit::limiter::{self, LimiterFixture};
use std::process::ExitCode;

struct Memory;

impl LimiterFixture for Memory {
    type Limiter = MemoryLimiter;

    async fn open(&self) -> MemoryLimiter {
        MemoryLimiter::default()
    }
}

fn main() -> ExitCode {
    limiter::main(|_law| Memory)
}
