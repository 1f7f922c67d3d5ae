//! The protocol half must compile where there is no operating system.

use std::path::Path;

use crate::{outcome::Outcome, run::Run};

const TARGET: &str = "wasm32-unknown-unknown";

/// Checks the core without its server half for the browser's target, adding the target where it is missing. It is
/// clippy that checks, so that what only the server half uses shows up as unused here.
pub(super) fn wasm() -> Outcome {
    if let Err(reason) = add_wasm_target() {
        return Outcome::failed(reason, "");
    }
    let run = Run::cargo().words("clippy -p mvchat-core --no-default-features --target").arg(TARGET);
    Outcome::of_check(run.words("-- -D warnings").capture(), "rustup component add clippy")
}

/// Adds the browser's target to the compiler in use where it is missing.
///
/// # Errors
/// When it is missing and cannot be added, with the remedy.
pub(crate) fn add_wasm_target() -> Result<(), String> {
    if installed() {
        return Ok(());
    }
    let added = Run::new("rustup").words("target add").arg(TARGET).capture();
    match added {
        Ok(done) if done.success => Ok(()),
        _ => Err(format!("the Rust target {TARGET} is missing; install it with: rustup target add {TARGET}")),
    }
}

/// Tells whether the compiler in use has the target's standard library.
fn installed() -> bool {
    let folder = Run::new("rustc").words("--print target-libdir --target").arg(TARGET).capture();
    folder.is_ok_and(|done| done.success && Path::new(done.stdout.trim()).is_dir())
}
