//! Laws that every adapter must obey, a model to compare stores with, faults on demand, and an in-process
//! connection.
//!
//! An adapter proves itself with a test target of its own (`harness = false`):
//!
//! ```no_run
//! use mvchat_core::builtin::MemoryStore;
//! use mvchat_core::testkit::store::{self, StoreFixture};
//! use std::process::ExitCode;
//!
//! struct Memory;
//!
//! impl StoreFixture for Memory {
//!     type Store = MemoryStore;
//!     async fn open(&self) -> MemoryStore {
//!         MemoryStore::default()
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     store::main(|_law| Memory)
//! }
//! ```
//!
//! Laws fail by panicking.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a law fails by panicking, with the place where it was broken"
)]

pub mod authenticator;
pub mod bus;
pub mod crash;
pub mod directory;
mod echo;
mod flaky;
mod kinds;
pub mod limiter;
pub mod model;
mod pipe;
pub mod proxy;
mod runner;
pub mod sim;
pub mod store;
pub mod transport;

pub use echo::echo;
pub use flaky::{Chances, Fault, Faults, Flaky, Method};
pub use kinds::{KINDS, kind, whats};
pub use pipe::{Pipe, Wire};
pub use runner::{Law, Runtime};
