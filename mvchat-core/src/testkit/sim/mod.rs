//! Deterministic simulation: one seed is one run.
//!
//! A run has real engines, one to three by seed, over one store, real session machines (through [`Chat::serve`](crate::Chat::serve)) and real
//! client machines ([`Client`](crate::client::Client)), on one thread with virtual time. What is simulated is the rest of
//! the world: links that lag, stall, break or go dark, a store that fails before and after it carries a call out, nodes
//! that are killed or stopped and come back, a bus between them that loses, doubles, delays and is cut, clocks that jump, apps that are closed, and people who do everything that a
//! messenger allows. After the chaos no new fault comes, and everybody has to get well. Then [`oracle`]s compare what
//! every connection was told with what the store holds.
//!
//! # Examples
//! ```no_run
//! use mvchat_core::testkit::sim::{Scenario, run};
//!
//! let scenario = Scenario::by_seed(42);
//! let report = run(42, &scenario, &scenario.memory());
//! assert!(report.violations.is_empty(), "{:#?}", report.violations);
//! ```

mod audit;
mod chaos;
mod clock;
mod ether;
mod history;
mod host;
mod link;
mod node;
pub mod oracle;
pub(in crate::testkit) mod rng;
mod run;
mod scenario;
mod script;
mod trace;
mod walk;
mod world;

pub use audit::{Audit, Device, Shown};
pub use history::{Call, History, Link, Members, Push, Sightings};
pub use run::{Report, run};
pub use scenario::Scenario;
pub use trace::{Record, Seen};
