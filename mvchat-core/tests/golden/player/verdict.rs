//! Holds what was found against the table.

use super::additions::ADDITIONS;
use super::compare::Found;
use super::differences::{DIFFERENCES, Difference, Ours};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;

#[derive(Default)]
pub(crate) struct Verdict {
    wrong: String,
    /// Rows of the table that were needed, with the step.
    used: BTreeSet<(usize, u32)>,
    added: BTreeSet<String>,
}

impl Verdict {
    /// Takes a difference; exactly one row must cover it.
    pub(crate) fn take(&mut self, scenario: &str, step: u32, client: &str, ids: &[String], found: &Found) {
        let rows = DIFFERENCES.iter().enumerate();
        let covers = |row: &Difference| {
            row.scenario == scenario
                && row.steps.contains(&step)
                && row.at == found.at
                && matches(&row.ours, found, ids)
        };
        let rows: Vec<usize> = rows.filter(|(_, row)| covers(row)).map(|(at, _)| at).collect();
        match rows[..] {
            [row] => drop(self.used.insert((row, step))),
            [] => self.wrong(scenario, step, client, found, "no row covers it"),
            _ => self.wrong(scenario, step, client, found, &format!("rows {rows:?} cover it")),
        }
    }

    /// Notes keys and kinds that only this server has.
    pub(crate) fn add(&mut self, added: Vec<String>) {
        self.added.extend(added);
    }

    /// Notes something that no row can cover.
    pub(crate) fn fail(&mut self, scenario: &str, step: u32, what: &str) {
        let _ = writeln!(self.wrong, "{scenario} {step:04}: {what}");
    }

    fn wrong(&mut self, scenario: &str, step: u32, client: &str, found: &Found, why: &str) {
        let show = |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), Value::to_string);
        let (expected, got) = (show(&found.recorded), show(&found.ours));
        let at = &found.at;
        self.fail(
            scenario,
            step,
            &format!("{client} hears {at}: {why}\n     expected {expected}\n     got      {got}"),
        );
    }

    /// Fails with everything that is wrong.
    pub(crate) fn check(mut self) {
        for (at, row) in DIFFERENCES.iter().enumerate() {
            for step in row.steps.iter().filter(|step| !self.used.contains(&(at, **step))) {
                let _ = writeln!(
                    self.wrong,
                    "row {at} is not needed at {} {step:04}: {} ({}, {})",
                    row.scenario, row.at, row.decision, row.why
                );
            }
        }
        for addition in ADDITIONS.iter().filter(|addition| !self.added.contains(addition.at)) {
            let _ = writeln!(self.wrong, "no frame has the addition {} ({})", addition.at, addition.decision);
        }
        assert!(self.wrong.is_empty(), "\n{}", self.wrong);
    }
}

fn matches(row: &Ours, found: &Found, ids: &[String]) -> bool {
    let (recorded, ours) = (found.recorded.as_ref(), found.ours.as_ref());
    match row {
        Ours::Reply(reply) => ours.is_some_and(|frame| {
            let ctrl = frame.get("ctrl").unwrap_or(frame);
            format!("{} {}", ctrl["code"], ctrl["text"].as_str().unwrap_or_default()) == **reply
        }),
        Ours::Is(json) => ours.is_some_and(|ours| *ours == serde_json::from_str::<Value>(json).unwrap()),
        Ours::Nothing => ours.is_none(),
        Ours::Also => recorded.is_none() && ours.is_some(),
        Ours::SameId => {
            recorded.is_none() && ours.and_then(Value::as_str).is_some_and(|id| ids.iter().any(|it| it == id))
        }
        Ours::Inline => recorded.is_some_and(|recorded| Some(&recorded["base64"]) == ours),
    }
}
