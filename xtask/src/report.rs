//! Running stages, one line each, and the line at the end.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use crate::stages::{Kind, STAGES, Stage};

/// Runs all stages, or only those named, and ends with the line `N passed, N failed`.
///
/// # Errors
/// With an empty reason when anything failed: everything has been said, and the last line stays last. With a reason
/// when a name is unknown.
pub(crate) fn test(names: &[String]) -> Result<(), String> {
    if let Some(unknown) = names.iter().find(|name| STAGES.iter().all(|stage| stage.name != **name)) {
        return Err(format!("there is no stage `{unknown}`; `cargo xtask stages` lists them"));
    }
    run(|stage| names.is_empty() || names.iter().any(|name| name == stage.name))
}

/// Runs the stages that read the code without running it.
///
/// # Errors
/// As [`test()`].
pub(crate) fn verify() -> Result<(), String> {
    run(|stage| stage.kind == Kind::Lint)
}

/// Prints the stages.
pub(crate) fn list() {
    for stage in STAGES {
        println!("{:<11} {}", stage.name, stage.about);
    }
}

fn run(wanted: impl Fn(&Stage) -> bool) -> Result<(), String> {
    let (mut passed, mut failed) = (0, 0);
    for stage in STAGES.iter().filter(|stage| wanted(stage)) {
        print!("{:<11} ", stage.name);
        // A line that cannot be shown early is shown late; that is no reason to stop.
        let _ = io::stdout().flush();
        let start = Instant::now();
        let outcome = (stage.run)();
        passed += outcome.passed;
        failed += outcome.failed;
        let verdict = match (outcome.passed, outcome.failed) {
            (0, 0) => "noted ",
            (_, 0) => "ok    ",
            _ => "FAILED",
        };
        let note = if outcome.note.is_empty() { String::new() } else { format!("  {}", outcome.note) };
        println!("{verdict} {}{note}", seconds(start.elapsed()));
        if outcome.failed > 0 {
            println!("{}\nagain with: cargo xtask test {}\n", outcome.output.trim_end(), stage.name);
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { Ok(()) } else { Err(String::new()) }
}

fn seconds(time: Duration) -> String {
    format!("{:6.1} s", time.as_secs_f64())
}
