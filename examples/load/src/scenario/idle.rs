//! Connections that do nothing.

use super::{Scene, crew};
use crate::args::IdleArgs;
use crate::bare::{Bare, Entry};
use crate::outcome::Outcome;
use crate::run::Crew;
use crate::speaker::{Heard, Pace, Stage};
use crate::{Tried, meter, people};
use std::time::Duration;

/// One connection in so many comes before the memory is looked at first, so that what is made once is not counted.
const WARM_UP: usize = 10;
/// How many files of a process are left for something other than connections.
const SPARE: usize = 500;
/// Timers and buffers settle in this time.
const SETTLE: Duration = Duration::from_secs(2);

/// Logs people in, and looks at the memory of the server's process.
///
/// # Errors
/// If the run can't be made; what goes wrong in it is in the outcome.
pub(crate) async fn run(args: &IdleArgs, scene: &Scene) -> Tried<Outcome> {
    let (count, note) = within_limit(args.connections);
    let first = warm_up(count);
    let target = scene.plan.target().await?;
    let accounts = people::sign_up(&target, count + first).await?;
    let stage = scene.stage();
    let name = scene.name(&format!("idle, {count} connections"));
    let mut outcome = scene.outcome(name.clone()).with("connections", count);
    outcome.notes.extend(note);
    let mut crew = crew(&name, &target, &stage.board)?;
    let mut entries = accounts.into_iter().map(|account| Entry::Token(account.token));
    let resident = || target.resident();
    let cpu = || target.cpu().map(|cpu| cpu.total());
    measure(&mut crew, &stage, &mut entries, (first, count), resident, cpu, &mut outcome).await?;
    finish(crew, &mut outcome).await?;
    target.finish().await?;
    Ok(outcome)
}

/// Adds the connections and tells what each takes.
pub(crate) async fn measure(
    crew: &mut Crew<Heard>,
    stage: &Stage,
    entries: &mut impl Iterator<Item = Entry>,
    (first, count): (usize, usize),
    resident: impl Fn() -> Option<f64>,
    cpu: impl Fn() -> Option<f64>,
    outcome: &mut Outcome,
) -> Tried<()> {
    for entry in entries.by_ref().take(first) {
        crew.add(Bare::new(stage, 0, entry, Pace::Silent), Bare::heard);
    }
    crew.gather().await?;
    tokio::time::sleep(SETTLE).await;
    let (before, used) = (resident(), cpu());
    for entry in entries.take(count) {
        crew.add(Bare::new(stage, 0, entry, Pace::Silent), Bare::heard);
    }
    crew.gather().await?;
    let each = 1.0 / count.max(1) as f64;
    if let (Some(before), Some(after)) = (used, cpu()) {
        outcome.figure("server CPU per connection", (after - before) * each * 1e6, "µs");
    }
    tokio::time::sleep(SETTLE).await;
    if let (Some(before), Some(after)) = (before, resident()) {
        outcome.figure("memory per connection", (after - before) * each, "KiB");
    }
    Ok(())
}

/// Ends the connections, and keeps what went wrong.
pub(crate) async fn finish(crew: Crew<Heard>, outcome: &mut Outcome) -> Tried<()> {
    for (what, count) in crew.board.errors() {
        outcome.error(&what, count);
    }
    crew.end().await.map(drop)
}

/// How many connections come before the memory is looked at.
pub(crate) fn warm_up(count: usize) -> usize {
    count.div_ceil(WARM_UP)
}

/// Bounds connections by what a process may have open; says so if that was less than wanted.
pub(crate) fn within_limit(wanted: usize) -> (usize, Option<String>) {
    // A tenth more comes for warming up.
    let most = meter::open_files().map_or(wanted, |files| files.saturating_sub(SPARE) * 10 / 11);
    let note =
        (wanted > most).then(|| format!("{wanted} connections were wanted, a process may have {most}"));
    (wanted.min(most), note)
}
