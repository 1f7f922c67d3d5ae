//! `kill -9` under load, again and again; then an independent reader counts what was acknowledged.
//!
//! In the environment, `MVCHAT_CRASH_CYCLES` (5) makes a run longer, with `MVCHAT_CRASH_SEED` (random, printed) the same
//! kills fall again, and `MVCHAT_CRASH_LOAD` (300) bounds how many messages there are between two of them.
#![expect(clippy::print_stdout, reason = "a run says by which numbers it can be repeated")]

use crate::postgres::database;
use crate::support::{Data, Random, campaign, setting, soon};
use std::hash::{BuildHasher, RandomState};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_under_load_lose_nothing_and_double_nothing() {
    lose_nothing(Data::unlimited()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_on_postgres_lose_nothing_and_double_nothing() {
    if let Some(url) = database("crash").await {
        lose_nothing(Data::on_postgres(&url)).await;
    }
}

async fn lose_nothing(mut data: Data) {
    let cycles = setting("MVCHAT_CRASH_CYCLES").unwrap_or(5);
    let seed = setting("MVCHAT_CRASH_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let most = setting("MVCHAT_CRASH_LOAD").unwrap_or(300);
    println!("MVCHAT_CRASH_CYCLES={cycles} MVCHAT_CRASH_SEED={seed} MVCHAT_CRASH_LOAD={most}");
    let mut random = Random(seed);
    let server = data.start();
    let url = server.url();
    campaign(&mut data, server, &url, cycles, async |data, server, load| {
        // The kill falls just after some answer arrived, or just after some message left.
        let counter = if random.below(2) == 0 { &load.sending } else { &load.answered };
        let mut counted = counter.subscribe();
        let target = *counted.borrow() + 1 + random.below(most);
        soon("load", counted.wait_for(|count| *count >= target)).await.unwrap();
        server.kill();
        data.start()
    })
    .await;
}
