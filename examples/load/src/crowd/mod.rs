//! More people than one process may have connections: several servers on one database, several generators, and people
//! who write to somebody anywhere.

mod desk;
mod generator;
mod generators;
mod nodes;
mod order;
mod talker;

use crate::args::CrowdArgs;
use crate::marker::Clock;
use crate::outcome::Outcome;
use crate::people::Account;
use crate::progress::Progress;
use crate::run::Usage;
use crate::scenario::Scene;
use crate::speaker::Heard;
use crate::{Tried, meter};
use generators::Generators;
use nodes::Nodes;
use order::{Errand, Line, Order, Person, Zero};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

pub(crate) use generator::generate;

/// How many files of a process are left for something other than connections.
const SPARE: usize = 200;
/// What logging in has set going is over after this time.
const CALM: Duration = Duration::from_secs(3);
/// Between the word and the beginning, so that everybody is told in time.
const HEADSTART: Duration = Duration::from_secs(2);
/// What generators count so long after the end is complete.
const AFTERWARDS: Duration = Duration::from_millis(500);
/// From one binary prefix to the next.
const KIB: f64 = 1_024.0;

/// Logs people in on several servers, and lets some write to others.
///
/// # Errors
/// If the run can't be made; what goes wrong in it is in the outcome.
pub(crate) async fn run(args: &CrowdArgs, scene: &Scene) -> Tried<Outcome> {
    possible(args, scene)?;
    let pairs = args.pairs.min(args.connections / 2);
    let name = scene.name(&format!("crowd, {} on {} nodes", args.connections, args.nodes));
    let progress = Arc::new(Progress::new(&name));
    let mut outcome = scene
        .outcome(name)
        .with("connections", args.connections)
        .with("nodes", args.nodes)
        .with("pairs", pairs)
        .with("schedule", format!("{} messages per second", args.rate));
    let nodes = Nodes::start(&scene.plan, args.nodes).await?;
    let done = measure(args, scene, pairs, &nodes, &progress, &mut outcome).await;
    progress.finish();
    nodes.finish().await?;
    done.map(|()| outcome)
}

async fn measure(
    args: &CrowdArgs,
    scene: &Scene,
    pairs: usize,
    nodes: &Nodes,
    progress: &Arc<Progress>,
    outcome: &mut Outcome,
) -> Tried<()> {
    let begun = Instant::now();
    let accounts = desk::sign_up(nodes.addresses(), args.connections, progress).await?;
    let took = begun.elapsed().as_secs_f64();
    outcome.figure("accounts made per second", args.connections as f64 / took.max(1e-9), "1/s");
    let zero = Zero::now();
    let clock = zero.clock().ok_or("the clock goes backwards")?;
    let errands = errands(args, scene, nodes, zero, &accounts, &draw(args.connections, pairs)?)?;
    let generators = Generators::start(&scene.plan.program, &errands).await?;
    drop((errands, accounts));
    Crowd { nodes, generators, clock, progress }.talk(args, scene.length, outcome).await
}

/// Says what stands against a run before anything is started for it.
fn possible(args: &CrowdArgs, scene: &Scene) -> Tried<()> {
    if scene.plan.url.is_some() {
        return Err("only servers that the run starts itself can be crowded".into());
    }
    if args.nodes == 0 || args.connections < 2 {
        return Err("two people and a server are the least".into());
    }
    if args.nodes > 1 && scene.plan.store != "postgres" {
        return Err("several servers need the store postgres".into());
    }
    let each = args.connections.div_ceil(args.nodes);
    let most = meter::open_files().map_or(each, |files| files.saturating_sub(SPARE));
    if each > most {
        let nodes = args.connections.div_ceil(most.max(1));
        return Err(format!("a process may have {most} connections: {nodes} nodes are needed").into());
    }
    Ok(())
}

/// Draws pairs out of so many, so that nobody is in two of them.
fn draw(people: usize, pairs: usize) -> Tried<Vec<(usize, usize)>> {
    let mut all: Vec<usize> = (0..people).collect();
    for at in 0..pairs * 2 {
        // The rest is so small beside the number that no choice is more likely than another.
        let pick = usize::try_from(getrandom::u64()? % (people - at) as u64)?;
        all.swap(at, at + pick);
    }
    Ok(all[..pairs * 2].chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}

/// Says what each generator does: the people of one server each.
fn errands(
    args: &CrowdArgs,
    scene: &Scene,
    nodes: &Nodes,
    zero: Zero,
    accounts: &[Account],
    pairs: &[(usize, usize)],
) -> Tried<Vec<Errand>> {
    let make = |url| Errand {
        url,
        zero,
        bytes: scene.bytes,
        rate: args.rate,
        writers: pairs.len(),
        people: Vec::with_capacity(accounts.len().div_ceil(args.nodes)),
    };
    let mut errands: Vec<Errand> = nodes.urls().map(make).collect();
    for (number, account) in accounts.iter().enumerate() {
        let person = Person { token: account.token.clone(), line: None };
        errands[number % args.nodes].people.push(person);
    }
    for (index, (one, other)) in pairs.iter().enumerate() {
        let line = Line { index: u32::try_from(index)?, to: accounts[*other].user };
        errands[one % args.nodes].people[one / args.nodes].line = Some(line);
    }
    Ok(errands)
}

/// All processes of a run.
struct Crowd<'a> {
    nodes: &'a Nodes,
    generators: Generators,
    clock: Clock,
    progress: &'a Progress,
}

impl Crowd<'_> {
    /// Waits for everybody, lets the pairs write, and tells what that took.
    async fn talk(mut self, args: &CrowdArgs, length: Duration, outcome: &mut Outcome) -> Tried<()> {
        self.gather(args.connections, outcome).await?;
        tokio::time::sleep(CALM).await;
        let at_rest = self.nodes.resident();
        let before = self.usage();
        let start = Instant::now() + HEADSTART;
        let times = [start, start + length].map(|at| self.clock.micros(at));
        self.generators.tell(Order::Run(times[0], times[1])).await?;
        self.progress.run(Instant::now(), HEADSTART + length).await;
        self.settle(times[1]).await;
        let used = self.usage().since(before);
        self.memory(args.connections, at_rest, outcome);
        let sessions = desk::sessions(self.nodes.addresses()).await?;
        outcome.figure("sessions after the run", sessions as f64, "");
        outcome.error("sessions that ended", (args.connections as u64).saturating_sub(sessions));

        let (figures, counts) = self.generators.end().await?;
        let mut heard = Heard::default();
        figures.into_iter().for_each(|figures| heard.append(figures.heard(self.clock)));
        let took = heard.last.map_or(length, |last| last.saturating_duration_since(start)).as_secs_f64();
        outcome.figure("messages", counts.acked as f64, "");
        outcome.figure("messages per second", counts.acked as f64 / took.max(1e-9), "1/s");
        outcome.used(used, counts.acked, "message");
        if let Some(cpu) = used.database {
            outcome.figure("database CPU", cpu.total() / used.seconds, "cores");
        }
        outcome.heard(&heard, counts.sent, counts.acked, 1);
        counts.errors.iter().for_each(|(what, count)| outcome.error(what, *count));
        Ok(())
    }

    /// Waits until everybody is logged in.
    async fn gather(&self, connections: usize, outcome: &mut Outcome) -> Tried<()> {
        let (begun, wanted) = (Instant::now(), connections as u64);
        let look = || {
            let ready = self.generators.counts().ready;
            (ready, ready >= wanted)
        };
        if !self.progress.wait("connecting", wanted, look).await {
            let counts = self.generators.counts();
            return Err(format!("{} of {wanted} connected; {:?}", counts.ready, counts.errors).into());
        }
        let took = begun.elapsed().as_secs_f64();
        outcome.figure("sessions logged in", self.generators.counts().ready as f64, "");
        outcome.figure("logins per second", connections as f64 / took.max(1e-9), "1/s");
        Ok(())
    }

    /// Waits until all that was sent until a time is acknowledged and has come, or nothing more comes.
    async fn settle(&self, end: u64) {
        let complete = end + u64::try_from(AFTERWARDS.as_micros()).unwrap_or_default();
        let look = || {
            let counts = self.generators.counts();
            let done = counts.acked >= counts.sent && counts.delivered >= counts.acked;
            (counts.acked + counts.delivered, done && counts.at > complete)
        };
        self.progress.wait("settling", self.generators.counts().sent * 2, look).await;
    }

    fn memory(&self, connections: usize, at_rest: Option<f64>, outcome: &mut Outcome) {
        let after = self.nodes.resident();
        let each = connections.max(1) as f64;
        for (name, resident) in [("memory per session", at_rest), ("memory per session after the run", after)]
        {
            if let Some(resident) = resident {
                outcome.figure(name, resident / each, "KiB");
            }
        }
        for (name, resident) in
            [("memory of all nodes", after), ("memory of all generators", self.generators.resident())]
        {
            if let Some(resident) = resident {
                outcome.figure(name, resident / KIB, "MiB");
            }
        }
    }

    fn usage(&self) -> Usage {
        Usage {
            at: Instant::now(),
            server: self.nodes.cpu(),
            database: self.nodes.database_cpu(),
            generator: self.generators.cpu(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn nobody_is_in_two_pairs() {
        for (people, pairs) in [(2, 1), (7, 3), (1_000, 100), (1_000, 500)] {
            let drawn = draw(people, pairs).unwrap();
            let all: BTreeSet<usize> = drawn.iter().flat_map(|(one, other)| [*one, *other]).collect();
            assert_eq!((drawn.len(), all.len()), (pairs, pairs * 2));
            assert!(all.iter().all(|number| *number < people));
        }
    }
}
