//! The laws of limiters: the contract of [`Limiter`].
//!
//! ```no_run
//! use mvchat_core::builtin::MemoryLimiter;
//! use mvchat_core::testkit::limiter::{self, LimiterFixture};
//! use std::process::ExitCode;
//!
//! struct Memory;
//!
//! impl LimiterFixture for Memory {
//!     type Limiter = MemoryLimiter;
//!     async fn open(&self) -> MemoryLimiter {
//!         MemoryLimiter::default()
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     limiter::main(|_law| Memory)
//! }
//! ```

mod laws;

use super::{Law, runner};
use crate::proto::Rate;
use crate::seam::{Demand, Limiter, Subject, Taken};
use crate::time::Instant;
use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;

/// Opens the limiter under test.
pub trait LimiterFixture: Send + Sync + 'static {
    /// What is tested.
    type Limiter: Limiter;

    /// Opens a limiter that has counted nothing yet.
    fn open(&self) -> impl Future<Output = Self::Limiter> + Send;
}

/// Runs all laws as a test program; `fixture` makes the fixture of the law with the given name.
pub fn main<F: LimiterFixture>(fixture: impl Fn(&str) -> F + Send + Sync + 'static) -> ExitCode {
    let fixture = Arc::new(fixture);
    let mut tests: Vec<runner::Test> = Vec::new();
    for law in laws() {
        let fixture = fixture.clone();
        tests.push((law.name, Arc::new(move || check(&law, fixture(law.name)))));
    }
    runner::main(tests)
}

/// Checks one law on a limiter of its own.
///
/// # Panics
/// If the limiter breaks the law.
pub fn check<F: LimiterFixture>(law: &Law<Bed>, fixture: F) {
    law.check(|| async move { Bed { limiter: Arc::new(fixture.open().await) } });
}

/// Returns all laws.
pub fn laws() -> Vec<Law<Bed>> {
    laws::LAWS.to_vec()
}

/// What a law is checked on.
#[derive(Clone)]
pub struct Bed {
    limiter: Arc<dyn Limiter>,
}

impl Bed {
    async fn take(&self, demands: &[Demand], at: u64) -> Taken {
        self.limiter.take(demands, Instant(at)).await.expect("the limiter answers")
    }

    /// Counts an act; returns whether it passes.
    async fn passes(&self, demand: Demand, at: u64) -> bool {
        self.take(&[demand], at).await == Taken::Granted
    }

    /// Counts acts until one is refused; returns how many passed.
    async fn count(&self, demand: Demand, at: u64) -> usize {
        let mut passed = 0;
        while self.passes(demand, at).await {
            passed += 1;
            assert!(passed < 10_000, "nothing stops it");
        }
        passed
    }

    /// Asks for an act that is refused; returns after how many milliseconds it would pass.
    async fn wait(&self, demand: Demand, at: u64) -> u64 {
        match self.take(&[demand], at).await {
            Taken::Refused { after, .. } => u64::try_from(after.as_millis()).expect("a short time"),
            Taken::Granted => panic!("{demand:?} passes at {at}"),
        }
    }

    async fn give_back(&self, demand: Demand, at: u64) {
        self.limiter.give_back(&[demand], Instant(at)).await.expect("the limiter takes it back");
    }
}

impl fmt::Debug for Bed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bed").finish_non_exhaustive()
    }
}

fn demand(row: u16, rate: Rate, subject: u128) -> Demand {
    Demand { row, rate, subject: Subject::Target(subject) }
}
