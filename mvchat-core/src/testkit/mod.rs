//! What proves an adapter, and what tests of a host need.

mod pipe;

pub use pipe::{Pipe, Wire};
