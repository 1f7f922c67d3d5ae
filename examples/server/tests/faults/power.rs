//! Power cuts: what was not synced is gone, torn, or there in any order; what was acknowledged is there.
//!
//! `MVCHAT_POWERCUT_CYCLES` (20), `MVCHAT_POWERCUT_SEED` (random, printed) and `MVCHAT_POWERCUT_CHANGES` (600: how many
//! changes of the disk there are before a cut at most) in the environment make a run longer or cut at the same changes
//! again.
#![expect(clippy::print_stdout, reason = "a run says by which numbers it can be repeated, and how it went")]

use crate::disk::{Disk, Loss};
use crate::support::{Data, Person, Random, Server, Starting, campaign, setting, soon};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Space that no test here runs out of.
const LARGE: u64 = 4 << 30;
/// A start changes the disk so often, about; a cut within it hits the recovery.
const START: u64 = 40;

fn random(name: &str) -> Random {
    let seed = setting("MVCHAT_POWERCUT_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("{name}: MVCHAT_POWERCUT_SEED={seed}");
    Random(seed)
}

/// Starts a server on a disk whose power may go meanwhile; the server, if it did not.
async fn start(data: &Data, disk: &Disk) -> Result<Server, Starting> {
    let mut starting = data.begin();
    let line = tokio::task::spawn_blocking(starting.reader());
    tokio::select! { biased;
        () = disk.dark() => Err(starting),
        line = line => Ok(starting.ready(&line.unwrap())),
    }
}

/// Cuts the power under load, and every other time once more while the server recovers.
pub(crate) async fn under_load() {
    let cycles = setting("MVCHAT_POWERCUT_CYCLES").unwrap_or(20);
    let changes = setting("MVCHAT_POWERCUT_CHANGES").unwrap_or(600);
    let mut random = random("under load");
    let mut data = Data::unlimited();
    let disk = Disk::mount(&data.path(), LARGE).unwrap();
    let (lost, again) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let server = data.start();
    let url = server.url();
    campaign(&mut data, server, &url, cycles, async |data, server, _| {
        disk.cut_after(1 + random.below(changes));
        soon("the cut", disk.dark()).await;
        server.kill_while(|| disk.release());
        lost.fetch_add(disk.restore(Loss::any(&mut random), &mut random), Ordering::Relaxed);
        loop {
            if random.below(2) == 0 {
                disk.cut_after(1 + random.below(START));
            }
            match soon("a start or a cut", start(data, &disk)).await {
                Ok(server) => {
                    disk.disarm();
                    data.keep(&server);
                    return server;
                }
                Err(starting) => {
                    starting.kill(|| disk.release());
                    disk.restore(Loss::any(&mut random), &mut random);
                    again.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    })
    .await;
    println!(
        "{cycles} power cuts under load and {} more while the server recovered; {} unsynced changes were lost",
        again.load(Ordering::Relaxed),
        lost.load(Ordering::Relaxed)
    );
    drop(disk);
}

/// Cuts the power while keys, store and log are made for the first time.
pub(crate) async fn while_made() {
    let mut random = random("while made");
    for at in [1, 2, 3, 5, 8, 13, 20, 30, 45, 60] {
        let mut data = Data::unlimited();
        let disk = Disk::mount(&data.path(), LARGE).unwrap();
        disk.cut_after(at + random.below(4));
        match soon("a start or a cut", start(&data, &disk)).await {
            Ok(server) => drop(server),
            Err(starting) => starting.kill(|| disk.release()),
        }
        disk.restore(Loss::any(&mut random), &mut random);
        let server = data.start();
        let person = Person::sign_up(&server, "alice").await;
        let conv = person.group(&[]).await;
        assert_eq!(person.say(conv, "here we are").await.seq.0, 1);
        server.kill();
        disk.restore(Loss::All, &mut random);
        let server = data.start();
        let person = Person::log_in(&server, "alice").await;
        assert_eq!(person.history(conv).await.len(), 1);
        drop((person, server, disk));
    }
}
