//! The recordings of the protocol, played over real WebSockets on axum.
//!
//! The server's clock stands still but for what a recording says has passed; the sockets are real.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod door;
#[path = "../../../mvchat-core/tests/golden/player/mod.rs"]
mod player;
mod socket;
mod stopped;

use door::{Sockets, said};
use mvchat_core::testkit::{KINDS, whats};
use player::door::Inside;
use player::{own, replay};
use std::collections::BTreeSet;

#[tokio::test(start_paused = true)]
async fn every_request_and_every_notice_crosses_a_real_socket_as_it_was_recorded() {
    let counts = replay::play_all::<Inside>(None).await;
    stopped::run(async {
        replay::play_all::<Sockets>(Some(counts)).await;
        own::play_all::<Sockets>().await;
    })
    .await;
    let names: BTreeSet<String> = KINDS.iter().map(|kind| (*kind).to_owned()).chain(whats()).collect();
    let missing: Vec<_> = names.difference(&said()).cloned().collect();
    assert_eq!(missing, Vec::<String>::new(), "add them to a file in `mvchat-core/tests/golden/own`");
}
