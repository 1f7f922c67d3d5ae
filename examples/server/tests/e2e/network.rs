//! A bad network between the clients and the server: cuts, resets, darkness, delays, crumbs of bytes.
//!
//! In the environment, `MVCHAT_NETWORK_CYCLES` (6) makes a run longer, and with `MVCHAT_NETWORK_SEED` (random, printed)
//! the network is as bad again.

use crate::support::{Data, Random, campaign, setting, soon};
use mvchat_core::testkit::proxy::{Cut, LinkFaults, Proxy};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const DARK: Cut = Cut::Dark(Duration::from_millis(300));

/// What the network is like for a while. Every connection lives long enough to catch up on it.
fn weather(random: &mut Random) -> LinkFaults {
    let faults = LinkFaults::default().cut_within(100_000..=1_000_000, &[Cut::Close, Cut::Reset, DARK]);
    match random.below(4) {
        0 => faults,
        1 => faults.pieces(1..=40),
        2 => faults.delays(Duration::ZERO..=Duration::from_millis(20)),
        _ => faults.pieces(1..=3_000).paced(400_000).delays(Duration::ZERO..=Duration::from_millis(2)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_network_loses_nothing_doubles_nothing_and_keeps_the_order() {
    let cycles = setting("MVCHAT_NETWORK_CYCLES").unwrap_or(6);
    let seed = setting("MVCHAT_NETWORK_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("MVCHAT_NETWORK_CYCLES={cycles} MVCHAT_NETWORK_SEED={seed}");
    let mut random = Random(seed);
    let mut data = Data::unlimited();
    let server = data.start();
    let proxy = Proxy::start(server.address, weather(&mut random), random.next()).await.unwrap();
    let url = format!("ws://{}/v0/ws", proxy.address());
    campaign(&mut data, server, &url, cycles, async |_, server, load| {
        let mut answered = load.answered.subscribe();
        let target = *answered.borrow() + 1 + random.below(200);
        soon("load", answered.wait_for(|count| *count >= target)).await.unwrap();
        proxy.set_faults(weather(&mut random));
        proxy.cut([Cut::Close, Cut::Reset, DARK][usize::try_from(random.below(3)).unwrap()]);
        server
    })
    .await;
    println!("{} connections, {} of them cut", proxy.connections(), proxy.cuts());
    assert!(proxy.cuts() > cycles);
}
