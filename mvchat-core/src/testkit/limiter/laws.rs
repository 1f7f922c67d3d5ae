//! Each law is one promise of the contract.

use super::{Bed, demand};
use crate::proto::{Act, Algorithm, Rate, RateKey};
use crate::seam::{Subject, Taken};
use crate::testkit::Law;
use crate::testkit::runner::law;
use std::collections::VecDeque;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(a_burst_passes_and_then_the_rate_holds),
    law!(an_exact_window_is_exact),
    law!(pauses_double_and_are_forgotten),
    law!(a_refusal_takes_nothing),
    law!(the_time_to_wait_is_exact),
    law!(rows_and_subjects_are_apart),
    law!(what_is_given_back_can_be_taken_again),
    law!(at_once_no_more_than_the_burst_passes, threads),
];

/// A time to begin with.
const T: u64 = 10_000_000;

fn bucket(burst: u32, every: u32) -> Rate {
    Rate::bucket(Act::Send, RateKey::Target, burst, every)
}

fn window(max: u32, per: u32) -> Rate {
    Rate::window(Act::Send, RateKey::Target, max, per)
}

fn backoff() -> Rate {
    let algorithm = Algorithm::Backoff { free: 3, first: 1_000, longest: 5_000, forget: 60_000 };
    Rate::new(Act::Guess, RateKey::Target, algorithm)
}

async fn a_burst_passes_and_then_the_rate_holds(bed: Bed) {
    let one = demand(0, bucket(20, 100), 1);
    assert_eq!(bed.count(one, T).await, 20);
    assert_eq!(bed.count(one, T + 99).await, 0);
    assert_eq!(bed.count(one, T + 100).await, 1);
    assert_eq!(bed.count(one, T + 1_100).await, 10);
    assert_eq!(bed.count(one, T + 100_000).await, 20, "what is not used up does not pile up");
    let dear = demand(1, Rate { cost: 7, ..bucket(20, 100) }, 1);
    assert_eq!(bed.count(dear, T).await, 2);
    assert_eq!(bed.count(dear, T + 100).await, 1);
}

async fn an_exact_window_is_exact(bed: Bed) {
    const PER: u64 = 1_000;
    let one = demand(0, window(5, 1_000), 1);
    // Irregular times, the same in each run.
    let (mut at, mut seed, mut passed) = (T, 1_u64, VecDeque::new());
    for _ in 0..2_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        at += (seed >> 33) % 150;
        while passed.front().is_some_and(|first| first + PER <= at) {
            passed.pop_front();
        }
        let room = passed.len() < 5;
        assert_eq!(bed.passes(one, at).await, room, "at {at}, after {passed:?}");
        if room {
            passed.push_back(at);
        }
    }
}

async fn pauses_double_and_are_forgotten(bed: Bed) {
    let one = demand(0, backoff(), 1);
    assert_eq!(bed.count(one, T).await, 3);
    let mut at = T;
    for pause in [1_000, 2_000, 4_000, 5_000, 5_000] {
        assert_eq!(bed.wait(one, at).await, pause);
        at += pause;
        assert_eq!(bed.count(one, at).await, 1);
    }
    at += 5_000 + 60_000;
    assert_eq!(bed.count(one, at).await, 3, "after a quiet time everything is forgotten");
}

async fn a_refusal_takes_nothing(bed: Bed) {
    let (few, many) = (demand(0, bucket(1, 10_000), 1), demand(1, bucket(10, 10_000), 1));
    let times = demand(2, window(10, 10_000), 1);
    assert_eq!(bed.take(&[many, few, times], T).await, Taken::Granted);
    for _ in 0..50 {
        let refused = bed.take(&[many, few, times], T + 1).await;
        assert!(matches!(refused, Taken::Refused { by: 1, .. }), "{refused:?}");
    }
    assert_eq!(bed.count(many, T + 1).await, 9);
    assert_eq!(bed.count(times, T + 1).await, 9);
    let pauses = demand(3, backoff(), 1);
    bed.count(pauses, T).await;
    for at in 0..900 {
        assert!(!bed.passes(pauses, T + at).await);
    }
    assert_eq!(bed.wait(pauses, T + 900).await, 100, "whoever asks too early does not wait longer");
}

async fn the_time_to_wait_is_exact(bed: Bed) {
    let rates = [bucket(3, 333), Rate { cost: 2, ..bucket(3, 7) }, window(3, 777), backoff()];
    for (row, rate) in (0..).zip(rates) {
        let one = demand(row, rate, 1);
        let mut at = T;
        for step in 0..20 {
            if bed.passes(one, at).await {
                at += step;
                continue;
            }
            let wait = bed.wait(one, at).await;
            assert!(wait > 0);
            assert!(!bed.passes(one, at + wait - 1).await, "{rate:?}");
            assert!(bed.passes(one, at + wait).await, "{rate:?}");
            at += wait;
        }
    }
    let (soon, late) = (demand(10, bucket(1, 100), 1), demand(11, bucket(1, 5_000), 1));
    assert_eq!(bed.take(&[soon, late], T).await, Taken::Granted);
    let Taken::Refused { by, after } = bed.take(&[soon, late], T).await else { panic!("passes") };
    assert_eq!((by, after.as_millis()), (1, 5_000), "the longest wait counts");
}

async fn rows_and_subjects_are_apart(bed: Bed) {
    let rate = bucket(2, 60_000);
    for row in 0..3 {
        for subject in 0..3 {
            assert_eq!(bed.count(demand(row, rate, subject), T).await, 2);
        }
    }
    let pair = |a, b| super::Demand { row: 0, rate, subject: Subject::Pair(a, b) };
    assert_eq!(bed.count(pair(1, 2), T).await, 2);
    assert_eq!(bed.count(pair(2, 1), T).await, 2);
}

async fn what_is_given_back_can_be_taken_again(bed: Bed) {
    for (row, rate) in (0..).zip([bucket(4, 60_000), Rate { cost: 2, ..window(8, 60_000) }]) {
        let one = demand(row, rate, 1);
        assert_eq!(bed.count(one, T).await, 4);
        bed.give_back(one, T).await;
        bed.give_back(one, T).await;
        assert_eq!(bed.count(one, T).await, 2, "{rate:?}");
    }
    let pauses = demand(5, backoff(), 1);
    assert_eq!(bed.count(pauses, T).await, 3);
    bed.give_back(pauses, T).await;
    assert_eq!(bed.count(pauses, T).await, 3);
    let never = demand(6, bucket(4, 60_000), 1);
    bed.give_back(never, T).await;
    assert_eq!(bed.count(never, T).await, 4, "there is never more than the burst");
}

async fn at_once_no_more_than_the_burst_passes(bed: Bed) {
    for (row, rate) in (0..).zip([bucket(50, 60_000), window(50, 60_000)]) {
        let other = demand(row + 10, bucket(1_000, 60_000), 7);
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let bed = bed.clone();
                tokio::spawn(async move {
                    let one = demand(row, rate, 1);
                    let mut passed = 0;
                    for _ in 0..50 {
                        // In either order: who locks one after the other must not lock up.
                        let both = if task % 2 == 0 { [one, other] } else { [other, one] };
                        passed += usize::from(bed.take(&both, T).await == Taken::Granted);
                    }
                    passed
                })
            })
            .collect();
        let mut passed = 0;
        for task in tasks {
            passed += task.await.expect("a task that ends");
        }
        assert_eq!(passed, 50);
        assert_eq!(bed.count(other, T).await, 950, "what was refused took nothing of the other");
    }
}
