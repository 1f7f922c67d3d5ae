//! Formatting, clippy, API documentation.

use crate::{outcome::Outcome, run::Run};

/// Checks the format of the workspace, of the fuzz targets, and of the tools beside it.
pub(super) fn fmt() -> Outcome {
    let remedy = "rustup component add rustfmt";
    let workspace =
        Outcome::of_check(Run::cargo().words("fmt --all --check -- --color never").capture(), remedy);
    if workspace.failed > 0 {
        return workspace;
    }
    let of = |folder: &str| {
        let run = format!("fmt --manifest-path {folder}/Cargo.toml --check -- --color never");
        Outcome::of_check(Run::cargo().words(&run).capture(), remedy)
    };
    let targets = of("fuzz");
    if targets.failed > 0 {
        return targets;
    }
    of_tools(|tool| of(&format!("tools/{tool}")))
}

/// Checks every tool; the first that fails is the answer.
pub(super) fn of_tools(check: impl Fn(&str) -> Outcome) -> Outcome {
    let outcomes = ["book", "wasm"].map(check);
    let failed = outcomes.into_iter().find(|outcome| outcome.failed > 0);
    failed.unwrap_or_else(Outcome::passed)
}

/// Runs clippy with every warning as an error.
pub(super) fn clippy() -> Outcome {
    let remedy = "rustup component add clippy";
    let workspace =
        Run::cargo().words("clippy --workspace --all-targets --all-features -- -D warnings").capture();
    let workspace = Outcome::of_check(workspace, remedy);
    if workspace.failed > 0 {
        return workspace;
    }
    of_tools(|tool| {
        let run =
            format!("clippy --locked --manifest-path tools/{tool}/Cargo.toml --all-targets -- -D warnings");
        Outcome::of_check(Run::cargo().words(&run).capture(), remedy)
    })
}

/// Builds the API documentation with every warning as an error.
pub(super) fn docs() -> Outcome {
    let run = Run::cargo()
        .words("doc --no-deps --workspace --all-features")
        .env("RUSTDOCFLAGS", "-D warnings")
        .capture();
    Outcome::of_check(run, "install Rust with rustup, which brings rustdoc")
}
