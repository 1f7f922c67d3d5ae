//! The npm package: built, tested, and used as others will use it.

use std::time::Duration;

use crate::{node, npm, outcome::Outcome, run::Run, stages::suites::of_node, tree};

/// The package's own tests, on the package as it was built.
const TESTS: &str = "mvchat-client-wasm/tests";
/// The places where the package has to work, what linters say of it, its types and its size.
const MATRIX: &str = "mvchat-client-wasm/matrix";
/// Far more than both take, far less than for ever.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// Builds the package, gets what its tests need, and runs them.
pub(super) fn npm() -> Outcome {
    if let Err(reason) = prepare() {
        let (note, output) = reason.split_once('\n').unwrap_or((&reason, ""));
        return Outcome::failed(note, output);
    }
    let tests = Run::new("npm").words("test --silent --prefix").arg(TESTS).limit(LIMIT);
    let tests = of_node(tests.capture());
    let matrix = Run::new("node").arg(format!("{MATRIX}/run.js")).limit(LIMIT);
    let matrix = of_node(matrix.capture());
    let (passed, failed) = (tests.passed + matrix.passed, tests.failed + matrix.failed);
    let size = matrix.output.lines().find(|line| line.starts_with("size ")).unwrap_or_default();
    let size = size.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = [tests, matrix].into_iter().filter(|part| part.failed > 0).map(|part| part.output);
    Outcome {
        passed,
        failed,
        note: format!("{passed} passed, {failed} failed; {size}"),
        output: shown.collect::<Vec<_>>().join("\n"),
    }
}

fn prepare() -> Result<(), String> {
    node::require_node()?;
    node::require_chromium()?;
    for folder in [TESTS, MATRIX] {
        node::require_libraries(&tree::root().join(folder))?;
    }
    npm::npm().map(drop)
}
