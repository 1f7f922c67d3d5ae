//! The simulation: seeds, their replay, and bugs that it must find.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "figures are what a long run is for")]

#[cfg(feature = "seeded-bugs")]
mod bugs;
mod seeds;
