//! The simulation: seeds, their replay, and bugs that it must find.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

#[cfg(feature = "seeded-bugs")]
mod bugs;
mod seeds;
