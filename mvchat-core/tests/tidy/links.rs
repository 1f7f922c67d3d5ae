//! Links between documents.

use std::collections::BTreeSet;

use crate::source::{Finding, Source};

/// Finds relative links of a document that lead to no file of the tree.
pub(crate) fn rule(file: &Source, paths: &BTreeSet<String>) -> Vec<Finding> {
    if !file.path.ends_with(".md") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        for target in
            line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
        {
            let target = target.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains(':') && !paths.contains(&resolve(&file.path, target)) {
                found.push(file.finding(at + 1, format!("no file `{target}`")));
            }
        }
    }
    found
}

/// Returns the path that a link in the document at `path` leads to.
fn resolve(path: &str, target: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn a_link_into_nothing_is_found() {
    let paths = BTreeSet::from(["README.md".to_owned(), "book/src/a.md".to_owned()]);
    let good = "[a](book/src/a.md#part) [b](https://example.org/x) [c](#here) [d](./README.md)";
    assert!(rule(&Source::new("README.md", good), &paths).is_empty());
    assert!(rule(&Source::new("book/src/a.md", "[up](../../README.md)"), &paths).is_empty());
    assert_eq!(rule(&Source::new("README.md", "[a](a.md) and [b](book/b.md)"), &paths).len(), 2);
}
