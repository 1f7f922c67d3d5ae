//! Which ring may name which.

use crate::{
    purity::PURE,
    source::{Finding, Source},
};

/// The core's modules that may wait. `builtin` and `testkit` hold implementations of seams.
const WAITING: [&str; 4] = ["engine", "builtin", "seam", "testkit"];

/// Finds places where the pure ring names the shell around it.
pub(crate) fn inward(file: &Source) -> Vec<Finding> {
    match file.core_module() {
        Some("policy") => file.words(&file.product, &["seam", "engine", "builtin"]),
        Some(module) if PURE.contains(&module) => {
            file.words(&file.product, &["crate::seam", "crate::engine", "crate::builtin", "crate::testkit"])
        }
        _ => Vec::new(),
    }
}

/// Finds waiting outside the engine and the seams' sides.
pub(crate) fn waiting(file: &Source) -> Vec<Finding> {
    match file.core_module() {
        Some(module) if !WAITING.contains(&module) => file.words(&file.product, &[".await"]),
        _ => Vec::new(),
    }
}

/// Finds adapters that know what a command is. Functions such as `Request::builder` are not meant, only variants.
pub(crate) fn adapters(file: &Source) -> Vec<Finding> {
    if !file.is_adapter() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (at, line) in file.product.lines().enumerate() {
        for name in ["Command::", "Request::"] {
            let mut places = line.match_indices(name).map(|(start, _)| &line[start + name.len()..]);
            if places.any(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase())) {
                found.push(file.finding(at + 1, format!("a variant of `{name}`")));
            }
        }
    }
    found
}

#[test]
fn a_policy_that_sees_a_seam_is_found() {
    let bad = Source::new("mvchat-core/src/policy/send.rs", "use crate::seam::Store;");
    assert_eq!(inward(&bad).len(), 1);
    let bad = Source::new("mvchat-core/src/session/mod.rs", "use crate::engine::Chat;");
    assert_eq!(inward(&bad).len(), 1);
    let good = Source::new("mvchat-core/src/engine/mod.rs", "use crate::seam::Store;");
    assert!(inward(&good).is_empty());
}

#[test]
fn waiting_outside_the_engine_is_found() {
    let text = "fn f() { store\n.load()\n.await }";
    assert_eq!(waiting(&Source::new("mvchat-core/src/error.rs", text)).len(), 1);
    assert!(waiting(&Source::new("mvchat-core/src/engine/serve.rs", text)).is_empty());
    assert!(waiting(&Source::new("mvchat-store-sled/src/lib.rs", text)).is_empty());
}

#[test]
fn an_adapter_that_matches_commands_is_found() {
    let bad = Source::new(
        "mvchat-transport-axum/src/ws.rs",
        "match r { Request::Send(s) => s, Command::Edit { .. } => e }",
    );
    assert_eq!(adapters(&bad).len(), 2);
    let good =
        Source::new("mvchat-transport-axum/src/ws.rs", "let r = Request::builder();\n// Request::Send\n");
    assert!(adapters(&good).is_empty());
    let core = Source::new("mvchat-core/src/engine/dispatch.rs", "Request::Send(s)");
    assert!(adapters(&core).is_empty());
}
