//! What a run tells: as text, JSON, a page with plots, and tables of the book.

mod book;
mod html;
mod plot;
mod text;

use crate::machine::Machine;
use crate::outcome::Outcome;
use crate::{Tried, args::CommonArgs};
use serde::Serialize;
use std::io::Write;
use std::path::Path;

pub(crate) use book::{Place, write as write_book};

/// A figure beside another one of the same run, or beside what was wanted.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Ratio {
    /// Of what to what.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what, if it is no plain ratio.
    pub unit: String,
    /// What was wanted: at most this, or at least.
    pub bound: Bound,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Bound {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Ratio {
    /// Returns whether it is as wanted.
    pub fn holds(&self) -> bool {
        match self.bound {
            Bound::AtMost(bound) => self.value <= bound,
            Bound::AtLeast(bound) => self.value >= bound,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtMost(bound) => write!(f, "≤ {bound}"),
            Self::AtLeast(bound) => write!(f, "≥ {bound}"),
        }
    }
}

/// All that came of a command.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Where it was measured.
    pub machine: Machine,
    /// How often everything was run; figures are medians.
    pub rounds: usize,
    /// What was measured.
    pub outcomes: Vec<Outcome>,
    /// How figures stand to each other.
    pub ratios: Vec<Ratio>,
}

impl Report {
    /// Returns whether nothing went wrong in any run.
    pub fn is_clean(&self) -> bool {
        self.outcomes.iter().all(Outcome::is_clean)
    }

    /// Writes the report to wherever the command line wants it.
    pub(crate) fn publish(&self, args: &CommonArgs) -> Tried<()> {
        if let Some(path) = &args.html {
            std::fs::write(path, html::page(self))?;
        }
        let json = || serde_json::to_string_pretty(self);
        match &args.json {
            Some(path) if path == Path::new("-") => return Ok(writeln!(std::io::stdout(), "{}", json()?)?),
            Some(path) => std::fs::write(path, json()? + "\n")?,
            None => {}
        }
        Ok(std::io::stdout().write_all(text::page(self).as_bytes())?)
    }
}

/// Writes a number with as many digits as mean something.
pub(crate) fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 10_000.0 => {
            let whole = format!("{value:.0}");
            let (sign, whole) = whole.strip_prefix('-').map_or(("", &*whole), |rest| ("-", rest));
            let first = whole.len() % 3;
            let parts = std::iter::once(&whole[..first])
                .chain((first..whole.len()).step_by(3).map(|at| &whole[at..at + 3]));
            format!("{sign}{}", parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(","))
        }
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_mean_something() {
        let written =
            [0.0, 0.126, 9.996, 12.34, 123.4, 9_999.0, 12_345.6, 1_234_567.0, -20_000.0].map(digits);
        assert_eq!(
            written,
            ["0.00", "0.13", "10.00", "12.3", "123", "9999", "12,346", "1,234,567", "-20,000"]
        );
    }

    #[test]
    fn a_bound_is_kept_or_not() {
        let ratio = |value, bound| Ratio { name: String::new(), value, unit: String::new(), bound };
        assert!(ratio(1.2, Bound::AtMost(1.25)).holds() && !ratio(1.3, Bound::AtMost(1.25)).holds());
        assert!(ratio(0.8, Bound::AtLeast(0.8)).holds() && !ratio(0.7, Bound::AtLeast(0.8)).holds());
        assert_eq!(Bound::AtMost(1.25).to_string(), "≤ 1.25");
    }
}
