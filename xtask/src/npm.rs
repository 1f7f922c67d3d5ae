//! `npm`: the browser client's package.

use crate::{run::Run, tree, wasm_target};

/// Builds the package and prints where it is and what it weighs.
///
/// # Errors
/// When the target is missing and cannot be added, or when the package cannot be built or has become too heavy.
pub(crate) fn npm_command() -> Result<(), String> {
    wasm_target::add()?;
    tool().show()
}

/// Returns the call of the builder, a workspace of its own so that its dependencies stay out of the product's.
pub(crate) fn tool() -> Run {
    Run::cargo().words("run --quiet --locked --manifest-path tools/wasm/Cargo.toml --").arg(tree::root())
}

/// Returns the call of the builder's own tests.
pub(crate) fn tool_tests() -> Run {
    Run::cargo().words("test --quiet --locked --manifest-path tools/wasm/Cargo.toml")
}
