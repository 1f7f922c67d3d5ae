//! Fenced blocks: frames must parse, and Rust must come from a file that the workspace compiles.

use serde_json::{Deserializer, Value};

use crate::Check;

/// A fenced block of a page.
struct Block<'a> {
    language: &'a str,
    line: usize,
    text: String,
}

/// Checks a page as it was written: a block of Rust holds nothing but an include.
pub(crate) fn sources(page: &str, content: &str) -> Vec<Check> {
    let rust = blocks(content).into_iter().filter(|block| block.language == "rust");
    rust.map(|block| {
        let text = block.text.trim();
        let included = text.lines().count() == 1
            && (text.starts_with("{{#include ") || text.starts_with("{{#rustdoc_include "))
            && text.contains(".rs");
        if included {
            Ok(())
        } else {
            Err(format!(
                "{page}:{}: Rust in the book is included from a file that the workspace compiles",
                block.line
            ))
        }
    })
    .collect()
}

/// Checks a page as it will be rendered: nothing is left to include, and every frame is JSON.
pub(crate) fn contents(page: &str, content: &str) -> Vec<Check> {
    let mut checks = vec![match content.lines().position(|line| line.contains("{{#")) {
        Some(at) => Err(format!("{page}:{}: this file or part cannot be included", at + 1)),
        None => Ok(()),
    }];
    for block in blocks(content).into_iter().filter(|block| block.language == "json") {
        checks.push(
            parses(&block.text).map_err(|error| format!("{page}: block at line {}: {error}", block.line)),
        );
    }
    checks
}

/// Accepts one or several JSON values.
fn parses(text: &str) -> Result<(), String> {
    let mut values = Deserializer::from_str(text).into_iter::<Value>().peekable();
    if values.peek().is_none() {
        return Err("the block is empty".to_owned());
    }
    values.try_for_each(|value| value.map(drop)).map_err(|error| error.to_string())
}

fn blocks(content: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (at, line) in content.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), open.as_mut()) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(info), None) => {
                let language = info.split([',', ' ', '{']).next().unwrap_or_default().trim();
                open = Some(Block { language, line: at + 1, text: String::new() });
            }
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_is_no_json_is_found() {
        let good = contents("p", "```json\n{\"id\":\"1\"}\n{\"id\":\"2\"}\n```\n");
        assert!(good.iter().all(Result::is_ok), "{good:?}");
        let bad = contents("p", "```json\n{\"id\":}\n```\n");
        assert!(bad.iter().any(Result::is_err), "{bad:?}");
        let empty = contents("p", "```json\n```\n");
        assert!(empty.iter().any(Result::is_err), "{empty:?}");
    }

    #[test]
    fn rust_typed_into_a_page_is_found() {
        assert!(sources("p", "```rust\nfn main() {}\n```\n")[0].is_err());
        assert!(sources("p", "```rust,no_run\n{{#include ../a.rs}}\n```\n")[0].is_ok());
    }

    #[test]
    fn an_include_that_stayed_is_found() {
        assert!(contents("p", "{{#include nowhere.rs}}")[0].is_err());
    }
}
