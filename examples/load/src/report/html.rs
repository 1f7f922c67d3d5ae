//! The report as one page that needs nothing else.

use super::{Report, digits, plot};
use crate::outcome::Outcome;
use std::fmt::Write;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
color:#1c2430;background:#fff}h1,h2{line-height:1.2}h2{margin-top:2.5rem}table{border-collapse:collapse}\
td,th{padding:.15rem .8rem .15rem 0;text-align:left}td.n{text-align:right;font-variant-numeric:tabular-nums}\
svg{width:100%;max-width:44rem;font:11px system-ui,sans-serif}.grid{stroke:#d8dde5}polyline{fill:none;stroke-width:2}\
text{fill:currentColor}.legend span{margin-right:1rem}.legend i{display:inline-block;width:.8em;height:.8em;\
margin-right:.3em}.wrong{color:#b3261e;font-weight:600}.setup{color:#5b6675}\
@media(prefers-color-scheme:dark){body{color:#e6eaf0;background:#14181f}.grid{stroke:#333b47}.wrong{color:#ff8a80}\
.setup{color:#9aa5b4}}";

pub(super) fn page(report: &Report) -> String {
    let machine = &report.machine;
    let versions: Vec<String> =
        machine.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let about = format!(
        "{}, {} cores, {:.0} GiB, {}; {}; rounds: {}, medians; load average {:.1}",
        machine.processor,
        machine.cores,
        machine.memory,
        machine.kernel,
        versions.join(", "),
        report.rounds,
        machine.load
    );
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>mvchat under load</title><style>{STYLE}</style>\n\
         <h1>mvchat under load</h1><p class=\"setup\">{}</p>\n",
        escaped(&about)
    );
    if !report.ratios.is_empty() {
        ratios(report, &mut page);
    }
    report.outcomes.iter().for_each(|outcome| one(outcome, &mut page));
    page
}

fn ratios(report: &Report, page: &mut String) {
    page.push_str("<h2>Ratios</h2><table><tr><th>of what<th>measured<th>wanted</tr>\n");
    for ratio in &report.ratios {
        let class = if ratio.holds() { "n" } else { "n wrong" };
        let (name, unit) = (escaped(&ratio.name), escaped(&ratio.unit));
        // Writing to a text can't fail.
        let _ = writeln!(
            page,
            "<tr><td>{name}<td class=\"{class}\">{} {unit}<td>{}</tr>",
            digits(ratio.value),
            ratio.bound
        );
    }
    page.push_str("</table>\n");
}

fn one(outcome: &Outcome, page: &mut String) {
    let setup: Vec<String> = outcome.setup.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let (name, setup) = (escaped(&outcome.name), escaped(&setup.join("; ")));
    let _ = writeln!(page, "<h2>{name}</h2><p class=\"setup\">{setup}</p>");
    for (what, count) in &outcome.errors {
        let _ = writeln!(page, "<p class=\"wrong\">{}: {count}</p>", escaped(what));
    }
    for note in &outcome.notes {
        let _ = writeln!(page, "<p>{}</p>", escaped(note));
    }
    let curves: Vec<_> = outcome.latencies.iter().map(|(name, latency)| (name.as_str(), latency)).collect();
    if !curves.is_empty() {
        page.push_str(&plot::latencies(&curves));
    }
    page.push_str("<table>\n");
    for figure in &outcome.figures {
        let (name, unit) = (escaped(&figure.name), escaped(&figure.unit));
        let _ = writeln!(page, "<tr><td>{name}<td class=\"n\">{}<td>{unit}</tr>", digits(figure.value));
    }
    page.push_str("</table>\n");
}

/// Returns a text as it has to stand in a page.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::Samples;
    use crate::machine::Machine;

    #[test]
    fn a_page_shows_everything_and_needs_nothing() {
        let mut samples = Samples::default();
        (1..500).for_each(|micros| samples.add(micros * 10));
        let mut outcome = Outcome::new("dm <b>");
        outcome.latency("send to ack", &samples);
        outcome.error("lost & found", 3);
        let report =
            Report { machine: Machine::default(), rounds: 1, outcomes: vec![outcome], ratios: Vec::new() };
        let page = page(&report);
        for wanted in ["dm &lt;b&gt;", "lost &amp; found: 3", "<polyline", "send to ack p99"] {
            assert!(page.contains(wanted), "{wanted}");
        }
        for foreign in ["<script", "http:", "https:", "url(", "NaN"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
}
