//! The parts of the reference server `mvchat`; the binary puts them together.

pub mod config;
