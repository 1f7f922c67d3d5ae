//! One of several generators: a process that has connections to one server, and does what the run tells it.

use super::order::{Counts, Errand, Figures, Order, Person, Told};
use super::talker::Talker;
use crate::bare::{Bare, Entry};
use crate::board::Board;
use crate::driver::{Phase, Road};
use crate::run::Crew;
use crate::scenario::share;
use crate::speaker::{Heard, Pace, Stage};
use crate::{Problem, Tried};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// So many may be on their way in at once. More would only wait for the database, and a server tells those that wait for
/// long to come later.
const AT_ONCE: usize = 32;
/// How often it is looked whether more may come.
const TURN: Duration = Duration::from_millis(5);
/// How often the run is told how far all is.
const REPORT: Duration = Duration::from_millis(100);

/// Does an errand that stands in the first line of standard input, until the last order or the end of the input.
///
/// # Errors
/// If what is read is no errand, or nobody reads what is said.
pub(crate) async fn generate() -> Tried<()> {
    let mut lines = lines();
    let errand: Errand = serde_json::from_str(&lines.recv().await.ok_or("no errand")?)?;
    let clock = errand.zero.clock().ok_or("a run that is yet to come")?;
    let stage = Stage { board: Arc::new(Board::default()), clock, bytes: errand.bytes };
    let road = Road::new(errand.url.as_str().into_client_request()?, AT_ONCE);
    let mut crew = Crew::new("crowd", road, stage.board.clone());
    let mut people = errand.people.into_iter();
    let pace = |index| share(errand.rate, errand.writers, index);
    let (mut turns, mut reports) = (tokio::time::interval(TURN), tokio::time::interval(REPORT));
    loop {
        tokio::select! { biased;
            line = lines.recv() => match serde_json::from_str(&line.ok_or("the run has gone")?)? {
                Order::Run(start, end) => crew.tell(Phase::Run(clock.instant(start), clock.instant(end))),
                Order::End => break,
            },
            _ = reports.tick() => tell(&Told::Counts(counts(&stage)))?,
            _ = turns.tick(), if people.len() > 0 => {
                let ready = usize::try_from(stage.board.ready())?;
                let room = (ready + AT_ONCE).saturating_sub(crew.len());
                people.by_ref().take(room).for_each(|person| add(&mut crew, &stage, person, pace));
            }
        }
    }
    let mut heard = Heard::default();
    for one in crew.end().await? {
        heard.append(one);
    }
    tell(&Told::Counts(counts(&stage)))?;
    tell(&Told::Figures(Box::new(Figures::of(heard, clock))))
}

/// Reads standard input on a thread of its own, which may wait there for as long as it likes.
fn lines() -> mpsc::Receiver<String> {
    let (line, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for read in std::io::stdin().lines().map_while(Result::ok) {
            if line.blocking_send(read).is_err() {
                return;
            }
        }
    });
    lines
}

fn add(crew: &mut Crew<Heard>, stage: &Stage, person: Person, pace: impl Fn(usize) -> Pace) {
    match person.line {
        Some(line) => {
            let pace = pace(line.index as usize);
            crew.add(Talker::new(stage, person.token, line, pace), Talker::heard);
        }
        None => crew.add(Bare::new(stage, 0, Entry::Token(person.token), Pace::Silent), Bare::heard),
    }
}

fn counts(stage: &Stage) -> Counts {
    let board = &stage.board;
    // What was delivered had been sent before it was, so it is read first.
    let (delivered, acked) = (board.delivered(), board.acked());
    Counts {
        at: stage.clock.micros(tokio::time::Instant::now()),
        ready: board.ready(),
        sent: board.sent(),
        acked,
        delivered,
        errors: board.errors(),
    }
}

fn tell(told: &Told) -> Tried<()> {
    let mut line = serde_json::to_vec(told)?;
    line.push(b'\n');
    std::io::stdout().write_all(&line).map_err(Problem::from)
}
