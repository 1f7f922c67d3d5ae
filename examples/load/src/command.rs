//! `mvchat bench`.

use crate::args::{BenchArgs, BenchCommand, ChildCommand, CommonArgs, FloorCommand};
use crate::machine::Machine;
use crate::outcome::Outcome;
use crate::report::{Place, Report};
use crate::scenario::{self, Scene};
use crate::{Problem, Tried, crowd, floor, peer, suite};
use std::path::Path;

/// Runs a command and prints what came of it. `program` is the reference server, which is also started for floors.
///
/// # Errors
/// If the run could not be made, or if something went wrong in it: that is part of what is printed.
pub fn run(args: BenchArgs, program: &Path) -> Tried<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(args.command, program))
}

async fn measure(command: BenchCommand, program: &Path) -> Tried<()> {
    use BenchCommand as Command;
    let scene = |args: &CommonArgs| Scene::of(args, program);
    match &command {
        Command::Idle(args) => one(&args.common, scenario::idle::run(args, &scene(&args.common)).await?),
        Command::Dm(args) => one(&args.common, scenario::dm::run(args, &scene(&args.common)).await?),
        Command::Fanout(args) => one(&args.common, scenario::fanout::run(args, &scene(&args.common)).await?),
        Command::Hot(args) => one(&args.common, scenario::hot::run(args, &scene(&args.common)).await?),
        Command::Beside(args) => one(&args.common, scenario::beside::run(args, &scene(&args.common)).await?),
        Command::Mixed(args) => one(&args.common, scenario::mixed::run(args, &scene(&args.common)).await?),
        Command::Storm(args) => one(&args.common, scenario::storm::run(args, &scene(&args.common)).await?),
        Command::Catchup(args) => {
            one(&args.common, scenario::catchup::run(args, &scene(&args.common)).await?)
        }
        Command::Crowd(args) => one(&args.common, crowd::run(args, &scene(&args.common)).await?),
        Command::Floor(FloorCommand::Fanout(args)) => {
            one(&args.common, floor::fanout::run(args, &scene(&args.common)).await?)
        }
        Command::Floor(FloorCommand::Echo(args)) => {
            one(&args.common, floor::echo::run(args, &scene(&args.common)).await?)
        }
        Command::Floor(FloorCommand::Rows(args)) => {
            one(&args.common, floor::rows::run(args, &scene(&args.common)).await?)
        }
        Command::Floor(FloorCommand::Sync(args)) => {
            one(&args.common, floor::sync::run(&scene(&args.common)).await?)
        }
        Command::Suite(args) => {
            let report = suite::run(args, program).await?;
            report.publish(&args.common)?;
            if let Some(page) = &args.book {
                crate::report::write_book(&report, page, Place::Floors)?;
            }
            clean(&report)
        }
        Command::Peers(args) => {
            let report = peer::run(args, program).await?;
            report.publish(&args.common)?;
            if let Some(page) = &args.book {
                crate::report::write_book(&report, page, Place::Peers)?;
            }
            clean(&report)
        }
        Command::Child(ChildCommand::Fanout) => floor::serve(floor::fanout::server()).await,
        Command::Child(ChildCommand::Echo) => floor::serve(floor::echo::server()).await,
        Command::Child(ChildCommand::Crowd) => crowd::generate().await,
    }
}

fn one(args: &CommonArgs, outcome: Outcome) -> Tried<()> {
    let report = Report { machine: Machine::here(), rounds: 1, outcomes: vec![outcome], ratios: Vec::new() };
    report.publish(args)?;
    clean(&report)
}

fn clean(report: &Report) -> Tried<()> {
    if report.is_clean() {
        Ok(())
    } else {
        Err(Problem::from("not everything went well, as the report says"))
    }
}
