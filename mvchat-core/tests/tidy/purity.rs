//! The pure ring: what it decides depends on its arguments only.

use crate::source::{Finding, Source};

/// The modules of the pure ring.
pub(crate) const PURE: [&str; 8] =
    ["proto", "irido", "policy", "session", "client", "presence", "wire", "map"];

/// What brings in a runtime, a clock, chance, or an order that differs from run to run.
const FORBIDDEN: [&str; 15] = [
    "async",
    "await",
    "tokio",
    "futures_util",
    "SystemTime",
    "Instant::now",
    "UtcDateTime::now",
    "OffsetDateTime::now_utc",
    "getrandom",
    "rand::",
    "fastrand",
    "new_v4",
    "now_v7",
    "HashMap",
    "HashSet",
];

/// Finds what the pure ring must not use.
pub(crate) fn rule(file: &Source) -> Vec<Finding> {
    if file.core_module().is_some_and(|module| PURE.contains(&module)) {
        file.words(&file.product, &FORBIDDEN)
    } else {
        Vec::new()
    }
}

#[test]
fn impurity_is_found() {
    for bad in [
        "async fn f() {}",
        "let x = y.await;",
        "use tokio::time;",
        "let now = std::time::SystemTime::now();",
        "let now = Instant::now();",
        "getrandom::fill(&mut key)?;",
        "let x: u8 = rand::random();",
        "let id = Uuid::new_v4();",
        "let id = Uuid::now_v7();",
        "let map = HashMap::new();",
        "use std::collections::{BTreeMap, HashSet};",
    ] {
        for path in [
            "proto/a.rs",
            "irido/a.rs",
            "policy/a.rs",
            "session/a.rs",
            "client/b/a.rs",
            "presence.rs",
            "session.rs",
        ] {
            assert_eq!(rule(&Source::new(&format!("mvchat-core/src/{path}"), bad)).len(), 1, "{path}: {bad}");
        }
        assert!(rule(&Source::new("mvchat-core/src/engine/a.rs", bad)).is_empty());
    }
}

#[test]
fn words_in_comments_texts_and_tests_are_no_impurity() {
    let good = "//! No tokio, no HashMap.\nfn f() -> &'static str { \"async\" }\n#[cfg(test)]\nmod tests { use tokio; }\n";
    assert!(rule(&Source::new("mvchat-core/src/proto/a.rs", good)).is_empty());
}
