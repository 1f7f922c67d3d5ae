//! Durations as people write them: `90s`, `1h30m`, `2d`, or a plain number of a unit fixed by the key.

use std::time::Duration;

/// What a plain number means for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlainUnit {
    /// Most keys.
    Seconds,
    /// The edit and unsend windows, which configuration files of mvChat2 give in minutes.
    Minutes,
}

/// Every unit with its milliseconds, the largest first; reading and writing both follow this order.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a duration; units may be combined from large to small, each at most once.
///
/// # Errors
/// A sentence for the user, without the text itself.
pub(crate) fn parse(text: &str, plain: PlainUnit) -> Result<Duration, String> {
    const HOW: &str = "expected a duration such as 90s, 10m, 1h30m, 2d or 500ms";
    const TOO_LONG: &str = "the duration is too long";
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: u64 = text.parse().map_err(|_| TOO_LONG)?;
        let seconds = match plain {
            PlainUnit::Seconds => Some(number),
            PlainUnit::Minutes => number.checked_mul(60),
        };
        return Ok(Duration::from_secs(seconds.ok_or(TOO_LONG)?));
    }
    if text.is_empty() {
        return Err(HOW.to_owned());
    }
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let letters = after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (unit, after) = after.split_at(letters);
        // The iterator only moves forward, so a repeated or larger unit is not found any more.
        let (_, milliseconds) = units.find(|(name, _)| *name == unit).ok_or(HOW)?;
        if number.is_empty() {
            return Err(HOW.to_owned());
        }
        let number: u64 = number.parse().map_err(|_| TOO_LONG)?;
        let part = number.checked_mul(*milliseconds).ok_or(TOO_LONG)?;
        total = total.checked_add(part).ok_or(TOO_LONG)?;
        rest = after;
    }
    Ok(Duration::from_millis(total))
}

/// Writes a duration so that [`parse`] reads it back; anything below a millisecond is cut off.
pub(crate) fn show(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if left == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (name, milliseconds) in UNITS {
        let count = left / milliseconds;
        if count > 0 {
            text.push_str(&format!("{count}{name}"));
            left %= milliseconds;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units_and_plain_numbers() {
        let cases = [
            ("10m", 600_000),
            ("90s", 90_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("500ms", 500),
            ("1d2h3m4s5ms", 93_784_005),
            ("0s", 0),
            ("7", 7_000),
            ("1209600", 1_209_600_000),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(parse(text, PlainUnit::Seconds), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        assert_eq!(parse("15", PlainUnit::Minutes), Ok(Duration::from_mins(15)));
        assert_eq!(parse("15s", PlainUnit::Minutes), Ok(Duration::from_secs(15)));
    }

    #[test]
    fn refuses_what_is_not_a_duration() {
        let too_many = format!("{}d", u64::MAX);
        for text in
            ["", "m", "-5m", "5 m", "1.5h", "10x", "5m1h", "1m1m", "5m3", " 5m", "５m", "1e3", &too_many]
        {
            assert!(parse(text, PlainUnit::Seconds).is_err(), "{text:?}");
        }
        assert!(parse(&u64::MAX.to_string(), PlainUnit::Minutes).is_err());
    }

    #[test]
    fn what_is_shown_reads_back() {
        for milliseconds in [0, 1, 999, 1_000, 90_000, 5_400_000, 1_209_600_000, 93_784_005] {
            let duration = Duration::from_millis(milliseconds);
            assert_eq!(parse(&show(duration), PlainUnit::Seconds), Ok(duration), "{}", show(duration));
        }
        assert_eq!(show(Duration::from_mins(90)), "1h30m");
    }
}
