//! Faults on demand.

mod faults;
mod method;
mod store;

pub use faults::{Chances, Fault, Faults};
pub use method::Method;
pub use store::Flaky;
