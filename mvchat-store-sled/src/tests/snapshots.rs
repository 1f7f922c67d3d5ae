//! A read sees one state, whatever is written meanwhile.

use super::{group, newest, send, small, user};
use crate::batch::Batch;
use crate::chat::tail;
use crate::keys::{Key, MESSAGE, META};
use crate::read::Rows;
use mvchat_core::proto::Seq;
use mvchat_core::seam::MessageStore;

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_keeps_its_state_while_others_write() {
    let dir = tempfile::tempdir().unwrap();
    let store = small().open(dir.path()).unwrap();
    let conv = group(&store, 7).await;
    for _ in 0..30 {
        send(&store, conv, "before").await.unwrap();
    }
    let (looks, looking) = std::sync::mpsc::channel::<()>();
    let (goes_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let reading = tokio::spawn({
        let store = store.clone();
        async move {
            store
                .read(move |rows| {
                    let mut walk = rows.up(Key::conv(MESSAGE, conv).all());
                    let mut found = usize::from(walk.next().is_some());
                    looks.send(()).unwrap();
                    may_go_on.recv().unwrap();
                    found += walk.count();
                    let upwards = rows.up(Key::conv(MESSAGE, conv).all()).count();
                    let downwards = rows.down(Key::conv(MESSAGE, conv).all()).count();
                    Ok((found, upwards, downwards, tail(rows, conv)?.last_seq.0))
                })
                .await
        }
    });
    looking.recv().unwrap();
    for _ in 0..200 {
        send(&store, conv, "after").await.unwrap();
    }
    goes_on.send(()).unwrap();
    assert_eq!(reading.await.unwrap().unwrap(), (30, 30, 30, 30));
    assert_eq!(newest(&store, conv).await.unwrap().rev.0, 230);
    assert!(store.message(user(2), conv, Seq(230)).await.unwrap().is_some());
}

/// Every write moves a number on, adds a row and removes an older one, here and there in the tree, so that leaves
/// are split and merged under the readers' feet.
#[tokio::test(flavor = "multi_thread")]
async fn readers_see_whole_batches_while_the_tree_moves() {
    const KEPT: u64 = 40;
    const ROUNDS: u64 = 3_000;
    let row = |round: u64| Key::of(0xf0).number(round.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let count = || Key::of(META).text("count");
    let dir = tempfile::tempdir().unwrap();
    let mut options = small();
    options.syncer = Some(std::sync::Arc::new(NoSync));
    let store = options.open(dir.path()).unwrap();
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut seen = 0;
                while seen < ROUNDS {
                    let (round, up, down, got) = store
                        .read(move |rows| {
                            let up = rows.up(Key::of(0xf0).all()).collect::<Result<Vec<_>, _>>()?;
                            let round = rows.row::<u64>(&count())?.unwrap_or(0);
                            let mut down = rows.down(Key::of(0xf0).all()).collect::<Result<Vec<_>, _>>()?;
                            down.reverse();
                            let newest = rows.row::<u64>(&row(round))?.unwrap_or(0);
                            Ok((round, up, down, newest))
                        })
                        .await
                        .unwrap();
                    assert_eq!(up.len() as u64, round.min(KEPT));
                    assert_eq!(up, down);
                    assert_eq!(got, round);
                    assert!(round >= seen, "a later read saw an earlier state");
                    seen = round;
                }
            })
        })
        .collect();
    for round in 1..=ROUNDS {
        let write = move |batch: &mut Batch| {
            batch.put(&count(), &round)?;
            batch.put(&row(round), &round)?;
            if round > KEPT { batch.remove(&row(round - KEPT)) } else { Ok(()) }
        };
        store.write(write).await.unwrap();
    }
    for reader in readers {
        reader.await.unwrap();
    }
}

/// A disk that needs no sync: the test is about what is seen.
struct NoSync;

impl crate::syncer::Syncer for NoSync {
    fn sync(&self) -> std::io::Result<()> {
        Ok(())
    }
}
