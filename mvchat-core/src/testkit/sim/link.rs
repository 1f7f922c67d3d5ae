//! A connection that can be slow, stop, go dark or break.

use super::clock::Clock;
use super::rng::Rng;
use super::trace::{Seen, Trace};
use crate::proto::Frame;
use crate::testkit::Pipe;
use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How many frames each half of a direction holds.
const CAPACITY: usize = 16;

/// What a connection's weather is like; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Weather {
    state: Arc<Mutex<State>>,
    cut: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    dark: bool,
    stalled_until: Option<tokio::time::Instant>,
}

impl Weather {
    /// Breaks the connection: both ends are told, and what is on its way is lost.
    pub(super) fn cut(&self) {
        self.cut.cancel();
    }

    /// Loses everything from now on, and tells nobody.
    pub(super) fn darken(&self) {
        self.state.lock().dark = true;
    }

    /// Lets the device read nothing for a while.
    pub(super) fn stall(&self, time: Duration) {
        self.state.lock().stalled_until = Some(tokio::time::Instant::now() + time);
    }

    /// Returns whether anything still arrives.
    pub(super) fn is_alive(&self) -> bool {
        !self.cut.is_cancelled() && !self.state.lock().dark
    }
}

/// Where the frames of one direction go.
struct Way {
    link: usize,
    down: bool,
    weather: Weather,
    rng: Rng,
    trace: Trace,
    lag: u64,
}

/// Makes a connection; returns the server's end and the device's.
pub(super) fn connect(link: usize, weather: &Weather, mut rng: Rng, trace: &Trace) -> (Pipe, Pipe) {
    let (server, near_server) = Pipe::pair(CAPACITY);
    let (device, near_device) = Pipe::pair(CAPACITY);
    let (to_server, from_server) = near_server.split();
    let (to_device, from_device) = near_device.split();
    // Most connections are quick, some are slow.
    let lag = if rng.chance(200) { rng.between(50, 800) } else { rng.between(0, 10) };
    let mut way =
        |down| Way { link, down, weather: weather.clone(), rng: rng.fork(), trace: trace.clone(), lag };
    tokio::spawn(carry(from_device, to_server, way(false)));
    tokio::spawn(carry(from_server, to_device, way(true)));
    (server, device)
}

type From = futures_util::stream::SplitStream<Pipe>;
type To = futures_util::stream::SplitSink<Pipe, Frame>;

async fn carry(mut from: From, mut to: To, mut way: Way) {
    let cut = way.weather.cut.clone();
    tokio::select! { biased;
        () = cut.cancelled() => {}
        () = forward(&mut from, &mut to, &mut way) => if way.down {
            // The server is gone: nothing that is still on its way up matters.
            way.weather.cut();
        }
    }
    // The other direction holds the other half of this end, so dropping is not enough to tell.
    drop(to.close().await);
}

async fn forward(from: &mut From, to: &mut To, way: &mut Way) {
    loop {
        let Some(Ok(frame)) = from.next().await else {
            if way.weather.state.lock().dark {
                way.weather.cut.cancelled().await;
            }
            return;
        };
        if way.rng.chance(300) {
            tokio::time::sleep(Duration::from_millis(way.rng.below(way.lag + 1))).await;
        }
        if way.down {
            way.wait_for_reader().await;
        }
        if !way.weather.state.lock().dark && to.send(frame).await.is_err() {
            return;
        }
    }
}

impl Way {
    async fn wait_for_reader(&self) {
        let until = self.weather.state.lock().stalled_until;
        let Some(until) = until else { return };
        tokio::time::sleep_until(until).await;
        self.weather.state.lock().stalled_until.take_if(|still| *still == until);
        self.trace.note(Seen::Relieved(self.link));
    }
}

/// Returns how a clock's instant is waited for.
pub(super) async fn until(clock: &Clock, instant: Option<crate::time::Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(clock.at(instant)).await,
        None => std::future::pending().await,
    }
}
