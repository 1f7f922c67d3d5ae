//! The npm package in all places where others use it.

use std::time::Duration;

use crate::{
    node,
    outcome::Outcome,
    run::Run,
    stages::{npm, suites::of_node},
    tree,
};

/// The places where the package has to work, what linters say of it, its types and its size.
const MATRIX: &str = "mvchat-client-wasm/matrix";
/// Far more than it takes, far less than for ever.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// Builds the package, gets what the matrix needs, and runs it.
pub(super) fn matrix() -> Outcome {
    if let Err(reason) = prepare() {
        let (note, output) = reason.split_once('\n').unwrap_or((&reason, ""));
        return Outcome::failed(note, output);
    }
    let built = npm::package();
    if built.failed > 0 {
        return built;
    }
    let run = Run::new("node").arg(format!("{MATRIX}/run.js")).limit(LIMIT);
    let tried = of_node(run.capture());
    let size = tried.output.lines().find(|line| line.starts_with("size ")).unwrap_or_default();
    let size = size.split_whitespace().collect::<Vec<_>>().join(" ");
    Outcome { note: format!("{}; {size}", tried.note), ..tried }
}

fn prepare() -> Result<(), String> {
    node::require_node()?;
    node::require_chromium()?;
    node::require_libraries(&tree::root().join(MATRIX))
}
