//! `fix`: what machines can put right.

use crate::run::Run;

/// Applies clippy's fixes, then formats.
///
/// # Errors
/// When one of the two fails.
pub(crate) fn fix() -> Result<(), String> {
    Run::cargo()
        .words("clippy --fix --allow-dirty --allow-staged --workspace --all-targets --all-features")
        .show()?;
    Run::cargo().words("fmt --all").show()
}
