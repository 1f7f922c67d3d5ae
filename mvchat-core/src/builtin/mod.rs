//! The defaults behind the plug points.

pub mod keys;
pub mod password;
pub mod token;
