//! The recordings; the server's clock stands still but for what they say has passed.

use crate::door::Inside;
use crate::player::{own, replay};
use crate::sockets::{Sockets, said};
use crate::stopped;
use mvchat_core::testkit::{KINDS, whats};
use std::collections::BTreeSet;

#[tokio::test(start_paused = true)]
async fn every_request_and_every_notice_crosses_a_socket_as_it_was_recorded() {
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
