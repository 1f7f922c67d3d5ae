//! What the hot path may cost.

use crate::{bench::instructions, outcome::Outcome};

/// Counts the instructions of the hot path and holds them against those that are known.
pub(super) fn instructions() -> Outcome {
    match instructions::run(&[]) {
        Ok(()) => Outcome::passed(),
        Err(error) => Outcome::failed("", error),
    }
}
