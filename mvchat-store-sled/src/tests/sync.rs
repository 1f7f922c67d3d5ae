//! No answer and no sight of a write before it is durable; nothing at all after a sync failed.
//!
//! The tests' own task runs on a thread of its own, so it may block while the workers go on.

use super::{append, group, newest, send, small, user};
use crate::SledStore;
use crate::batch::Batch;
use crate::keys::{Key, META};
use crate::syncer::Syncer;
use mvchat_core::seam::{ConversationStore, MessageStore, StoreErrorKind, UserStore};
use parking_lot::Mutex;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::yield_now;

/// A disk whose every sync waits for the test: it says that it began and is told how it ends.
struct Held {
    began: Sender<()>,
    end: Mutex<Receiver<io::Result<()>>>,
}

impl Syncer for Held {
    fn sync(&self) -> io::Result<()> {
        // A test that is over holds nothing any more.
        let _ = self.began.send(());
        self.end.lock().recv().unwrap_or(Ok(()))
    }
}

/// The test's end of a [`Held`] disk.
struct Hand {
    began: Receiver<()>,
    end: Sender<io::Result<()>>,
}

/// Opens a store on a held disk, with a group in it.
async fn open(path: &Path) -> (SledStore, Hand) {
    let ((began, has_begun), (end, ends)) = (channel(), channel());
    let mut options = small();
    options.syncer = Some(Arc::new(Held { began, end: Mutex::new(ends) }));
    let store = options.open(path).unwrap();
    end.send(Ok(())).unwrap();
    group(&store, 7).await;
    has_begun.recv().unwrap();
    (store, Hand { began: has_begun, end })
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_answered_and_nobody_sees_a_write_before_the_sync() {
    let dir = tempfile::tempdir().unwrap();
    let (store, hand) = open(dir.path()).await;
    let conv = super::conv(7);
    for number in 1..=3 {
        let sending = tokio::spawn({
            let store = store.clone();
            async move { send(&store, conv, "hello").await }
        });
        // Now the batch is in sled's tree, and the sync runs.
        hand.began.recv().unwrap();
        for _ in 0..100 {
            yield_now().await;
        }
        assert!(!sending.is_finished(), "an answer came before the sync ended");
        let seen = newest(&store, conv).await.unwrap();
        assert_eq!((seen.messages.len(), seen.rev.0), (number - 1, number as u64 - 1));
        assert_eq!(store.position().await.unwrap().0, number as u64);
        assert_eq!(store.log(Default::default(), 100).await.unwrap().entries.len(), number);

        hand.end.send(Ok(())).unwrap();
        assert_eq!(sending.await.unwrap().unwrap().0, number as u64);
        assert_eq!(newest(&store, conv).await.unwrap().messages.len(), number);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_during_a_sync_shares_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let (store, hand) = open(dir.path()).await;
    let conv = super::conv(7);
    let first = tokio::spawn({
        let store = store.clone();
        async move { send(&store, conv, "first").await }
    });
    hand.began.recv().unwrap();
    let mut calls: Vec<_> = (0..100).map(|_| store.commit(vec![append(conv, "more")])).collect();
    for call in &mut calls {
        // The first poll puts the call into the queue.
        assert!(futures_util::poll!(call).is_pending());
    }
    hand.end.send(Ok(())).unwrap();
    hand.end.send(Ok(())).unwrap();
    first.await.unwrap().unwrap();
    for call in calls {
        call.await.unwrap();
    }
    hand.began.recv().unwrap();
    assert!(hand.began.try_recv().is_err(), "the waiting writes took more than one sync");
    assert_eq!(newest(&store, conv).await.unwrap().rev.0, 101);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_stops_the_store_until_it_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let (store, hand) = open(dir.path()).await;
    let conv = super::conv(7);
    hand.end.send(Ok(())).unwrap();
    send(&store, conv, "kept").await.unwrap();
    hand.end.send(Err(io::Error::other("the cable is out"))).unwrap();
    let error = send(&store, conv, "not kept").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(error.to_string().contains("the cable is out"), "{error}");

    // The disk would be well again, but nothing is tried a second time.
    drop(hand.end);
    assert_eq!(send(&store, conv, "late").await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    assert_eq!(newest(&store, conv).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    assert_eq!(store.users(&[user(1)]).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    assert_eq!(hand.began.try_iter().count(), 2, "a sync was tried again");
    assert!(dir.path().join("store/failed").exists());

    drop(store);
    let store = small().open(dir.path()).unwrap();
    assert!(!dir.path().join("store/failed").exists());
    let page = newest(&store, conv).await.unwrap();
    // Whether the unanswered one is there is open; that it comes whole and after the kept one is not.
    assert!(page.rev.0 == page.messages.len() as u64 && !page.messages.is_empty());
    send(&store, conv, "again").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let ((began, has_begun), (end, ends)) = (channel(), channel());
    let mut options = small().queue(2);
    options.syncer = Some(Arc::new(Held { began, end: Mutex::new(ends) }));
    let store = options.open(dir.path()).unwrap();
    let mut first = Box::pin(group(&store, 7));
    assert!(futures_util::poll!(&mut first).is_pending());
    has_begun.recv().unwrap();
    let mut waiting = [store.commit(Vec::new()), store.commit(Vec::new())];
    for call in &mut waiting {
        assert!(futures_util::poll!(call).is_pending());
    }
    assert_eq!(store.commit(Vec::new()).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    drop(end);
    let conv = first.await;
    assert!(store.conversation(conv).await.unwrap().is_some());
}

#[tokio::test]
async fn a_panic_in_a_write_fails_it_alone_and_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let store = small().open(dir.path()).unwrap();
    let trace = Key::of(META).text("trace");
    let broken = store.write({
        let trace = trace.clone();
        move |batch: &mut Batch| -> mvchat_core::seam::StoreResult<()> {
            batch.put(&trace, &1_u64)?;
            panic!("meant to")
        }
    });
    let conv = group(&store, 7);
    let (broken, conv) = tokio::join!(broken, conv);
    assert_eq!(broken.unwrap_err().kind(), StoreErrorKind::Internal);
    assert!(store.conversation(conv).await.unwrap().is_some());
    use crate::read::Rows;
    assert!(!store.read(move |rows| rows.has(&trace)).await.unwrap());
}
