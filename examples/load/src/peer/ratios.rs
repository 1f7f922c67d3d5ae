//! How the two messengers stand to each other, and how they should.

use crate::outcome::Outcome;
use crate::report::{Bound, Ratio};
use std::collections::BTreeMap;

/// Of which load which figure is compared, whether more of it is better, and by how much mvchat has to be ahead.
const GOALS: [(&str, &str, bool, f64); 4] = [
    ("saturated", "server CPU per message", false, 20.0),
    ("saturated", "database CPU per message", false, 10.0),
    ("saturated", "messages per second", true, 5.0),
    ("offered", "server CPU per message", false, 5.0),
];

/// Makes all ratios whose two sides were measured, each so that more is better.
pub(super) fn of(merged: &BTreeMap<&str, Outcome>) -> Vec<Ratio> {
    let value = |side: &str, load: &str, figure: &str| merged.get(&*format!("{side}-{load}"))?.value(figure);
    let ratio = |(load, figure, more, ahead): &(&str, &str, bool, f64)| {
        let (ours, theirs) = (value("mvchat", load, figure)?, value("ejabberd", load, figure)?);
        let (words, value) = match more {
            true => ("mvchat's to ejabberd's", ours / theirs.max(1e-9)),
            false => ("ejabberd's to mvchat's", theirs / ours.max(1e-9)),
        };
        let load = if *load == "offered" { "1,000 messages a second" } else { load };
        let name = format!("{load}: {figure}, {words}");
        Some(Ratio { name, value, unit: String::new(), bound: Bound::AtLeast(*ahead) })
    };
    GOALS.iter().filter_map(ratio).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_better_in_all_of_them() {
        let measured = |figures: &[(&str, f64)]| {
            let mut outcome = Outcome::new("x");
            figures.iter().for_each(|(name, value)| outcome.figure(name, *value, ""));
            outcome
        };
        let (cpu, rate) = ("server CPU per message", "messages per second");
        let merged = BTreeMap::from([
            ("mvchat-saturated", measured(&[(cpu, 10.0), (rate, 8_000.0)])),
            ("ejabberd-saturated", measured(&[(cpu, 300.0), (rate, 2_000.0)])),
            ("mvchat-offered", measured(&[(cpu, 100.0)])),
        ]);
        let ratios = of(&merged);
        let told: Vec<_> = ratios.iter().map(|ratio| (ratio.value, ratio.holds())).collect();
        assert_eq!(told, [(30.0, true), (4.0, false)], "{ratios:?}");
        assert_eq!(ratios[0].name, "saturated: server CPU per message, ejabberd's to mvchat's");
    }
}
