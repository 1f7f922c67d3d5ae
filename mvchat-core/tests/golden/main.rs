//! Recordings of the original server, replayed against this one.
//!
//! `t1` and `t2` hold one frame per file, in the order of their `scenario.txt`; ids, tokens and times are placeholders.
//! Every frame must come back as it was recorded, except for what [`differences`] lists: each row names the decision of
//! the protocol that it follows from, and a row that is not needed fails the test.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod additions;
mod compare;
mod coverage;
mod differences;
mod names;
mod own;
mod readme;
mod replay;
mod scenario;
mod server;
mod tokens;
mod verdict;

use replay::Replay;
use scenario::Scenario;
use server::Server;
use verdict::Verdict;

#[tokio::test(start_paused = true)]
async fn the_recordings_replay() {
    let server = Server::start().await;
    // The second was recorded after the first, on the same database.
    let mut verdict = Verdict::default();
    let mut replay = Replay::new(&server);
    for name in ["t1", "t2"] {
        replay.run(&Scenario::load(name), &mut verdict).await;
    }
    verdict.check();
}
