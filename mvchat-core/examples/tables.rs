//! Prints the book's tables of errors and limits, made from the code that they describe: the figures from the values,
//! the explanations from the documentation comments beside them. `cargo xtask book` puts them into their pages.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use mvchat_core::ErrorKind;
use mvchat_core::proto::{Algorithm, Limits, OnFailure};
use serde_json::Value;

const ERRORS: &str = include_str!("../src/error.rs");
const LIMITS: &str = include_str!("../src/proto/limits.rs");
const RATES: &str = include_str!("../src/proto/rate.rs");

fn main() -> serde_json::Result<()> {
    println!("<!-- generated: errors -->\n{}", errors());
    println!("<!-- generated: limits -->\n{}", limits()?);
    println!("<!-- generated: rates -->\n{}", rates()?);
    Ok(())
}

fn errors() -> String {
    let mut rows: Vec<_> = ErrorKind::TABLE.iter().collect();
    rows.sort_by_key(|row| (row.code, row.slug));
    let mut table =
        String::from("| `code` | `err` | Meaning | Usual `text` | Try again? |\n|---|---|---|---|---|\n");
    for row in rows {
        let meaning = explanation(ERRORS, &format!("{:?},", row.kind));
        let retry = if row.retry { "yes" } else { "no" };
        table
            .push_str(&format!("| {} | `{}` | {meaning} | `{}` | {retry} |\n", row.code, row.slug, row.text));
    }
    table
}

fn limits() -> serde_json::Result<String> {
    let defaults = serde_json::to_value(Limits::default())?;
    let original = serde_json::to_value(Limits::mvchat2())?;
    let mut table = String::from("| Name | Meaning | Default | Preset `mvchat2` |\n|---|---|---|---|\n");
    // The order is that of the source, which keeps related limits together; the wire's names are made from the fields'.
    for field in LIMITS.lines().filter_map(|line| Some(line.trim().strip_prefix("pub ")?.split_once(": ")?.0))
    {
        let name = camel_case(field);
        let meaning = explanation(LIMITS, &format!("pub {field}: "));
        if name == "rates" {
            // A table of its own.
            continue;
        }
        assert!(defaults[&name].is_number(), "`{name}` is not the name of `{field}` on the wire");
        let other = if original[&name] == defaults[&name] { String::new() } else { figure(&original[&name]) };
        table.push_str(&format!("| `{name}` | {meaning} | {} | {other} |\n", figure(&defaults[&name])));
    }
    Ok(table)
}

fn rates() -> serde_json::Result<String> {
    let defaults = Limits::default().rates;
    let mut table =
        String::from("| `act` | Counts | `key` | Passes | Without a limiter |\n|---|---|---|---|---|\n");
    for rate in Limits::mrezhen().rates.iter() {
        let row = serde_json::to_value(rate)?;
        let (act, key) = (row["act"].as_str().unwrap_or_default(), row["key"].as_str().unwrap_or_default());
        let meaning = explanation(RATES, &format!("{:?},", rate.act));
        let preset = if defaults.contains(rate) { "" } else { " (preset `mrezhen`)" };
        let passes = passes(rate.algorithm);
        let failure = if rate.on_failure == OnFailure::Closed { "refused" } else { "passes" };
        table.push_str(&format!("| `{act}` | {meaning} | `{key}` | {passes}{preset} | {failure} |\n"));
    }
    Ok(table)
}

fn passes(algorithm: Algorithm) -> String {
    match algorithm {
        Algorithm::Bucket { burst, every } => format!("{burst} at once, and one more every {}", time(every)),
        Algorithm::Window { max, per } => format!("exactly {max} in any {}", time(per)),
        Algorithm::AtOnce { max } => format!("{max} at the same time"),
        Algorithm::Backoff { free, first, longest, forget } => format!(
            "{free}, then after pauses that double from {} to {}; forgotten after a quiet {}",
            time(first),
            time(longest),
            time(forget)
        ),
        _ => String::new(),
    }
}

fn time(millis: u32) -> String {
    match millis {
        60_000.. if millis.is_multiple_of(60_000) => format!("{} min", millis / 60_000),
        1_000.. => format!("{} s", f64::from(millis) / 1_000.0),
        _ => format!("{millis} ms"),
    }
}

/// Returns the documentation in front of the first line that begins with `item`.
fn explanation(source: &str, item: &str) -> String {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let Some(at) = lines.iter().position(|line| format!("{line} ").starts_with(item)) else {
        return String::new();
    };
    let first = lines[..at].iter().rposition(|line| !line.starts_with("///")).map_or(0, |before| before + 1);
    let words: Vec<&str> = lines[first..at].iter().map(|line| line.trim_start_matches('/').trim()).collect();
    words.join(" ")
}

fn camel_case(field: &str) -> String {
    let mut name = String::new();
    for (at, word) in field.split('_').enumerate() {
        let (head, tail) = word.split_at(usize::from(at > 0 && !word.is_empty()));
        name.push_str(&head.to_uppercase());
        name.push_str(tail);
    }
    name
}

/// Writes a number with its thousands apart.
fn figure(value: &Value) -> String {
    let digits = value.to_string();
    let mut figure = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            figure.push(',');
        }
        figure.push(digit);
    }
    figure
}
