//! A complete messenger inside your own app.
//!
//! The crate has two halves. The pure half (always built, also for `wasm32`) holds the wire protocol
//! ([`proto`]), the content format ([`irido`]), every decision ([`policy`]) and the two protocol machines:
//! no `async`, no clock, no entropy. The server half (feature `server`, on by default) drives it: the engine,
//! the plug points in [`seam`] and their defaults.

#[macro_use]
mod hook;

pub mod client;
pub mod error;
pub mod irido;
pub mod map;
pub mod policy;
pub mod proto;
pub mod session;
pub mod time;
pub mod wire;

#[cfg(feature = "server")]
pub mod builtin;
#[cfg(feature = "server")]
pub mod engine;
#[cfg(feature = "server")]
pub mod seam;
#[cfg(feature = "seeded-bugs")]
pub mod seeded;
#[cfg(feature = "testkit")]
pub mod testkit;

#[cfg(feature = "server")]
pub use builtin::keys::Keys;
#[cfg(feature = "server")]
pub use engine::{Chat, ChatBuilder};

pub use error::{Error, ErrorKind, Result};
