//! The book as a test.

use crate::{book, outcome::Outcome, stages::suites::of_harnesses, tables};

/// Checks that the generated pages say what the code says, then renders the book and checks its blocks and links, with
/// a renderer that has passed its own tests.
pub(super) fn book() -> Outcome {
    if let Err(reason) = tables::check() {
        return Outcome::failed(
            "the generated pages differ from the code; write them with: cargo xtask book",
            reason,
        );
    }
    let tool = of_harnesses(book::tool_tests());
    if tool.failed > 0 {
        return tool;
    }
    let rendered = of_harnesses(book::tool());
    let passed = rendered.passed + tool.passed + 1;
    Outcome { passed, note: format!("{passed} passed, {} failed", rendered.failed), ..rendered }
}
