//! Who does not read is let go, and nobody else notices.

use crate::support::{Data, PATIENCE, Wire, send, soon};
use serde_json::json;
use std::time::{Duration, Instant};

const MIB: u64 = 1024 * 1024;

#[tokio::test]
async fn a_client_that_stops_reading_is_let_go_without_delaying_others() {
    let mut data = Data::unlimited();
    let server = data.start();
    let mut alice = Wire::sign_up(&server, "alice").await;
    let mut bob = Wire::sign_up(&server, "bobby").await;
    let carol = Wire::sign_up(&server, "carol").await;
    let conv = alice.group(&[&bob.id, &carol.id]).await;
    // Ten connections of one user that never read anything again.
    let mut stuck = vec![carol];
    for _ in 1..10 {
        stuck.push(Wire::resume(&server, &stuck[0].token).await);
    }
    let before = server.resident();

    // Far more than ten queues and all the sockets' buffers hold; and bob hears each message at once.
    let words = "x".repeat(4_900);
    let (mut slowest, mut most) = (Duration::ZERO, 0);
    let mut times = Vec::new();
    for n in 0..2_500_u64 {
        let start = Instant::now();
        alice.post(send(&conv, &words, &format!("cid-{n}"))).await;
        bob.data(&conv, n + 1).await;
        times.push(start.elapsed());
        slowest = slowest.max(start.elapsed());
        if n % 50 == 0 {
            most = most.max(server.resident());
        }
    }
    times.sort();
    println!(
        "2,500 messages beside 10 stuck connections: median {:?}, p99 {:?}, slowest {slowest:?}; \
         resident {} MiB before, {} MiB at most",
        times[times.len() / 2],
        times[times.len() * 99 / 100],
        before / MIB,
        most / MIB
    );
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    assert!(most < before + 128 * MIB, "{} MiB, then {} MiB", before / MIB, most / MIB);

    // They were let go: what the sockets still hold ends, far before the last message.
    let start = Instant::now();
    for mut wire in stuck {
        let code = soon("the end of a stuck connection", wire.closed()).await;
        assert!(matches!(code, Some(4008) | None), "{code:?}");
        let last = wire.heard.iter().filter_map(|frame| frame["data"]["seq"].as_u64()).max();
        assert!(last.is_some_and(|last| last < 2_500), "{last:?}");
        // What it did get has no hole.
        let seqs: Vec<u64> = wire.heard.iter().filter_map(|frame| frame["data"]["seq"].as_u64()).collect();
        assert!(seqs.iter().copied().eq(1..=seqs.len() as u64));
    }
    assert!(start.elapsed() < PATIENCE);

    // And catching up brings the rest.
    let mut carol = Wire::log_in(&server, "carol").await;
    let page = carol.ok(json!({"get": {"what": "messages", "conv": conv, "limit": 1}})).await;
    assert_eq!(page["messages"][0]["seq"], 2_500);
}
