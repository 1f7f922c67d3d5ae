//! What lies on the disk, and what is made of it when it is opened.

use super::{append, conv, group, newest, send, small};
use crate::batch::Batch;
use crate::keys::{CHUNK, Key, META};
use crate::read::{PIECE, Rows};
use bytes::Bytes;
use mvchat_core::policy::{MessageBody, MessageState};
use mvchat_core::proto::{Rev, Seq};
use mvchat_core::seam::{Change, LogEvent, MessageStore, Op, Outcome, Revise, StoreErrorKind};
use std::path::Path;

fn content(length: usize) -> Bytes {
    (0..length).map(|index| (index % 251) as u8).collect::<Vec<_>>().into()
}

fn blobs(path: &Path) -> usize {
    std::fs::read_dir(path.join("store/blobs")).unwrap().count()
}

#[tokio::test]
async fn a_long_value_is_cut_and_comes_back_whole() {
    let dir = tempfile::tempdir().unwrap();
    let store = small().open(dir.path()).unwrap();
    let conv = group(&store, 7).await;
    let lengths = [0, 1, PIECE - 200, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 64 * 1024, 1_000_000];
    for length in lengths {
        send(&store, conv, content(length)).await.unwrap();
    }
    drop(store);
    let store = small().open(dir.path()).unwrap();
    let page = newest(&store, conv).await.unwrap();
    let back = page.messages.iter().rev().map(|message| message.body.content.clone().unwrap());
    assert!(back.eq(lengths.map(content)));
}

#[tokio::test]
async fn an_erased_value_leaves_no_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let store = small().open(dir.path()).unwrap();
    let conv = group(&store, 7).await;
    send(&store, conv, content(100_000)).await.unwrap();
    let pieces = || store.read(|rows| Ok(rows.up(Key::of(CHUNK).all()).count()));
    assert!(pieces().await.unwrap() > 20);
    let revise = Revise {
        seq: Seq(1),
        expect: Rev(1),
        body: MessageBody::tombstone(MessageState::Unsent),
        event: LogEvent::Unsent,
    };
    let change = Change { op: Op::Revise(revise), ..append(conv, "") };
    let outcomes = store.commit(vec![change]).await.unwrap();
    assert!(matches!(outcomes[..], [Outcome::Done(_)]));
    assert_eq!(pieces().await.unwrap(), 0);
}

#[tokio::test]
async fn a_start_that_died_over_its_snapshot_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let store = small().open(dir.path()).unwrap();
    let conv = group(&store, 7).await;
    send(&store, conv, content(100)).await.unwrap();
    drop(store);
    for written in [0, 7, 12, 1_000] {
        let begun = dir.path().join("store/snap.7FFFFFFFFFFFFFFF.generating");
        std::fs::write(&begun, content(written)).unwrap();
        let store = small().open(dir.path()).unwrap();
        assert_eq!(newest(&store, conv).await.unwrap().messages.len(), 1);
        drop(store);
        assert!(!begun.exists());
    }
}

#[tokio::test]
async fn sled_never_makes_a_file_that_the_sync_misses() {
    let dir = tempfile::tempdir().unwrap();
    let store = small().open(dir.path()).unwrap();
    for number in 0..4 {
        group(&store, number).await;
    }
    for round in 0..40_usize {
        let changes = (0..8).map(|number| append(conv(number % 4), content(64 * 1024 - round * 97)));
        store.commit(changes.collect()).await.unwrap();
        assert_eq!(blobs(dir.path()), 0);
    }
    for number in 0..4 {
        for seq in 1..=80 {
            let revise = Revise {
                seq: Seq(seq),
                expect: Rev(seq),
                body: MessageBody::tombstone(MessageState::Deleted),
                event: LogEvent::Deleted,
            };
            let change = Change { op: Op::Revise(revise), ..append(conv(number), "") };
            store.commit(vec![change]).await.unwrap();
        }
        assert_eq!(blobs(dir.path()), 0);
    }
    // Long names are hashed in keys, so that inner nodes stay small, too.
    for number in 0..2_000_usize {
        let cid = format!("{number}-{}", "x".repeat(500));
        let Change { conv, actor, epoch, warrant, at, op: Op::Append(mut new) } = append(conv(1), "") else {
            panic!()
        };
        new.cid = Some((cid, [0; 32]));
        store.commit(vec![Change { conv, actor, epoch, warrant, at, op: Op::Append(new) }]).await.unwrap();
    }
    assert_eq!(blobs(dir.path()), 0);
}

#[tokio::test]
async fn a_second_opening_is_refused_and_the_first_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = small().open(dir.path()).unwrap();
    let conv = group(&store, 7).await;
    let error = small().open(dir.path()).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("share clones of one SledStore"), "{error}");
    send(&store, conv, "still here").await.unwrap();
}

#[test]
fn a_closed_store_can_be_opened_at_once() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..20 {
        drop(small().open(dir.path()).unwrap());
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = small().open(dir.path()).unwrap();
    store.write(|batch: &mut Batch| batch.put(&Key::of(META).text("schema"), &2_u64)).await.unwrap();
    drop(store);
    let error = small().open(dir.path()).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Internal);
    assert!(error.to_string().contains("newer version"), "{error}");
}

#[tokio::test]
async fn a_foreign_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let foreign = sled::open(dir.path().join("store")).unwrap();
    foreign.insert("a", "b").unwrap();
    drop(foreign);
    let error = small().open(dir.path()).unwrap_err();
    assert!(error.to_string().contains("was not written by mvchat"), "{error}");
}
