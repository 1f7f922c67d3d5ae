//! How often the disk appends and syncs: no durable commit can be faster.

use crate::folder::Folder;
use crate::latency::Samples;
use crate::outcome::Outcome;
use crate::scenario::Scene;
use crate::{Problem, Tried};
use std::fs::File;
use std::io::Write;
use std::time::Instant;

/// How much is appended each time, in bytes: a batch of a few messages.
const BLOCK: usize = 4 * 1024;

/// Appends and syncs for a while.
///
/// # Errors
/// If there is nowhere to write.
pub(crate) async fn run(scene: &Scene) -> Tried<Outcome> {
    let folder = Folder::within(&scene.plan.folder)?;
    let length = scene.length;
    let (samples, took) = tokio::task::spawn_blocking(move || {
        let mut file = File::create(folder.path().join("appended"))?;
        let (block, start) = ([b'x'; BLOCK], Instant::now());
        let mut samples = Samples::default();
        while start.elapsed() < length {
            let before = Instant::now();
            file.write_all(&block)?;
            file.sync_data()?;
            samples.add(u64::try_from(before.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
        Ok::<_, Problem>((samples, start.elapsed().as_secs_f64()))
    })
    .await??;
    let mut outcome = Outcome::new("floor sync").with("bytes each", BLOCK);
    outcome.figure("syncs per second", samples.len() as f64 / took, "1/s");
    outcome.latency("append and sync", &samples);
    Ok(outcome)
}
