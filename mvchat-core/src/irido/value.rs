//! Reads single values: each function takes a value's JSON text and names the rule it breaks.

use uuid::Uuid;

use crate::wire;

use super::Rule;

/// The largest integer that every client can hold exactly, 2^53 − 1.
const MAX_COUNTER: u64 = (1 << 53) - 1;

/// Returns the string that a value's text stands for.
pub(super) fn string(json: &str) -> Result<String, Rule> {
    if !json.starts_with('"') {
        return Err(Rule::WrongType);
    }
    match wire::read::<String>(json) {
        Ok(string) if !string.contains('\0') => Ok(string),
        _ => Err(Rule::BadString),
    }
}

/// Returns the finite number that a value's text stands for.
pub(super) fn number(json: &str) -> Result<f64, Rule> {
    if !json.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Err(Rule::WrongType);
    }
    // Every JSON number is also a number for Rust's parser, which rounds correctly and overflows to infinity.
    match json.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(Rule::OutOfRange),
    }
}

/// Returns a string of at most `max_bytes` bytes.
pub(super) fn bounded(value: &str, max_bytes: usize) -> Result<String, Rule> {
    let string = string(value)?;
    if string.len() > max_bytes { Err(Rule::TooLong) } else { Ok(string) }
}

/// Returns a UUID in its hyphenated form, in any case.
pub(super) fn id(value: &str) -> Result<Uuid, Rule> {
    let string = string(value)?;
    // The parser knows four spellings; only the hyphenated one has 36 characters.
    if string.len() != 36 {
        return Err(Rule::BadId);
    }
    Uuid::try_parse(&string).map_err(|_| Rule::BadId)
}

/// Returns an integer of at most 2^53 − 1; `1.0` is one, too.
pub(super) fn counter(value: &str) -> Result<u64, Rule> {
    if let Ok(integer) = value.parse::<u64>() {
        return if integer > MAX_COUNTER { Err(Rule::OutOfRange) } else { Ok(integer) };
    }
    let number = measure(value)?;
    if number.fract() != 0.0 {
        return Err(Rule::WrongType);
    }
    if number > MAX_COUNTER as f64 { Err(Rule::OutOfRange) } else { Ok(number as u64) }
}

/// Returns a finite number that is not negative.
pub(super) fn measure(value: &str) -> Result<f64, Rule> {
    let number = number(value)?;
    if number < 0.0 { Err(Rule::Negative) } else { Ok(number) }
}
