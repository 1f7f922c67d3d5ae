//! The defaults behind the plug points.

pub mod audit;
pub mod auth;
mod bus;
mod env;
pub mod keys;
mod limiter;
mod mail;
mod memory;
pub mod password;
pub(crate) mod refresh;
pub mod report;
pub(crate) mod ticket;
pub mod token;

pub use bus::{LocalBus, LocalBuses};
pub use env::SystemEnv;
pub use limiter::MemoryLimiter;
pub use mail::LogMailer;
pub use memory::MemoryStore;
