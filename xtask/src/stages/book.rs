//! The book as a test.

use crate::{book, outcome::Outcome, stages::suites::of_tests, tables};

/// Checks that the generated pages say what the code says, then renders the book and checks its blocks and links.
pub(super) fn book() -> Outcome {
    if let Err(reason) = tables::check() {
        return Outcome::failed(
            "the generated pages differ from the code; write them with: cargo xtask book",
            reason,
        );
    }
    let rendered = of_tests(book::tool().capture());
    Outcome { passed: rendered.passed + 1, ..rendered }
}
