//! One setting's value before its type is known, and the typed readings of it.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    duration::{self, PlainUnit},
    size, suggest,
};

/// What was written for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Scalar>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub text: String,
    pub source: Source,
}

/// How a scalar came to be, which decides how strictly it is typed and whether messages may show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Written in the file without quotes; typed as YAML 1.2 types it.
    Plain,
    /// Written in the file in quotes, or as a block: text.
    Quoted,
    /// Came out of `${…}`: takes whatever type the key wants and is never shown, it may be a secret.
    Expanded,
    /// A flag or one of the server's own variables.
    Raw,
}

/// A sentence that says what was expected; the caller adds place and key.
pub(crate) type Complaint = String;

impl Value {
    pub(crate) fn raw(text: &str) -> Self {
        Self::Scalar(Scalar { text: text.to_owned(), source: Source::Raw })
    }

    /// Reads text.
    pub(crate) fn text(&self) -> Result<&str, Complaint> {
        let scalar = self.scalar()?;
        match (scalar.source, plain_type(&scalar.text)) {
            (Source::Plain, Some(kind)) => {
                Err(format!("expected text, found {kind}; put it in quotes if it is meant"))
            }
            _ => Ok(&scalar.text),
        }
    }

    /// Reads `true` or `false`.
    pub(crate) fn switch(&self) -> Result<bool, Complaint> {
        let scalar = self.unquoted("true or false")?;
        match scalar.text.as_str() {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            _ => Err(format!("expected true or false, found {}", scalar.shown())),
        }
    }

    /// Reads a whole number within bounds.
    pub(crate) fn whole<T: TryFrom<u64>>(&self, range: RangeInclusive<u64>) -> Result<T, Complaint> {
        let scalar = self.unquoted("a whole number")?;
        let digits = !scalar.text.is_empty() && scalar.text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits && scalar.text.parse::<i64>().is_err() {
            return Err(format!("expected a whole number, found {}", scalar.shown()));
        }
        let number = scalar.text.parse::<u64>().ok().filter(|number| range.contains(number));
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| format!("{} is outside of {} to {}", scalar.shown(), range.start(), range.end()))
    }

    /// Reads a duration within bounds; a plain number counts `unit`s.
    pub(crate) fn duration(
        &self,
        unit: PlainUnit,
        range: RangeInclusive<Duration>,
    ) -> Result<Duration, Complaint> {
        let scalar = self.scalar()?;
        let found = duration::parse(&scalar.text, unit)
            .map_err(|complaint| format!("{complaint}, found {}", scalar.shown()))?;
        if range.contains(&found) {
            return Ok(found);
        }
        let (low, high) = (duration::show(*range.start()), duration::show(*range.end()));
        Err(format!("{} is outside of {low} to {high}", scalar.shown()))
    }

    /// Reads a size in bytes within bounds.
    pub(crate) fn size(&self, range: RangeInclusive<usize>) -> Result<usize, Complaint> {
        let scalar = self.scalar()?;
        let found = size::parse(&scalar.text)
            .map_err(|complaint| format!("{complaint}, found {}", scalar.shown()))?;
        usize::try_from(found).ok().filter(|found| range.contains(found)).ok_or_else(|| {
            let (low, high) = (size::show(*range.start() as u64), size::show(*range.end() as u64));
            format!("{} is outside of {low} to {high}", scalar.shown())
        })
    }

    /// Reads one of a few words.
    pub(crate) fn choice<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Complaint> {
        let scalar = self.scalar()?;
        if let Some((_, found)) = words.iter().find(|(word, _)| *word == scalar.text) {
            return Ok(*found);
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let meant = match suggest::nearest(&scalar.text, names.iter().copied()) {
            Some(name) if scalar.source != Source::Expanded => format!("; did you mean {name}?"),
            _ => String::new(),
        };
        Err(format!("expected {}, found {}{meant}", names.join(" or "), scalar.shown()))
    }

    /// Reads a list, or one scalar with commas between the items; items are trimmed, empty ones left out.
    pub(crate) fn list(&self) -> Vec<&str> {
        let items: Vec<&str> = match self {
            Self::Scalar(scalar) => scalar.text.split(',').collect(),
            Self::List(items) => items.iter().map(|item| item.text.as_str()).collect(),
        };
        items.into_iter().map(str::trim).filter(|item| !item.is_empty()).collect()
    }

    /// Whether a message may repeat parts of this value.
    pub(crate) fn may_be_shown(&self) -> bool {
        match self {
            Self::Scalar(scalar) => scalar.source != Source::Expanded,
            Self::List(items) => items.iter().all(|item| item.source != Source::Expanded),
        }
    }

    fn scalar(&self) -> Result<&Scalar, Complaint> {
        match self {
            Self::Scalar(scalar) => Ok(scalar),
            Self::List(_) => Err("expected one value, found a list".to_owned()),
        }
    }

    fn unquoted(&self, expected: &str) -> Result<&Scalar, Complaint> {
        let scalar = self.scalar()?;
        match scalar.source {
            Source::Quoted => Err(format!("expected {expected}, found text; remove the quotes")),
            Source::Plain | Source::Expanded | Source::Raw => Ok(scalar),
        }
    }
}

impl Scalar {
    /// Whether YAML reads the scalar as "no value".
    pub(crate) fn is_null(&self) -> bool {
        self.source == Source::Plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    fn shown(&self) -> String {
        match self.source {
            Source::Expanded => "something else in the variable's value".to_owned(),
            // Values are short; a long one is a mistake that would drown the message.
            _ => format!("`{}`", self.text.chars().take(60).collect::<String>().escape_debug()),
        }
    }
}

/// The type that YAML 1.2's core schema gives to an unquoted scalar, if it is not text.
fn plain_type(text: &str) -> Option<&'static str> {
    if matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE") {
        return Some("true or false");
    }
    let numeric =
        text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'));
    (numeric && text.parse::<f64>().is_ok()).then_some("a number")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, source: Source) -> Value {
        Value::Scalar(Scalar { text: text.to_owned(), source })
    }

    #[test]
    fn plain_scalars_are_typed_strictly() {
        assert_eq!(value("10", Source::Plain).whole::<u32>(0..=10), Ok(10));
        assert_eq!(value("true", Source::Plain).switch(), Ok(true));
        assert_eq!(value("abc", Source::Plain).text(), Ok("abc"));
        for text in ["10", "-1.5", "1e3", "true"] {
            assert!(value(text, Source::Plain).text().is_err(), "{text}");
            assert_eq!(value(text, Source::Quoted).text(), Ok(text));
        }
        for text in ["ten", "", "1.5", "0x10", "1_000"] {
            assert!(value(text, Source::Plain).whole::<u32>(0..=10_000).is_err(), "{text}");
        }
        assert!(value("10", Source::Quoted).whole::<u32>(0..=10).is_err());
        assert!(value("yes", Source::Plain).switch().is_err());
    }

    #[test]
    fn expanded_scalars_take_the_wanted_type_and_stay_hidden() {
        assert_eq!(value("10", Source::Expanded).whole::<u32>(0..=10), Ok(10));
        assert_eq!(value("10", Source::Expanded).text(), Ok("10"));
        let seconds = Duration::ZERO..=Duration::from_secs(1);
        let secret = value("hunter2", Source::Expanded);
        for complaint in [
            secret.whole::<u32>(0..=1).unwrap_err(),
            secret.switch().unwrap_err(),
            secret.duration(PlainUnit::Seconds, seconds).unwrap_err(),
            secret.size(0..=1).unwrap_err(),
            secret.choice(&[("huntar2", 1)]).unwrap_err(),
        ] {
            assert!(!complaint.contains("hunter") && !complaint.contains("did you mean"), "{complaint}");
        }
    }

    #[test]
    fn bounds_are_named() {
        let complaint = value("11", Source::Plain).whole::<u32>(1..=10).unwrap_err();
        assert_eq!(complaint, "`11` is outside of 1 to 10");
        assert!(value("-1", Source::Plain).whole::<u32>(0..=10).unwrap_err().contains("outside"));
        assert!(
            value("99999999999999999999", Source::Plain)
                .whole::<u32>(0..=10)
                .unwrap_err()
                .contains("outside")
        );
        let minutes = Duration::ZERO..=Duration::from_mins(10);
        let complaint = value("11", Source::Plain).duration(PlainUnit::Minutes, minutes).unwrap_err();
        assert_eq!(complaint, "`11` is outside of 0s to 10m");
    }

    #[test]
    fn choices_suggest() {
        let complaint = value("sledd", Source::Raw).choice(&[("memory", 1), ("sled", 2)]).unwrap_err();
        assert_eq!(complaint, "expected memory or sled, found `sledd`; did you mean sled?");
    }

    #[test]
    fn lists_come_as_sequences_or_with_commas() {
        let items = vec![Scalar { text: "a".to_owned(), source: Source::Plain }];
        assert_eq!(Value::List(items).list(), ["a"]);
        assert_eq!(value("a, b,,", Source::Raw).list(), ["a", "b"]);
        assert!(value("", Source::Expanded).list().is_empty());
    }
}
