//! A complete messenger inside your own app: protocol, engine and plug points.

#[cfg(feature = "server")]
pub mod builtin;
#[cfg(feature = "server")]
pub mod seam;
