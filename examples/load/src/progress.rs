//! How far a run is, for whoever waits at a terminal; and waiting until it is further.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;
use tokio::time::Instant;

/// How often the counters are looked at.
const TICK: Duration = Duration::from_millis(20);
/// If nothing happens for so long, nothing more will.
const PATIENCE: Duration = Duration::from_secs(10);

/// The bar of a run.
pub(crate) struct Progress {
    bar: ProgressBar,
    name: String,
}

impl Progress {
    pub(crate) fn new(name: &str) -> Self {
        let bar = ProgressBar::new(0);
        // The template is a constant; were it wrong, the bar would look plain.
        if let Ok(style) = ProgressStyle::with_template("{msg:32} {wide_bar} {pos}/{len} {elapsed}") {
            bar.set_style(style);
        }
        Self { bar, name: name.to_owned() }
    }

    /// Begins something that takes so many steps.
    pub(crate) fn begin(&self, what: &str, wanted: u64) {
        self.bar.set_position(0);
        self.bar.set_length(wanted);
        self.bar.set_message(format!("{}: {what}", self.name));
    }

    /// One more step of it is done.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
    }

    /// Waits until a time has passed since an instant.
    pub(crate) async fn run(&self, start: Instant, length: Duration) {
        self.begin("running", length.as_secs());
        while start.elapsed() < length {
            self.bar.set_position(start.elapsed().as_secs());
            tokio::time::sleep(
                TICK.min(length.saturating_sub(start.elapsed())).max(Duration::from_millis(1)),
            )
            .await;
        }
    }

    /// Waits until `look` says that it is done; gives up when its count does not move any more. Returns whether it is
    /// done.
    pub(crate) async fn wait(&self, what: &str, wanted: u64, look: impl Fn() -> (u64, bool)) -> bool {
        self.begin(what, wanted);
        let (mut last, mut moved) = (0, Instant::now());
        loop {
            let (count, done) = look();
            self.bar.set_position(count.min(wanted));
            if done {
                return true;
            }
            if count != last {
                (last, moved) = (count, Instant::now());
            }
            if moved.elapsed() > PATIENCE {
                return false;
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
