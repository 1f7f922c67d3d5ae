//! `npm`: the client's npm package, built with nothing but Rust.

use std::path::PathBuf;

use crate::{run::Run, stages::add_wasm_target, tree};

/// Builds the package. Returns its folder.
///
/// # Errors
/// When the compiler cannot get the browser's target, or the package does not build.
pub(crate) fn npm() -> Result<PathBuf, String> {
    add_wasm_target()?;
    let run = Run::cargo().words("run --quiet --locked --manifest-path tools/wasm/Cargo.toml --");
    let built =
        run.arg(tree::root()).capture().map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !built.success {
        return Err(format!("the npm package does not build\n{}", built.output.trim_end()));
    }
    Ok(tree::root().join("target").join("npm").join("mvchat-client"))
}
