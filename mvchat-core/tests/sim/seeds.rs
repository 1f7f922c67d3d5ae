//! Many seeds, each a run of its own.

use mvchat_core::builtin::MemoryStore;
use mvchat_core::testkit::sim::{Report, Scenario, run};

/// How many seeds run when nobody says otherwise: half a minute of one core without optimisation.
const SEEDS: u64 = 40;

/// Seeds that once broke a promise: a change told after one of unknown outcome; messages hidden during the catch-up that
/// were counted, or shown; a conversation that a list, or a view, from before a removal brought back; what changed nothing after a
/// logout on another node; changes that passed an earlier one of their connection when one between them failed; a gap for who went
/// before a node could tell of what was taken back, and in a conversation of which others made the first change; a
/// conversation that could not be shown once and never was; what a stopped node still wrote; own messages that were hidden
/// before they were acknowledged, tombstones in a catch-up, and messages that a page of history brought first, none of which
/// was counted rightly.
const BROKE: [u64; 21] = [
    162, 381, 523, 736, 748, 906, 951, 1003, 2630, 3702, 5105, 5408, 5493, 6112, 7089, 8416, 15448, 16237,
    17877, 18311, 21596,
];

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("it is a number"))
}

fn simulate(seed: u64) -> Report {
    let scenario = Scenario::by_seed(seed);
    run(seed, &scenario, &scenario.memory())
}

/// Fails with all that is wrong, and the command that does the same again.
fn verdict(report: &Report) -> Result<(), String> {
    if report.violations.is_empty() {
        return Ok(());
    }
    let all: Vec<_> = report.violations.iter().take(5).map(|violation| format!("  {violation}")).collect();
    let (seed, count) = (report.seed, report.violations.len());
    Err(format!(
        "seed {seed}: {count} violations\n{}\n  again: cargo xtask sim --seed {seed}",
        all.join("\n")
    ))
}

#[test]
fn every_seed_keeps_every_promise() {
    let first = number("MVCHAT_SIM_SEED");
    let seeds = number("MVCHAT_SIM_SEEDS").unwrap_or(if first.is_some() { 1 } else { SEEDS });
    let first = first.unwrap_or(1);
    let (mut failures, mut acknowledged) = (Vec::new(), 0);
    for seed in first..first + seeds {
        let report = simulate(seed);
        if std::env::var_os("MVCHAT_SIM_HASH").is_some() {
            println!("seed {seed} {:016x}", report.hash);
        }
        acknowledged += report.acknowledged();
        if std::env::var_os("MVCHAT_SIM_TRACE").is_some() {
            println!("{}", report.trace().join("\n"));
        }
        failures.extend(verdict(&report).err());
    }
    println!("simulated {seeds} seeds, {acknowledged} requests acknowledged, {} failed", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn what_broke_a_promise_once_keeps_it() {
    for seed in BROKE {
        assert_eq!(verdict(&simulate(seed)), Ok(()));
    }
}

#[test]
fn without_faults_everything_works() {
    for seed in 1..=3 {
        let scenario = Scenario::by_seed(seed).calm();
        let report = run(seed, &scenario, &scenario.memory());
        assert_eq!(verdict(&report), Ok(()));
        let refused = report
            .history
            .calls
            .iter()
            .filter(|call| call.answers.iter().any(|(_, ctrl)| ctrl["code"] == 503));
        assert_eq!(refused.count(), 0, "nothing is unavailable");
    }
}

#[test]
fn slow_readers_cost_a_bounded_amount() {
    let report = run(1, &Scenario::default().flooded(), &MemoryStore::default());
    assert_eq!(verdict(&report), Ok(()));
}

#[test]
fn a_seed_gives_the_same_run_again() {
    for seed in 1..=6 {
        let (first, second) = (simulate(seed), simulate(seed));
        let (once, again) = (first.trace(), second.trace());
        let differ = once.iter().zip(&again).position(|(a, b)| a != b);
        let near = |lines: &[String]| differ.map(|at| lines[at.saturating_sub(3)..=at].join("\n"));
        assert_eq!(first.hash, second.hash, "seed {seed}:\n{:?}\n{:?}", near(&once), near(&again));
    }
}
