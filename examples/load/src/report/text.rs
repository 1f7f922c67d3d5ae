//! The report for a terminal.

use super::{Report, digits};
use crate::outcome::Outcome;

pub(super) fn page(report: &Report) -> String {
    let mut page = String::new();
    report.outcomes.iter().for_each(|outcome| one(outcome, &mut page));
    if !report.ratios.is_empty() {
        page.push_str("\nratios\n");
        let width = report.ratios.iter().map(|ratio| ratio.name.chars().count()).max().unwrap_or(0);
        for ratio in &report.ratios {
            let verdict = if ratio.holds() { "" } else { "  missed" };
            let value = format!("{} {}", digits(ratio.value), ratio.unit);
            page.push_str(&format!("  {:<width$}  {value:>12}  {}{verdict}\n", ratio.name, ratio.bound));
        }
    }
    page
}

fn one(outcome: &Outcome, page: &mut String) {
    let setup: Vec<String> = outcome.setup.iter().map(|(name, value)| format!("{name} {value}")).collect();
    page.push_str(&format!("\n{}\n  {}\n", outcome.name, setup.join(", ")));
    let width = outcome.figures.iter().map(|figure| figure.name.chars().count()).max().unwrap_or(0);
    for figure in &outcome.figures {
        page.push_str(&format!("  {:<width$}  {:>12} {}\n", figure.name, digits(figure.value), figure.unit));
    }
    for (what, count) in &outcome.errors {
        page.push_str(&format!("  WRONG  {what}: {count}\n"));
    }
    for note in &outcome.notes {
        page.push_str(&format!("  note   {note}\n"));
    }
}
