//! The tables of the book's page about performance.

use super::{Report, digits};
use crate::Tried;
use crate::outcome::Outcome;
use std::fmt::Write;
use std::path::Path;

/// Which tables of the page are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Those of all scenarios beside their floors.
    Floors,
    /// Those of another messenger.
    Peers,
}

impl Place {
    /// What stands before the tables, and what after.
    fn marks(self) -> (&'static str, &'static str) {
        match self {
            Self::Floors => ("<!-- measured -->", "<!-- end of measured -->"),
            Self::Peers => ("<!-- measured beside ejabberd -->", "<!-- end of measured beside ejabberd -->"),
        }
    }
}

/// Writes the tables of a report between their marks.
///
/// # Errors
/// If the page can't be read or written, or has no place for tables.
pub(crate) fn write(report: &Report, page: &Path, place: Place) -> Tried<()> {
    let old = std::fs::read_to_string(page)?;
    let tables = match place {
        Place::Floors => tables(report),
        Place::Peers => about(report) + &ratios(report) + &side_by_side(report),
    };
    let new = fill(&old, place, &tables);
    let new = new.ok_or_else(|| format!("{} has no {}", page.display(), place.marks().0))?;
    Ok(std::fs::write(page, new)?)
}

fn fill(page: &str, place: Place, tables: &str) -> Option<String> {
    let (start, end) = place.marks();
    let (before, rest) = page.split_once(start)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{start}\n\n{}\n\n{end}{after}", tables.trim()))
}

fn tables(report: &Report) -> String {
    let mut text = about(report) + "## Ratios\n\n" + &ratios(report);
    text.push_str("\n## Runs\n");
    report.outcomes.iter().for_each(|outcome| run(outcome, &mut text));
    text
}

fn about(report: &Report) -> String {
    let machine = &report.machine;
    let versions: Vec<String> =
        machine.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    format!(
        "Measured on {} with {} cores and {:.0} GiB of memory, {}, with {}. Figures are medians of {} rounds; the load \
         average was {:.1} before the first.\n\n",
        machine.processor,
        machine.cores,
        machine.memory,
        machine.kernel,
        versions.join(" and "),
        report.rounds,
        machine.load
    )
}

fn ratios(report: &Report) -> String {
    let mut text = "| Of what | Measured | Wanted | |\n|---|--:|---|---|\n".to_owned();
    for ratio in &report.ratios {
        let verdict = if ratio.holds() { "" } else { "missed" };
        let value = format!("{} {}", digits(ratio.value), ratio.unit);
        // Writing to a text can't fail.
        let _ = writeln!(text, "| {} | {} | {} | {verdict} |", ratio.name, value.trim(), ratio.bound);
    }
    text
}

/// One table of all runs: a row for each figure that one of them has, a column for each run.
fn side_by_side(report: &Report) -> String {
    let outcomes = &report.outcomes;
    let mut names: Vec<&str> = Vec::new();
    for figure in outcomes.iter().flat_map(|outcome| &outcome.figures) {
        if !names.contains(&figure.name.as_str()) {
            names.push(&figure.name);
        }
    }
    let row = |first: &str, cell: &dyn Fn(&Outcome) -> String| {
        let cells: Vec<String> = outcomes.iter().map(cell).collect();
        format!("| {first} | {} |\n", cells.join(" | "))
    };
    let mut text = format!(
        "\n{}|---{}|\n",
        row("Figure", &|outcome| outcome.name.clone()),
        "|--:".repeat(outcomes.len())
    );
    for name in names {
        text += &row(name, &|outcome| {
            let found = outcome.figures.iter().find(|figure| figure.name == name);
            found.map_or_else(String::new, |figure| {
                format!("{} {}", digits(figure.value), figure.unit).trim().to_owned()
            })
        });
    }
    for (outcome, what, count) in outcomes
        .iter()
        .flat_map(|outcome| outcome.errors.iter().map(move |(what, count)| (outcome, what, count)))
    {
        let _ = write!(text, "\n**{}: {what}: {count}.**\n", outcome.name);
    }
    text
}

fn run(outcome: &Outcome, text: &mut String) {
    let _ = write!(text, "\n### {}\n\n", outcome.name);
    text.push_str("| Figure | |\n|---|--:|\n");
    for figure in &outcome.figures {
        let value = format!("{} {}", digits(figure.value), figure.unit);
        let _ = writeln!(text, "| {} | {} |", figure.name, value.trim());
    }
    for (what, count) in &outcome.errors {
        let _ = writeln!(text, "| **{what}** | {count} |");
    }
    for note in &outcome.notes {
        let _ = write!(text, "\nNote: {note}.\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;

    #[test]
    fn tables_land_between_their_marks() {
        let both = |floors: &str, peers: &str| {
            let [(a, b), (c, d)] = [Place::Floors, Place::Peers].map(Place::marks);
            format!("# A\n\n{a}\n{floors}\n{b}\n\nbetween\n\n{c}\n{peers}\n{d}\n\nafter\n")
        };
        let page = both("old", "older");
        let filled = fill(&page, Place::Floors, "\n| x |\n").unwrap();
        assert_eq!(filled, both("\n| x |\n", "older"));
        assert_eq!(fill(&filled, Place::Floors, "| x |"), Some(filled.clone()));
        assert_eq!(fill(&page, Place::Peers, "| x |").unwrap(), both("old", "\n| x |\n"));
        assert_eq!(fill("# A\n", Place::Floors, "| x |"), None);
    }

    #[test]
    fn runs_stand_side_by_side() {
        let mut one = Outcome::new("one");
        one.figure("messages", 12.0, "");
        one.figure("CPU", 3.0, "µs");
        let mut other = Outcome::new("other");
        other.figure("messages", 7.0, "");
        other.error("lost", 2);
        let outcomes = vec![one, other];
        let report = Report { machine: Machine::default(), rounds: 1, outcomes, ratios: Vec::new() };
        let wanted = "\n| Figure | one | other |\n|---|--:|--:|\n| messages | 12.0 | 7.00 |\n| CPU | 3.00 µs |  |\n\
                      \n**other: lost: 2.**\n";
        assert_eq!(side_by_side(&report), wanted);
    }
}
