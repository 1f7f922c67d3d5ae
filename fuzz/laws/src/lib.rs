//! What must hold of any bytes at all.
//!
//! Each function is a law over arbitrary input: it panics where the law is broken. libFuzzer calls them with what it
//! makes up (`cargo xtask fuzz`); `tests/corpus.rs` repeats what it has found so far, with nothing but the standard
//! test runner. The seeds of the corpus are made from recorded frames by `examples/seed.rs`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a law fails by panicking, with the place where it was broken"
)]

#[cfg(feature = "config")]
mod config;
mod cursor;
mod envelope;
mod irido;
mod notice;
mod sealed;
mod session;
mod token;

#[cfg(feature = "config")]
pub use config::config;
pub use cursor::cursor;
pub use envelope::envelope;
pub use irido::irido;
pub use notice::notice;
pub use sealed::sealed;
pub use session::session;
pub use token::token;

/// A law over arbitrary input.
pub type Law = fn(&[u8]);

/// All laws with their names, which are also those of the folders in the corpus and of the fuzz targets.
pub const LAWS: &[(&str, Law)] = &[
    ("envelope", envelope),
    ("notice", notice),
    ("irido", irido),
    ("cursor", cursor),
    #[cfg(feature = "config")]
    ("config", config),
    ("token", token),
    ("sealed", sealed),
    ("session", session),
];
