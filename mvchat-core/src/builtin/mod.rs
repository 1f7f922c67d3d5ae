//! The defaults behind the plug points.

mod env;
pub mod keys;
pub mod password;
pub mod token;

pub use env::SystemEnv;
