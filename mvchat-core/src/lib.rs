//! Placeholder.

pub mod irido;
