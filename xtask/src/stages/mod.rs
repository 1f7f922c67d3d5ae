//! What `cargo xtask test` is made of. A new stage is a new entry in [`STAGES`].

use crate::outcome::Outcome;

mod book;
mod browser;
mod budget;
mod deny;
mod lints;
mod matrix;
mod npm;
mod suites;
mod wasm;

/// One part of `cargo xtask test`.
pub(crate) struct Stage {
    /// The name on the stage's line, also accepted as an argument of `test`.
    pub(crate) name: &'static str,
    /// One line for `cargo xtask stages`.
    pub(crate) about: &'static str,
    /// Whether the stage runs the code.
    pub(crate) kind: Kind,
    /// Runs the stage. What it needs and cannot find is a failure that names the remedy.
    pub(crate) run: fn() -> Outcome,
}

/// Whether a stage reads the code or runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Reads the code; part of `cargo xtask verify`.
    Lint,
    /// Runs the code.
    Test,
}

/// All stages, cheapest first.
pub(crate) const STAGES: &[Stage] = &[
    Stage { name: "fmt", about: "the code is formatted", kind: Kind::Lint, run: lints::fmt },
    Stage {
        name: "deny",
        about: "licences, sources and bans of all dependencies",
        kind: Kind::Lint,
        run: deny::deny,
    },
    Stage {
        name: "advisories",
        about: "known vulnerabilities, where the database is in reach; never blocks",
        kind: Kind::Lint,
        run: deny::advisories,
    },
    Stage {
        name: "clippy",
        about: "no warning in any target with all features",
        kind: Kind::Lint,
        run: lints::clippy,
    },
    Stage {
        name: "docs",
        about: "the API documentation builds without a warning",
        kind: Kind::Lint,
        run: lints::docs,
    },
    Stage {
        name: "wasm",
        about: "the pure half of the core and the client over it compile for browsers",
        kind: Kind::Lint,
        run: wasm::wasm,
    },
    Stage { name: "tests", about: "all tests of the workspace", kind: Kind::Test, run: suites::workspace },
    Stage {
        name: "instructions",
        about: "the hot path takes as many instructions as it is known to take",
        kind: Kind::Test,
        run: budget::instructions,
    },
    Stage {
        name: "doctests",
        about: "the examples in the API documentation",
        kind: Kind::Test,
        run: suites::docs,
    },
    Stage {
        name: "client",
        about: "the browser client's package: built, weighed, typed, and tested in Node",
        kind: Kind::Test,
        run: npm::client,
    },
    Stage {
        name: "book",
        about: "the book is up to date, renders, and its frames parse",
        kind: Kind::Test,
        run: book::book,
    },
    Stage {
        name: "browser",
        about: "the web chat in a real browser, against the real server",
        kind: Kind::Test,
        run: browser::browser,
    },
    Stage {
        name: "npm",
        about: "the browser client's package as others use it: bundlers, Node, a page, linters, types, size",
        kind: Kind::Test,
        run: matrix::matrix,
    },
];
