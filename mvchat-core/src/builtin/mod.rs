//! The defaults behind the plug points.

mod env;
pub mod keys;
mod memory;
pub mod password;
pub mod token;

pub use env::SystemEnv;
pub use memory::MemoryStore;
