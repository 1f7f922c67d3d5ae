//! The server is restarted, and everybody comes back.

use super::{Scene, crew};
use crate::args::StormArgs;
use crate::latency::Samples;
use crate::member::Member;
use crate::outcome::Outcome;
use crate::people;
use crate::returner::Returner;
use crate::run::Usage;
use crate::{Tried, meter::Cpu};
use std::time::Duration;
use tokio::time::Instant;

/// Restarts the server under everybody.
///
/// # Errors
/// If the run can't be made; what goes wrong in it is in the outcome.
pub(crate) async fn run(args: &StormArgs, scene: &Scene) -> Tried<Outcome> {
    if scene.plan.store == "memory" {
        return Err("a server with the store memory knows nobody after a restart".into());
    }
    let mut target = scene.plan.target().await?;
    if !target.is_own() {
        return Err("only a server that the run starts itself can be restarted".into());
    }
    let accounts = people::sign_up(&target, args.people + 1).await?;
    let (owner, others) = accounts.split_first().ok_or("nobody is there")?;
    people::groups(&target, owner, others, 1).await?;
    let stage = scene.stage();
    let name = scene.name(&format!("storm, {} people", args.people));
    let mut outcome = scene.outcome(name.clone()).with("people", args.people);
    let mut crew = crew(&name, &target, &stage.board)?;
    for account in others {
        // How long clients wait before they come back is what they do anywhere else.
        let returner = Returner::new(&stage.board, Duration::ZERO, true);
        crew.add(Member::new(account.config(), returner)?, |member| member.habit.seen());
    }
    crew.gather().await?;
    let stopping = Instant::now();
    target.restart().await?;
    let down = stopping.elapsed();
    let up = Instant::now();
    let before = Usage { server: Some(Cpu::default()), ..Usage::now(&target) };
    let wanted = args.people as u64 * 2;
    crew.wait("coming back", wanted, |board| (board.ready(), board.ready() >= wanted)).await;
    let all_back = up.elapsed();
    let used = Usage::now(&target).since(before);
    let board = crew.board.clone();
    let mut returns = Samples::default();
    for seen in crew.end().await? {
        seen.returns.into_iter().for_each(|took| returns.append(took));
    }
    outcome.figure("the server was down for", down.as_secs_f64(), "s");
    outcome.figure("all were back after", all_back.as_secs_f64(), "s");
    outcome.used(used, returns.len(), "return");
    outcome.latency("loss to caught up", &returns);
    outcome.error("not back", (args.people as u64).saturating_sub(returns.len()));
    for (what, count) in board.errors() {
        outcome.error(&what, count);
    }
    target.finish().await?;
    Ok(outcome)
}
