//! The same load on mvchat and on another messenger, which keeps messages in the same PostgreSQL.
//!
//! What makes it fair: both are reached by WebSockets from one process, by the same bare [`Talker`], which differs only in
//! the frames that it says and looks for. Both start anew with an empty database for every run, and take turns in every
//! round. And both have stored a message before they deliver it, so that the delivery is the event that counts: it is
//! what lets a pair of a saturated run send its next message.

mod dialect;
mod ejabberd;
mod mvchat;
mod ratios;
mod talker;
mod xmpp;

use crate::args::PeersArgs;
use crate::database::Database;
use crate::driver::Road;
use crate::machine::Machine;
use crate::outcome::Outcome;
use crate::people;
use crate::report::Report;
use crate::run::Crew;
use crate::scenario::{self, DOORS, Scene, share, talk, talk_beside};
use crate::speaker::{Heard, Pace, Stage};
use crate::suite;
use crate::{Problem, Tried};
use dialect::Dialect;
use ejabberd::{Ejabberd, Installed};
use mvchat::Mvchat;
use std::path::Path;
use talker::{Part, Talker};
use xmpp::Xmpp;

/// Whose server is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Mvchat,
    Ejabberd,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Load {
    pairs: usize,
    /// Messages per second of all pairs; without it each pair has one message on its way.
    rate: Option<f64>,
}

const SATURATED: Load = Load { pairs: 256, rate: None };
const OFFERED: Load = Load { pairs: 1_000, rate: Some(1_000.0) };
/// The runs of a round, by the names that ratios find them by.
const RUNS: [(&str, (Side, Load)); 4] = [
    ("mvchat-saturated", (Side::Mvchat, SATURATED)),
    ("ejabberd-saturated", (Side::Ejabberd, SATURATED)),
    ("mvchat-offered", (Side::Mvchat, OFFERED)),
    ("ejabberd-offered", (Side::Ejabberd, OFFERED)),
];

/// Runs everything, round after round.
///
/// # Errors
/// If ejabberd is not there, or the database can't be reached; what goes wrong in a run is in the report.
pub(crate) async fn run(args: &PeersArgs, program: &Path) -> Tried<Report> {
    let installed = Installed::find()?;
    let url = args.common.database_url.as_deref().ok_or("the comparison needs --database-url")?;
    let mut machine = Machine::here();
    machine.knows("PostgreSQL", Database::version(url).await?);
    machine.knows("ejabberd", installed.version.clone());
    let mut scene = Scene::of(&args.common, program);
    "postgres".clone_into(&mut scene.plan.store);
    let total = args.rounds.max(1);
    let mut merged = suite::rounds(&RUNS, total, async |(side, load)| match side {
        Side::Mvchat => on_mvchat(*load, &scene).await,
        Side::Ejabberd => on_ejabberd(*load, &scene, &installed).await,
    })
    .await;
    let ratios = ratios::of(&merged);
    let outcomes = RUNS.iter().filter_map(|(key, _)| merged.remove(key)).collect();
    Ok(Report { machine, rounds: total, outcomes, ratios })
}

async fn on_mvchat(load: Load, scene: &Scene) -> Tried<Outcome> {
    let target = scene.plan.target().await?;
    let accounts = people::sign_up(&target, load.pairs * 2).await?;
    let pairs: Vec<_> = accounts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    let convs = people::pair_up(&target, &pairs).await?;
    let name = load.name("mvchat");
    let stage = scene.stage();
    let mut crew = scenario::crew(&name, &target, &stage.board)?;
    load.gather(&mut crew, &stage, |index| {
        let (pair, conv) = (&pairs[index / 2], convs[index / 2]);
        Mvchat::new(if index % 2 == 0 { &pair.0 } else { &pair.1 }, conv)
    })?;
    let mut outcome = load.describe(scene.outcome(name));
    talk(crew, &target, scene.length, 1, &mut outcome).await?;
    target.finish().await?;
    Ok(outcome)
}

async fn on_ejabberd(load: Load, scene: &Scene, installed: &Installed) -> Tried<Outcome> {
    let server = Ejabberd::start(installed, &scene.plan, load.pairs * 2).await?;
    let name = load.name("ejabberd");
    let stage = scene.stage();
    let mut crew = Crew::new(&name, Road::new(server.request()?, DOORS), stage.board.clone());
    // One and its neighbour are a pair.
    load.gather(&mut crew, &stage, |index| Xmpp::new(server.account(index), server.account(index ^ 1)))?;
    let mut outcome = load.describe(Outcome::new(name).with("store", "postgres"));
    let talked = talk_beside(crew, || server.usage(), scene.length, 1, &mut outcome).await;
    talked.map_err(|problem| server.about(&problem))?;
    // It keeps each message twice, once for each of the two.
    let kept = server.archived().await?;
    outcome.error("sent and not in the archive", (stage.board.sent() * 2).saturating_sub(kept));
    server.finish().await?;
    Ok(outcome)
}

impl Load {
    fn name(self, server: &str) -> String {
        let how = self.rate.map_or_else(|| "saturated".to_owned(), |rate| format!("{rate}/s"));
        format!("{server}, {} pairs, {how}", self.pairs)
    }

    fn describe(self, outcome: Outcome) -> Outcome {
        let schedule = match self.rate {
            None => "none, one message of each pair on its way".to_owned(),
            Some(rate) => format!("{rate} messages per second"),
        };
        outcome.with("pairs", self.pairs).with("schedule", schedule)
    }

    /// Adds both of each pair; those with even numbers begin.
    fn gather<D: Dialect>(
        self,
        crew: &mut Crew<Heard>,
        stage: &Stage,
        dialect: impl Fn(usize) -> D,
    ) -> Tried<()> {
        for index in 0..self.pairs * 2 {
            let first = index % 2 == 0;
            let part = match (self.rate, first) {
                (None, true) => Part::Begins,
                (None, false) => Part::Answers,
                (Some(rate), true) => Part::Keeps(share(rate, self.pairs, index / 2)),
                (Some(_), false) => Part::Keeps(Pace::Silent),
            };
            let number = u32::try_from(index).map_err(Problem::from)?;
            crew.add(Talker::new(stage.clone(), number, dialect(index), part), Talker::heard);
        }
        Ok(())
    }
}
