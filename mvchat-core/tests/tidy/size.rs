//! Promises of brevity, and of tests that run.

use crate::source::{Finding, Source};

/// Programs whose length is a statement about the library, and how many lines of code they may have.
const EXAMPLES: [(&str, usize); 2] =
    [("examples/embed-axum/src/main.rs", 15), ("examples/embed-warp/src/main.rs", 15)];

/// Finds examples that have grown beyond what they promise.
pub(crate) fn examples(file: &Source) -> Vec<Finding> {
    let lines = file.code.lines().filter(|line| !line.trim().is_empty()).count();
    EXAMPLES
        .iter()
        .filter(|(path, most)| file.path == *path && lines > *most)
        .map(|(_, most)| file.finding(1, format!("{lines} lines of code, at most {most} were promised")))
        .collect()
}

/// Finds tests that are not run.
pub(crate) fn ignored(file: &Source) -> Vec<Finding> {
    let plain = |line: &str| line.split_whitespace().collect::<String>();
    let lines = file.code.lines().enumerate();
    lines
        .filter(|(_, line)| plain(line).contains("#[ignore"))
        .map(|(at, _)| file.finding(at + 1, "an ignored test"))
        .collect()
}

#[test]
fn a_long_example_is_found() {
    let (path, most) = EXAMPLES[0];
    let program = |lines: usize| format!("//! Short.\n\n{}", "f();\n".repeat(lines));
    assert!(examples(&Source::new(path, &program(most))).is_empty());
    assert_eq!(examples(&Source::new(path, &program(most + 1))).len(), 1);
}

#[test]
fn an_ignored_test_is_found() {
    assert_eq!(ignored(&Source::new("a/tests/b.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}")).len(), 1);
    assert!(ignored(&Source::new("a/tests/b.rs", "// #[ignore]\n#[test]\nfn f() {}")).is_empty());
}
