//! Plug points: what the engine asks of the outside world.

pub mod keys;
