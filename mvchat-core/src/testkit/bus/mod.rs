//! The laws of buses: the contract of [`Bus`].
//!
//! ```no_run
//! use mvchat_core::builtin::{LocalBus, LocalBuses};
//! use mvchat_core::testkit::bus::{self, BusFixture};
//! use std::process::ExitCode;
//!
//! struct Local(LocalBuses);
//!
//! impl BusFixture for Local {
//!     type Bus = LocalBus;
//!     async fn join(&self) -> LocalBus {
//!         self.0.join()
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     bus::main(|_law| Local(LocalBuses::default()))
//! }
//! ```

mod laws;

use super::{Law, runner};
use crate::seam::{Bus, Heard};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// How long what is said may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Joins nodes to the bus under test.
pub trait BusFixture: Send + Sync + 'static {
    /// What is tested.
    type Bus: Bus;

    /// Adds a node to the network of this fixture; when it is there, it can hear.
    fn join(&self) -> impl Future<Output = Self::Bus> + Send;
}

/// Runs all laws as a test program; `fixture` makes the fixture of the law with the given name.
pub fn main<F: BusFixture>(fixture: impl Fn(&str) -> F + Send + Sync + 'static) -> ExitCode {
    let fixture = Arc::new(fixture);
    let mut tests: Vec<runner::Test> = Vec::new();
    for law in laws() {
        let fixture = fixture.clone();
        tests.push((law.name, Arc::new(move || check(&law, fixture(law.name)))));
    }
    runner::main(tests)
}

/// Checks one law on a network of its own.
///
/// # Panics
/// If the bus breaks the law.
pub fn check<F: BusFixture>(law: &Law<Bed>, fixture: F) {
    law.check(|| async move {
        let fixture = Arc::new(fixture);
        let join: Join = Box::new(move || {
            let fixture = fixture.clone();
            Box::pin(async move { Arc::new(fixture.join().await) as Arc<dyn Bus> })
        });
        Bed { join }
    });
}

/// Returns all laws.
pub fn laws() -> Vec<Law<Bed>> {
    laws::LAWS.to_vec()
}

type Join = Box<dyn Fn() -> BoxFuture<'static, Arc<dyn Bus>> + Send + Sync>;

/// What a law is checked on.
pub struct Bed {
    join: Join,
}

impl Bed {
    async fn join(&self) -> Arc<dyn Bus> {
        (self.join)().await
    }
}

impl fmt::Debug for Bed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bed").finish_non_exhaustive()
    }
}

/// Waits for the next thing that is heard, but not for ever.
async fn hear(bus: &dyn Bus) -> Heard {
    tokio::time::timeout(PATIENCE, bus.hear()).await.expect("something is heard")
}

/// Reads on until a message is heard, and returns those before it.
async fn until(bus: &dyn Bus, last: &Bytes) -> Vec<Bytes> {
    let mut before = Vec::new();
    loop {
        match hear(bus).await {
            Heard::Message(message) if message == *last => return before,
            Heard::Message(message) => before.push(message),
            Heard::Lost => {}
        }
    }
}
