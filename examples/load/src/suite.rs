//! All scenarios and floors, round after round, so that what disturbs the machine disturbs all of them alike.

mod plan;
mod ratios;

use crate::args::SuiteArgs;
use crate::database::Database;
use crate::floor;
use crate::machine::Machine;
use crate::outcome::{Outcome, merge};
use crate::report::Report;
use crate::scenario::{self, Scene};
use crate::{Problem, Tried};
use plan::{Job, Task};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Runs everything.
///
/// # Errors
/// If there is nothing to run, or the database can't be reached; what goes wrong in a run is in the report.
pub(crate) async fn run(args: &SuiteArgs, program: &Path) -> Tried<Report> {
    let mut machine = Machine::here();
    if let Some(url) = &args.common.database_url {
        machine.knows("PostgreSQL", Database::version(url).await?);
    }
    let jobs = plan::jobs(args);
    if jobs.is_empty() {
        return Err("nothing has that in its name".into());
    }
    let total = args.rounds.max(1);
    let keyed: Vec<(&str, &Job)> = jobs.iter().map(|job| (job.key.as_str(), job)).collect();
    let merged = rounds(&keyed, total, async |job| measure(job, program).await).await;
    let ratios = ratios::of(&jobs, &merged);
    let outcomes = jobs.iter().filter_map(|job| merged.get(job.key.as_str()).cloned()).collect();
    Ok(Report { machine, rounds: total, outcomes, ratios })
}

/// Makes all runs in each round; returns what came of each by its key, with what went wrong.
pub(crate) async fn rounds<'a, J>(
    jobs: &[(&'a str, J)],
    total: usize,
    measure: impl AsyncFn(&J) -> Tried<Outcome>,
) -> BTreeMap<&'a str, Outcome> {
    let mut rounds: BTreeMap<&str, Vec<Outcome>> = BTreeMap::new();
    for round in 1..=total {
        for (at, (key, job)) in jobs.iter().enumerate() {
            // Without a standard error there is nobody to tell.
            let mut err = std::io::stderr();
            let _ = writeln!(err, "round {round}/{total}, {}/{}: {key}", at + 1, jobs.len());
            let outcome = measure(job).await.unwrap_or_else(|problem| failed(key, &problem));
            for (what, count) in &outcome.errors {
                let _ = writeln!(err, "  {what}: {count}");
            }
            rounds.entry(key).or_default().push(outcome);
        }
    }
    rounds.iter().filter_map(|(key, rounds)| Some((*key, merge(rounds)?))).collect()
}

fn failed(key: &str, problem: &Problem) -> Outcome {
    let mut outcome = Outcome::new(key);
    outcome.error(&format!("the run could not be made: {problem}"), 1);
    outcome
}

async fn measure(job: &Job, program: &Path) -> Tried<Outcome> {
    let scene = Scene::of(&job.common, program);
    match &job.task {
        Task::Idle(args) => scenario::idle::run(args, &scene).await,
        Task::Dm(args) => scenario::dm::run(args, &scene).await,
        Task::Fanout(args) => scenario::fanout::run(args, &scene).await,
        Task::Hot(args) => scenario::hot::run(args, &scene).await,
        Task::Beside(args) => scenario::beside::run(args, &scene).await,
        Task::Mixed(args) => scenario::mixed::run(args, &scene).await,
        Task::Storm(args) => scenario::storm::run(args, &scene).await,
        Task::Catchup(args) => scenario::catchup::run(args, &scene).await,
        Task::BareFanout(args) => floor::fanout::run(args, &scene).await,
        Task::Echo(args) => floor::echo::run(args, &scene).await,
        Task::Rows(args) => floor::rows::run(args, &scene).await,
        Task::Sync => floor::sync::run(&scene).await,
    }
}
