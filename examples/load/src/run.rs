//! The connections of a run: gathered, let loose, waited for.

use crate::board::Board;
use crate::driver::{Party, Phase, Road, drive};
use crate::meter::{self, Cpu};
use crate::progress::Progress;
use crate::target::Target;
use crate::{Problem, Tried};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Between the word and the beginning, so that everybody is told in time.
const HEADSTART: Duration = Duration::from_millis(200);
/// Connections that have just come are left alone for so long.
const CALM: Duration = Duration::from_millis(500);

/// All connections of a run; each hands back a `T` in the end.
pub(crate) struct Crew<T> {
    road: Arc<Road>,
    phases: watch::Sender<Phase>,
    tasks: JoinSet<T>,
    pub(crate) board: Arc<Board>,
    progress: Progress,
}

impl<T: Send + 'static> Crew<T> {
    pub(crate) fn new(name: &str, road: Road, board: Arc<Board>) -> Self {
        let (phases, _) = watch::channel(Phase::Gather);
        Self { road: Arc::new(road), phases, tasks: JoinSet::new(), board, progress: Progress::new(name) }
    }

    /// How many parties were added.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Adds a party, and says what is left of it in the end.
    pub(crate) fn add<P: Party>(&mut self, party: P, finish: impl FnOnce(P) -> T + Send + 'static) {
        let driven = drive(party, self.road.clone(), self.phases.subscribe());
        self.tasks.spawn(async move { finish(driven.await) });
    }

    /// Waits until so many are connected and have caught up.
    ///
    /// # Errors
    /// If they are not, with what went wrong.
    pub(crate) async fn gather(&self) -> Tried<()> {
        let wanted = self.tasks.len() as u64;
        let came = self.wait("connecting", wanted, |board| (board.ready(), board.ready() >= wanted)).await;
        if !came {
            let board = &self.board;
            return Err(format!("{} of {wanted} connected; {:?}", board.ready(), board.errors()).into());
        }
        tokio::time::sleep(CALM).await;
        Ok(())
    }

    /// Lets everybody run for a time; returns when that began.
    pub(crate) async fn run(&self, length: Duration) -> Instant {
        let start = Instant::now() + HEADSTART;
        self.tell(Phase::Run(start, start + length));
        self.progress.run(start, length).await;
        start
    }

    pub(crate) fn tell(&self, phase: Phase) {
        self.phases.send_replace(phase);
    }

    /// Waits until all that was sent is acknowledged and has come to so many each; returns whether it is so.
    pub(crate) async fn settle(&self, audience: u64) -> bool {
        let look = |board: &Board| {
            let done = board.acked() >= board.sent() && board.delivered() >= board.acked() * audience;
            (board.acked() + board.delivered(), done)
        };
        let wanted = self.board.sent() * (1 + audience);
        self.wait("settling", wanted, look).await
    }

    /// Waits until it is so; gives up when the count does not move any more.
    pub(crate) async fn wait(&self, what: &str, wanted: u64, look: impl Fn(&Board) -> (u64, bool)) -> bool {
        self.progress.wait(what, wanted, || look(&self.board)).await
    }

    /// Ends all connections; returns what they have measured.
    ///
    /// # Errors
    /// If one of them has panicked.
    pub(crate) async fn end(mut self) -> Tried<Vec<T>> {
        self.tell(Phase::End);
        let mut all = Vec::with_capacity(self.tasks.len());
        while let Some(done) = self.tasks.join_next().await {
            all.push(done.map_err(Problem::from)?);
        }
        self.progress.finish();
        Ok(all)
    }
}

/// What processes have used up to an instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) at: Instant,
    pub(crate) server: Option<Cpu>,
    pub(crate) database: Option<Cpu>,
    pub(crate) generator: Option<Cpu>,
}

impl Usage {
    pub(crate) fn now(target: &Target) -> Self {
        Self { database: target.database_cpu(), ..Self::of(target.cpu()) }
    }

    /// As [`now`](Self::now), with a server that is none of mvchat.
    pub(crate) fn of(server: Option<Cpu>) -> Self {
        let generator = meter::cpu(std::process::id());
        Self { at: Instant::now(), server, database: None, generator }
    }

    /// What was used since an earlier look.
    pub(crate) fn since(self, before: Self) -> Used {
        let less = |now: Option<Cpu>, then: Option<Cpu>| Some(now? - then?);
        Used {
            seconds: (self.at - before.at).as_secs_f64(),
            server: less(self.server, before.server),
            database: less(self.database, before.database),
            generator: less(self.generator, before.generator),
        }
    }
}

/// What processes have used in a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub(crate) seconds: f64,
    pub(crate) server: Option<Cpu>,
    pub(crate) database: Option<Cpu>,
    pub(crate) generator: Option<Cpu>,
}
