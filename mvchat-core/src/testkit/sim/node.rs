//! An engine that can be killed.

use super::clock::SimEnv;
use super::ether::SimBus;
use super::link::{self, Weather};
use super::trace::Seen;
use super::world::World;
use crate::builtin::password::PasswordParams;
use crate::engine::jobs::JobOptions;
use crate::engine::{Chat, Peer};
use crate::proto::Limits;
use crate::seam::Store;
use crate::testkit::{Fault, Faults, Flaky, Method, Pipe};
use std::time::Duration;
use tokio::task::JoinHandle;

/// One place for an engine over the common store.
#[derive(Default)]
pub(super) struct Node {
    running: Option<Running>,
}

/// An engine, and what it stands on.
pub(super) struct Running {
    chat: Chat,
    faults: Faults,
    bus: SimBus,
    serving: Vec<(Weather, JoinHandle<()>)>,
}

impl Running {
    /// Stops it gracefully; afterwards nothing of it has any effect, as when a process ends.
    pub(super) async fn stop(self, within: Duration) -> bool {
        let clean = self.chat.drain(within).await;
        self.faults.kill();
        self.bus.kill();
        clean
    }
}

impl Node {
    pub(super) fn chat(&self) -> Option<&Chat> {
        self.running.as_ref().map(|running| &running.chat)
    }

    /// Connects a device, if the engine is there.
    pub(super) fn accept(&mut self, id: usize, weather: &Weather, world: &World) -> Option<Pipe> {
        let running = self.running.as_mut()?;
        let (server, device) = link::connect(id, weather, world.fork(), &world.trace);
        let chat = running.chat.clone();
        let serving = tokio::spawn(async move { chat.serve(server, Peer::default()).await });
        running.serving.retain(|(_, serving)| !serving.is_finished());
        running.serving.push((weather.clone(), serving));
        Some(device)
    }

    /// Kills the engine: nothing of it has any effect from now on, and its connections break.
    pub(super) fn kill(&mut self) -> bool {
        let Some(running) = self.running.take() else { return false };
        running.faults.kill();
        running.bus.kill();
        for (weather, serving) in running.serving {
            weather.cut();
            serving.abort();
        }
        true
    }

    /// Takes the engine out, to be stopped gracefully.
    pub(super) fn retire(&mut self) -> Option<Running> {
        self.running.take()
    }

    /// Lets calls of the store fail and take their time.
    pub(super) fn misbehave(&self, world: &World) {
        if let Some(running) = &self.running {
            misbehave(&running.faults, world);
        }
    }

    /// Ends the faults of the store.
    pub(super) fn heal(&self) {
        if let Some(running) = &self.running {
            running.faults.heal();
        }
    }

    fn begin(&mut self, chat: Chat, faults: Faults, bus: SimBus) {
        self.running = Some(Running { chat, faults, bus, serving: Vec::new() });
    }
}

/// Starts the engine of a node, unless it runs.
pub(super) async fn start<S: Store + Clone>(world: &World, store: &S, number: usize, faulty: bool) {
    if world.nodes.lock()[number].chat().is_some() {
        return;
    }
    let faults = Faults::default();
    let limits = Limits::default().unthrottled();
    let bus = world.ether.join(number);
    let chat = Chat::builder(Flaky::new(store.clone(), faults.clone()))
        .keys(world.keys.clone())
        .env(SimEnv::new(world.clock.clone(), world.fork()))
        .limits(limits)
        .bus(bus.clone())
        .passwords(PasswordParams::insecurely_fast())
        .commit_shards(2)
        // As many as on any other machine.
        .jobs(JobOptions::with_workers(4))
        .build()
        .await
        .expect("the builder has all that it needs");
    if faulty {
        misbehave(&faults, world);
    }
    world.nodes.lock()[number].begin(chat, faults, bus);
    world.trace.note(Seen::Started(number));
}

/// Lets calls fail and take their time: mostly little, in some runs much.
fn misbehave(faults: &Faults, world: &World) {
    let mut rng = world.fork();
    let failing = [0, 5, 30][usize::try_from(rng.below(3)).unwrap_or(0)];
    let slow = [20, 100, 300][usize::try_from(rng.below(3)).unwrap_or(0)];
    faults.choose(move |method| {
        let roll = rng.below(1_000);
        // What writes fails oftener, because that is where it matters how.
        let failing = if method.writes() { failing } else { failing / 4 };
        let long = method == Method::Commit && rng.chance(30);
        let time = Duration::from_millis(if long { rng.between(500, 7_000) } else { rng.below(60) });
        match roll {
            roll if roll < failing => Some(Fault::Before),
            roll if roll < 2 * failing => Some(Fault::After),
            roll if roll < 2 * failing + slow / 2 => Some(Fault::Slow(time)),
            roll if roll < 2 * failing + slow => Some(Fault::Late(time)),
            _ => None,
        }
    });
}
