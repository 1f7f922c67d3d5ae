//! Recordings of the original server, replayed against this one.
//!
//! `t1` and `t2` hold one frame per file, in the order of their `scenario.txt`; ids, tokens and times are placeholders.
//! Every frame must come back as it was recorded, except for what `player/differences.rs` lists: each row names the decision of
//! the protocol that it follows from, and a row that is not needed fails the test.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod coverage;
mod decided;
#[path = "../door/mod.rs"]
mod door;
mod player;
mod readme;

use door::Inside;
use player::{own, replay};

#[tokio::test(start_paused = true)]
async fn the_recordings_replay() {
    replay::play_all::<Inside>(None).await;
}

#[tokio::test(start_paused = true)]
async fn what_this_server_says_stays_as_it_is() {
    own::play_all::<Inside>().await;
}
