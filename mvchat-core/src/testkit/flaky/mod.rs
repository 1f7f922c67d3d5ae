//! Faults on demand.

mod faults;
mod store;

pub use crate::seam::Method;
pub use faults::{Chances, Fault, Faults};
pub use store::Flaky;
