//! The tables of the book's page about performance.

use super::{Report, digits};
use crate::Tried;
use crate::outcome::Outcome;
use std::fmt::Write;
use std::path::Path;

const START: &str = "<!-- measured -->";
const END: &str = "<!-- end of measured -->";

/// Writes the tables of a report between their marks.
///
/// # Errors
/// If the page can't be read or written, or has no place for tables.
pub(crate) fn write(report: &Report, page: &Path) -> Tried<()> {
    let old = std::fs::read_to_string(page)?;
    let new = fill(&old, &tables(report)).ok_or_else(|| format!("{} has no {START}", page.display()))?;
    Ok(std::fs::write(page, new)?)
}

fn fill(page: &str, tables: &str) -> Option<String> {
    let (before, rest) = page.split_once(START)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{START}\n\n{}\n\n{END}{after}", tables.trim()))
}

fn tables(report: &Report) -> String {
    let machine = &report.machine;
    let versions: Vec<String> =
        machine.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let mut text = format!(
        "Measured on {} with {} cores and {:.0} GiB of memory, {}, with {}. Figures are medians of {} rounds; the load \
         average was {:.1} before the first.\n\n",
        machine.processor,
        machine.cores,
        machine.memory,
        machine.kernel,
        versions.join(" and "),
        report.rounds,
        machine.load
    );
    text.push_str("## Ratios\n\n| Of what | Measured | Wanted | |\n|---|--:|---|---|\n");
    for ratio in &report.ratios {
        let verdict = if ratio.holds() { "" } else { "missed" };
        let value = format!("{} {}", digits(ratio.value), ratio.unit);
        // Writing to a text can't fail.
        let _ = writeln!(text, "| {} | {} | {} | {verdict} |", ratio.name, value.trim(), ratio.bound);
    }
    text.push_str("\n## Runs\n");
    report.outcomes.iter().for_each(|outcome| run(outcome, &mut text));
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

    #[test]
    fn tables_land_between_their_marks() {
        let page = format!("# A\n\n{START}\nold\n{END}\n\nafter\n");
        let filled = fill(&page, "\n| x |\n").unwrap();
        assert_eq!(filled, format!("# A\n\n{START}\n\n| x |\n\n{END}\n\nafter\n"));
        assert_eq!(fill(&filled, "| x |"), Some(filled.clone()));
        assert_eq!(fill("# A\n", "| x |"), None);
    }
}
