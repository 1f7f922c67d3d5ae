//! Sizes in bytes: `65536` or `64KiB`.

const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Reads a size in bytes, plain or with a binary unit.
///
/// # Errors
/// A sentence for the user. `KB` and `MB` are refused because half of the world reads them as powers of ten.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    let factor = match unit {
        "" => 1,
        unit => UNITS.iter().find(|(name, _)| *name == unit).map_or(0, |(_, factor)| *factor),
    };
    if number.is_empty() || factor == 0 {
        return Err("expected a size in bytes such as 65536, 64KiB or 8MiB".to_owned());
    }
    number
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(factor))
        .ok_or_else(|| "the size is too large".to_owned())
}

/// Writes a size with the largest unit that divides it.
pub(crate) fn show(bytes: u64) -> String {
    match UNITS.iter().find(|(_, factor)| bytes > 0 && bytes.is_multiple_of(*factor)) {
        Some((name, factor)) if *factor > 1 => format!("{}{name}", bytes / factor),
        _ => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_plain_numbers_and_binary_units() {
        for (text, bytes) in
            [("0", 0), ("131072", 131_072), ("64KiB", 65_536), ("8 MiB", 8 << 20), ("1GiB", 1 << 30)]
        {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "KiB", "8MB", "8kib", "1.5MiB", "-1", "8MiBx", "99999999999GiB"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for (bytes, text) in
            [(0, "0"), (1_000, "1000"), (65_536, "64KiB"), (8 << 20, "8MiB"), (3 << 30, "3GiB")]
        {
            assert_eq!(show(bytes), text);
            assert_eq!(parse(text), Ok(bytes));
        }
    }
}
