//! People come back after a while. What that costs should follow what has changed, and not how long they were away.
//!
//! The same people go and come back several times: after so many messages and nothing else, after as many with much
//! that happened elsewhere in between, and after ten times as many. Nobody can wait for a year; what a year brings is
//! that the server has much more than before, and that most of it does not concern who comes back.

use super::{Scene, crew};
use crate::args::CatchupArgs;
use crate::driver::Phase;
use crate::latency::Samples;
use crate::marker::Marker;
use crate::member::Member;
use crate::outcome::Outcome;
use crate::people::{self, Account};
use crate::returner::{Returner, Seen};
use crate::run::{Crew, Usage, Used};
use crate::target::Target;
use crate::{Tried, wire::Wire};
use mvchat_core::proto::ConvId;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// How often each absence is repeated; one alone takes too little to be measured.
const CYCLES: usize = 3;
/// So many come back in a second, by a schedule.
const RETURNS: f64 = 50.0;
/// After the last has gone, the server is left alone for so long.
const CALM: Duration = Duration::from_millis(200);
/// The longest absence has so many times the messages of the others.
const MORE: usize = 10;

/// An absence: its name, how many messages come, and how many others exchange meanwhile.
type Absence = (&'static str, usize, usize);

/// Sends people away and lets them come back.
///
/// # Errors
/// If the run can't be made; what goes wrong in it is in the outcome.
pub(crate) async fn run(args: &CatchupArgs, scene: &Scene) -> Tried<Outcome> {
    let target = scene.plan.target().await?;
    let accounts = people::sign_up(&target, args.people + 3).await?;
    let (strangers, ours) = accounts.split_at(2);
    let (author, returning) = ours.split_first().ok_or("somebody has to write")?;
    let groups = people::groups(&target, author, returning, args.groups.max(1)).await?;
    let elsewhere = people::groups(&target, &strangers[0], &strangers[1..], 1).await?;
    let mut writers = Writers {
        author: Writer::open(&target, author, groups).await?,
        stranger: Writer::open(&target, &strangers[0], elsewhere).await?,
    };
    let stage = scene.stage();
    let name = scene.name(&format!("catchup, {} people", args.people));
    let mut outcome = scene.outcome(name.clone());
    outcome = outcome.with("people", args.people).with("conversations of each", args.groups);
    outcome = outcome.with("messages while away", args.changes).with("elsewhere meanwhile", args.elsewhere);
    let mut crew = crew(&name, &target, &stage.board)?;
    for (index, account) in returning.iter().enumerate() {
        let offset = Duration::from_secs_f64(index as f64 / RETURNS);
        let returner = Returner::new(&stage.board, offset, false);
        crew.add(Member::new(account.config(), returner)?, |member| member.habit.seen());
    }
    crew.gather().await?;
    let absences: [Absence; 3] = [
        ("short", args.changes, 0),
        ("long", args.changes, args.elsewhere),
        ("much", args.changes * MORE, 0),
    ];
    let mut used = Vec::new();
    for absence in absences {
        for _ in 0..CYCLES {
            used.push((absence.0, away(&crew, &target, &mut writers, absence, args.people).await?));
        }
    }
    let board = crew.board.clone();
    let seen = crew.end().await?;
    report(&mut outcome, &seen, &used, args);
    for (what, count) in board.errors() {
        outcome.error(&what, count);
    }
    target.finish().await?;
    Ok(outcome)
}

/// One absence of everybody; returns what the return took.
async fn away(
    crew: &Crew<Seen>,
    target: &Target,
    writers: &mut Writers,
    (_, changes, elsewhere): Absence,
    people: usize,
) -> Tried<Used> {
    let gone = crew.board.left() + people as u64;
    crew.tell(Phase::Away);
    crew.wait("leaving", gone, |board| (board.left(), board.left() >= gone)).await;
    tokio::time::sleep(CALM).await;
    writers.author.write(changes).await?;
    writers.stranger.write(elsewhere).await?;
    let board = &crew.board;
    let ready = board.ready() + people as u64;
    let delivered = board.delivered() + (people * changes) as u64;
    let before = Usage::now(target);
    crew.tell(Phase::Back(Instant::now() + Duration::from_millis(100)));
    crew.wait("coming back", ready + delivered, |board| {
        (board.ready() + board.delivered(), board.ready() >= ready && board.delivered() >= delivered)
    })
    .await;
    Ok(Usage::now(target).since(before))
}

fn report(outcome: &mut Outcome, seen: &[Seen], used: &[(&str, Used)], args: &CatchupArgs) {
    for (at, absence) in ["short", "long", "much"].into_iter().enumerate() {
        let mut took = Samples::default();
        for one in seen {
            one.returns.iter().skip(at * CYCLES).take(CYCLES).for_each(|sample| took.append(sample.clone()));
        }
        outcome.error("not back", ((args.people * CYCLES) as u64).saturating_sub(took.len()));
        let cpu: Option<f64> = used
            .iter()
            .filter(|(name, _)| *name == absence)
            .map(|(_, used)| Some(used.server?.total()))
            .sum();
        if let Some(cpu) = cpu {
            let each = cpu * 1e6 / (args.people * CYCLES).max(1) as f64;
            outcome.figure(&format!("server CPU per return, {absence}"), each, "µs");
        }
        outcome.latency(&format!("return to caught up, {absence}"), &took);
    }
    let wanted = args.people as u64 * (args.changes * CYCLES * (2 + MORE)) as u64;
    let came: u64 = seen.iter().map(|one| one.messages).sum();
    outcome.error("acknowledged and not delivered", wanted.saturating_sub(came));
    for one in seen {
        outcome.faults(one.faults);
    }
    let cpu = |absence| outcome.value(&format!("server CPU per return, {absence}"));
    if let (Some(short), Some(long)) = (cpu("short"), cpu("long")) {
        outcome.figure("long absence to short", long / short.max(1e-9), "×");
    }
}

struct Writers {
    author: Writer,
    stranger: Writer,
}

/// Somebody who writes while others are away.
struct Writer {
    wire: Wire,
    convs: Vec<ConvId>,
    said: u64,
}

impl Writer {
    async fn open(target: &Target, account: &Account, convs: Vec<ConvId>) -> Tried<Self> {
        Ok(Self { wire: account.connect(target).await?, convs, said: 0 })
    }

    async fn write(&mut self, count: usize) -> Tried<()> {
        let all = self.convs.len() as u64;
        let numbers = self.said..self.said + count as u64;
        self.said = numbers.end;
        let convs = &self.convs;
        let message = |number: u64| {
            let marker = Marker { due: 0, sender: 0, number: number / all };
            let conv = convs[usize::try_from(number % all).unwrap_or_default()];
            json!({"send": {"conv": conv, "content": marker.text(100), "cid": format!("c{number}")}})
        };
        self.wire.ask_all(numbers.map(message)).await.map(drop)
    }
}
