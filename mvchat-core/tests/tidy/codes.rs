//! Numeric codes leave through one table.

use crate::source::{Finding, Source};

/// What a reply or a closing frame can carry.
const REPLY: [u32; 19] =
    [200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 409, 410, 413, 415, 429, 500, 502, 503, 504];
const CLOSE: [u32; 11] = [1000, 1001, 1002, 1003, 1008, 1009, 1011, 1012, 4001, 4003, 4008];

/// Finds code tables and literal codes outside `error.rs` and `proto`. A number alone says nothing (a page may have 200
/// rows), so it counts where the line speaks of codes, or where it is the result of a match arm.
pub(crate) fn rule(file: &Source) -> Vec<Finding> {
    let covered = match file.core_module() {
        Some(module) => !matches!(module, "error" | "proto" | "testkit"),
        None => file.is_adapter(),
    };
    if !covered {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (at, line) in file.product.lines().enumerate() {
        if ["fn code(", "fn close_code(", "fn status_code("].iter().any(|table| line.contains(table)) {
            found.push(file.finding(at + 1, "a second table of codes"));
        }
        let lower = line.to_lowercase();
        let speaks = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        for (start, number) in numbers(line) {
            let result = line[..start].trim_end().ends_with("=>");
            let reply = REPLY.contains(&number) && (result || speaks(&["code", "status", "ctrl"]));
            let close = (CLOSE.contains(&number) || (4001..=4999).contains(&number))
                && (result || speaks(&["code", "close"]));
            if reply || close {
                found.push(file.finding(at + 1, format!("the literal code {number}")));
            }
        }
    }
    found
}

/// Returns the plain integers of a line with their positions.
fn numbers(line: &str) -> Vec<(usize, u32)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = line[at..].find(|c: char| c.is_ascii_digit()) {
        let start = at + offset;
        let end = line[start..]
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .map_or(line.len(), |length| start + length);
        let joined = line[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        if let (false, Ok(number)) = (joined, line[start..end].parse()) {
            found.push((start, number));
        }
        at = end;
    }
    found
}

#[test]
fn a_code_outside_the_table_is_found() {
    for bad in [
        "fn code(self) -> u16 { x }",
        "Ctrl { code: 404, text }",
        "ErrorKind::Gone => 410,",
        "self.close(4008);",
        "StatusCode::from_u16(503)",
    ] {
        assert_eq!(rule(&Source::new("mvchat-core/src/engine/a.rs", bad)).len(), 1, "{bad}");
        assert_eq!(rule(&Source::new("mvchat-transport-axum/src/http.rs", bad)).len(), 1, "{bad}");
        assert!(rule(&Source::new("mvchat-core/src/error.rs", bad)).is_empty());
        assert!(rule(&Source::new("mvchat-core/src/proto/server.rs", bad)).is_empty());
    }
}

#[test]
fn a_number_that_is_no_code_passes() {
    for good in
        ["const PAGE: usize = 200;", "let x = self.code();", "// code 404", "let status = e404;", "x.0.500"]
    {
        assert!(rule(&Source::new("mvchat-core/src/engine/a.rs", good)).is_empty(), "{good}");
    }
}
