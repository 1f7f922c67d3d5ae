//! What keeps tasks fair and memory bounded.

use crate::source::{Finding, Source, line_of};

/// Finds `select!` whose branches are polled in random order.
pub(crate) fn select(file: &Source) -> Vec<Finding> {
    let code = &file.code;
    code.match_indices("select!")
        .filter(|(at, _)| {
            let rest = code[at + "select!".len()..].trim_start();
            let body = rest.strip_prefix(['{', '(', '[']).map(str::trim_start);
            body.is_some_and(|body| {
                !body.strip_prefix("biased").is_some_and(|rest| rest.trim_start().starts_with(';'))
            })
        })
        .map(|(at, _)| file.finding(line_of(code, at), "`select!` without `biased;`"))
        .collect()
}

/// Finds queues without a bound.
pub(crate) fn bounded(file: &Source) -> Vec<Finding> {
    let mut found = file.words(
        &file.product,
        &["unbounded_channel", "unbounded", "UnboundedSender", "std::sync::mpsc::channel"],
    );
    for (at, line) in file.product.lines().enumerate() {
        let plain: String = line.split_whitespace().collect();
        // A channel of the standard library takes no capacity; one of tokio's cannot do without.
        if plain.contains("mpsc::channel()") || (plain.contains("mpsc::channel::<") && plain.contains(">()"))
        {
            found.push(file.finding(at + 1, "a channel without a capacity"));
        }
    }
    found
}

#[test]
fn an_unbiased_select_is_found() {
    let bad = Source::new("mvchat-core/src/engine/a.rs", "tokio::select! {\n x = y => z,\n}");
    assert_eq!(select(&bad).len(), 1);
    let good =
        Source::new("mvchat-core/src/engine/a.rs", "tokio::select! {\n // why\n biased;\n x = y => z,\n}");
    assert!(select(&good).is_empty());
}

#[test]
fn a_queue_without_a_bound_is_found() {
    for bad in [
        "let (a, b) = mpsc::unbounded_channel();",
        "mpsc::channel()",
        "mpsc::channel::<Vec<u8>>()",
        "mpsc::unbounded()",
    ] {
        assert!(!bounded(&Source::new("mvchat-core/src/engine/a.rs", bad)).is_empty(), "{bad}");
    }
    assert!(bounded(&Source::new("mvchat-core/src/engine/a.rs", "mpsc::channel(64)")).is_empty());
}
