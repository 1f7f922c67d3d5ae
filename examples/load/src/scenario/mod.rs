//! What people do to the server.

pub(crate) mod beside;
mod burden;
pub(crate) mod catchup;
pub(crate) mod dm;
pub(crate) mod fanout;
pub(crate) mod hot;
pub(crate) mod idle;
pub(crate) mod mixed;
pub(crate) mod storm;

use crate::board::Board;
use crate::driver::Road;
use crate::marker::Clock;
use crate::outcome::Outcome;
use crate::run::{Crew, Usage};
use crate::speaker::{Heard, Stage};
use crate::target::{Plan, Target};
use crate::{Tried, args::CommonArgs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// So many connections are opened at once.
pub(crate) const DOORS: usize = 64;

/// Where a scenario plays.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) plan: Plan,
    pub(crate) length: Duration,
    pub(crate) bytes: usize,
}

impl Scene {
    pub(crate) fn of(args: &CommonArgs, program: &std::path::Path) -> Self {
        let plan = Plan::of(args, PathBuf::from(program));
        Self { plan, length: args.length(), bytes: args.bytes }
    }

    pub(crate) fn stage(&self) -> Stage {
        Stage { board: Arc::new(Board::default()), clock: Clock::start(), bytes: self.bytes }
    }

    /// Begins an outcome, with what all of them say about their setup.
    pub(crate) fn outcome(&self, name: String) -> Outcome {
        let outcome = Outcome::new(name);
        match &self.plan.url {
            Some(url) => outcome.with("server", url),
            None => outcome.with("store", &self.plan.store).with("transport", &self.plan.transport),
        }
    }

    /// The name of a scenario on this server.
    pub(crate) fn name(&self, what: &str) -> String {
        match &self.plan.url {
            Some(_) => what.to_owned(),
            None => format!("{what}, {} on {}", self.plan.store, self.plan.transport),
        }
    }
}

/// Makes the crew of a run.
pub(crate) fn crew<T: Send + 'static>(name: &str, target: &Target, board: &Arc<Board>) -> Tried<Crew<T>> {
    Ok(Crew::new(name, Road::new(target.request()?, DOORS), board.clone()))
}

/// Lets people talk for a time, waits until all has arrived, and tells what that took.
pub(crate) async fn talk(
    crew: Crew<Heard>,
    target: &Target,
    length: Duration,
    audience: u64,
    outcome: &mut Outcome,
) -> Tried<()> {
    talk_beside(crew, || Usage::now(target), length, audience, outcome).await
}

/// As [`talk`], on a server whose use of the machine is looked up like this.
pub(crate) async fn talk_beside(
    crew: Crew<Heard>,
    usage: impl Fn() -> Usage,
    length: Duration,
    audience: u64,
    outcome: &mut Outcome,
) -> Tried<()> {
    crew.gather().await?;
    let before = usage();
    let start = crew.run(length).await;
    crew.settle(audience).await;
    let used = usage().since(before);
    let board = crew.board.clone();
    let mut heard = Heard::default();
    for one in crew.end().await? {
        heard.append(one);
    }
    let (sent, acked) = (board.sent(), board.acked());
    let took = heard.last.map_or(length, |last| last.saturating_duration_since(start)).as_secs_f64();
    outcome.figure("messages", acked as f64, "");
    outcome.figure("messages per second", acked as f64 / took.max(1e-9), "1/s");
    if audience > 1 {
        outcome.figure("deliveries per second", heard.deliveries.len() as f64 / took.max(1e-9), "1/s");
        outcome.used_per(used, acked * audience, "delivery");
    }
    outcome.used(used, acked, "message");
    outcome.heard(&heard, sent, acked, audience);
    for (what, count) in board.errors() {
        outcome.error(&what, count);
    }
    Ok(())
}

/// Spreads the schedules of several over the time between two messages of one of them.
pub(crate) fn share(rate: f64, senders: usize, index: usize) -> crate::speaker::Pace {
    let every = Duration::from_secs_f64(senders as f64 / rate.max(0.001));
    crate::speaker::Pace::Open { every, offset: every.mul_f64(index as f64 / senders.max(1) as f64) }
}
