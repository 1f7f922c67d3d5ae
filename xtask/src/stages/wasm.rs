//! What runs in browsers must compile where there is no operating system.

use crate::{outcome::Outcome, run::Run, wasm_target};

/// Checks the core without its server half, and the client over it, for the browser's target, adding the target where
/// it is missing. It is clippy that checks, so that what only the server half uses shows up as unused here.
pub(super) fn wasm() -> Outcome {
    if let Err(reason) = wasm_target::add() {
        return Outcome::failed("", reason);
    }
    let run =
        Run::cargo().words("clippy -p mvchat-core -p mvchat-client-wasm --no-default-features --target");
    let run = run.arg(wasm_target::NAME).words("-- -D warnings");
    Outcome::of_check(run.capture(), "rustup component add clippy")
}
