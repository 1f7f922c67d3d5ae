//! The browsers' target of the compiler.

use std::path::Path;

use crate::run::Run;

/// Its name.
pub(crate) const NAME: &str = "wasm32-unknown-unknown";

/// Adds the target where it is missing.
///
/// # Errors
/// When rustup cannot add it, or is not there.
pub(crate) fn add() -> Result<(), String> {
    if installed() {
        return Ok(());
    }
    match Run::new("rustup").words("target add").arg(NAME).capture() {
        Ok(done) if done.success => Ok(()),
        Ok(done) => Err(format!("rustup cannot add the target {NAME}:\n{}", done.output)),
        Err(error) => Err(format!("cannot run rustup: {error}; install the Rust target {NAME}")),
    }
}

/// Tells whether the compiler in use has the target's standard library.
fn installed() -> bool {
    let folder = Run::new("rustc").words("--print target-libdir --target").arg(NAME).capture();
    folder.is_ok_and(|done| done.success && Path::new(done.stdout.trim()).is_dir())
}
