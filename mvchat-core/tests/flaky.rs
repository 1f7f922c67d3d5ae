//! `Flaky` meets faults where it is told to: before a call nothing happens, after it everything did.
#![expect(clippy::unwrap_used, reason = "this binary is a test")]

use bytes::Bytes;
use mvchat_core::builtin::MemoryStore;
use mvchat_core::policy::{ConvKind, ConvSettings};
use mvchat_core::proto::{ConvId, MsgId, Role, UserId};
use mvchat_core::seam::{
    Append, Change, ConversationStore, Marks, MessageStore, NewConversation, Op, Outcome, Store,
    StoreErrorKind, ViewQuery,
};
use mvchat_core::testkit::store::{StoreFixture, check, laws};
use mvchat_core::testkit::{Chances, Fault, Faults, Flaky, Method};
use mvchat_core::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use uuid::Uuid;

const USER: UserId = UserId(Uuid::from_u128(1));
const CONV: ConvId = ConvId(Uuid::from_u128(2));

async fn flaky() -> Flaky<MemoryStore> {
    let store = Flaky::new(MemoryStore::default(), Faults::default());
    let new = NewConversation {
        id: CONV,
        kind: ConvKind::Me,
        members: [(USER, Role::Member)].into(),
        owner: None,
        cid: None,
        settings: ConvSettings::default(),
        max_per_user: None,
        at: Timestamp::default(),
    };
    store.create_conversation(new).await.unwrap();
    store
}

async fn send(store: &Flaky<MemoryStore>, cid: &str) -> Result<Outcome, StoreErrorKind> {
    let epoch = store.inner().conversation(CONV).await.unwrap().unwrap().epoch;
    let append = Append {
        id: MsgId(Uuid::from_u128(3)),
        from: Some(USER),
        cid: Some((cid.to_owned(), [0; 32])),
        content: Bytes::from_static(b"content"),
        reply_to: None,
        view_once: None,
        expires_in: None,
        event: None,
        pace: None,
        mentions: Vec::new(),
    };
    let change = Change {
        conv: CONV,
        actor: USER,
        epoch,
        warrant: None,
        at: Timestamp::default(),
        op: Op::Append(append),
    };
    let outcomes = store.commit(vec![change]).await.map_err(|error| error.kind())?;
    Ok(outcomes.into_iter().next().unwrap())
}

async fn sent(store: &Flaky<MemoryStore>, cid: &str) -> bool {
    store.inner().sent(CONV, USER, cid).await.unwrap().is_some()
}

#[tokio::test]
async fn a_fault_before_the_call_leaves_nothing() {
    let store = flaky().await;
    store.faults().script(Method::Commit, Fault::Before);
    assert_eq!(send(&store, "cid").await.unwrap_err(), StoreErrorKind::Unavailable);
    assert!(!sent(&store, "cid").await);
    assert!(matches!(send(&store, "cid").await, Ok(Outcome::Done(_))));
}

#[tokio::test]
async fn a_fault_after_the_call_leaves_all_of_it() {
    let store = flaky().await;
    store.faults().script(Method::Commit, Fault::After);
    assert_eq!(send(&store, "cid").await.unwrap_err(), StoreErrorKind::Unavailable);
    assert!(sent(&store, "cid").await);
    assert!(matches!(send(&store, "cid").await, Ok(Outcome::Replay(_))));
}

#[tokio::test]
async fn a_script_is_met_in_its_order_by_its_methods() {
    let store = flaky().await;
    store
        .faults()
        .script(Method::Mark, Fault::Before)
        .script(Method::Commit, Fault::After)
        .script(None, Fault::Before);
    assert_eq!(store.position().await.unwrap_err().kind(), StoreErrorKind::Unavailable, "any method");
    assert!(send(&store, "cid").await.is_err());
    assert!(sent(&store, "cid").await);
    assert!(store.views(USER, ViewQuery::One(CONV)).await.is_ok());
    assert!(store.mark(USER, CONV, Marks::default()).await.is_err());
    assert!(store.mark(USER, CONV, Marks::default()).await.is_ok());
    assert_eq!(store.faults().met(), 3);
}

#[tokio::test]
async fn healing_ends_all_faults() {
    let store = flaky().await;
    let faults = store.faults().clone();
    faults.script(None, Fault::Before).choose(|_| Some(Fault::Before));
    assert!(store.position().await.is_err());
    assert!(store.position().await.is_err());
    faults.script(None, Fault::Before).heal();
    assert!(store.position().await.is_ok());
    assert_eq!(faults.met(), 2);
}

#[tokio::test]
async fn a_delay_lets_other_tasks_run() {
    let store = Arc::new(flaky().await);
    store.faults().script(Method::Position, Fault::Delay(5));
    let steps = Arc::new(AtomicU32::new(0));
    let other = tokio::spawn({
        let steps = steps.clone();
        async move {
            for _ in 0..5 {
                steps.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        }
    });
    assert!(store.position().await.is_ok());
    assert!(steps.load(Ordering::SeqCst) >= 4, "the call went on before the others");
    other.await.unwrap();
}

async fn faults_of(seed: u64) -> Vec<(bool, bool)> {
    let store = flaky().await;
    let chances = Chances { before: 200, after: 200, delay: 200 };
    store.faults().seed(seed, chances, Method::writes);
    let mut met = Vec::new();
    for number in 0..200 {
        let cid = format!("cid {number}");
        let failed = send(&store, &cid).await.is_err();
        met.push((failed, sent(&store, &cid).await));
        assert!(store.position().await.is_ok(), "a method that reads is not named");
    }
    met
}

#[tokio::test]
async fn a_seed_makes_every_kind_of_fault_and_the_same_ones_again() {
    let met = faults_of(1).await;
    for kind in [(false, true), (true, false), (true, true)] {
        let count = met.iter().filter(|one| **one == kind).count();
        assert!(count >= 20, "{kind:?} came {count} times of 200");
    }
    assert!(!met.contains(&(false, false)), "a send that succeeded is not there");
    assert_eq!(faults_of(1).await, met);
    assert_ne!(faults_of(2).await, met);
}

/// A memory store whose calls take their time.
struct Slow;

impl StoreFixture for Slow {
    type Store = Flaky<MemoryStore>;

    async fn open(&self) -> Flaky<MemoryStore> {
        let faults = Faults::default();
        faults.seed(7, Chances { delay: 500, ..Chances::default() }, |_| true);
        Flaky::new(MemoryStore::default(), faults)
    }
}

#[test]
fn a_slow_store_keeps_the_laws() {
    for law in laws().iter().filter(|law| !law.reopens()) {
        check(law, Slow);
    }
}

#[tokio::test]
async fn the_store_within_is_what_it_says() {
    let store = flaky().await;
    assert_eq!(store.durability(), store.inner().durability());
    assert!(!format!("{store:?}").contains("content"));
}
