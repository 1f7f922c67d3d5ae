//! The bounds of the table, and windows against a naive model. The laws are in the testkit.

use super::{MemoryLimiter, SHARDS, Table};
use crate::proto::{Act, Rate, RateKey};
use crate::seam::{Demand, Limiter, Subject, Taken};
use crate::time::Instant;

fn demand(subject: u128) -> Demand {
    let rate = Rate::bucket(Act::Send, RateKey::Target, 1, 60_000);
    Demand { row: 0, rate, subject: Subject::Target(subject) }
}

fn subjects(limiter: &MemoryLimiter) -> usize {
    limiter.shards.iter().map(|shard| shard.lock().len()).sum()
}

#[tokio::test]
async fn the_capacity_holds_under_a_flood_of_subjects() {
    let limiter = MemoryLimiter::with_capacity(4_096);
    for subject in 0..100_000 {
        let taken = limiter.take(&[demand(subject)], Instant(1_000)).await;
        assert_eq!(taken.unwrap(), Taken::Granted, "a newcomer is never punished for the others");
    }
    assert!(subjects(&limiter) <= 4_096, "{limiter:?}");
    assert!(subjects(&limiter) > 3_000, "what fits is kept: {limiter:?}");
}

#[tokio::test]
async fn the_idle_are_forgotten() {
    let limiter = MemoryLimiter::with_capacity(64 * 1_024);
    for subject in 0..30_000 {
        assert_eq!(limiter.take(&[demand(subject)], Instant(0)).await.unwrap(), Taken::Granted);
    }
    assert_eq!(subjects(&limiter), 30_000);
    let later = Instant(60_000);
    for subject in 100_000..130_000 {
        assert_eq!(limiter.take(&[demand(subject)], later).await.unwrap(), Taken::Granted);
    }
    assert!(subjects(&limiter) <= 30_000 + 1_024 * SHARDS, "{limiter:?}");
}

#[test]
fn the_one_that_is_idle_soonest_makes_room() {
    let mut table = Table::new(4);
    let quick = Rate::bucket(Act::Send, RateKey::Target, 1, 10);
    let slow = Rate::bucket(Act::Send, RateKey::Target, 1, 60_000);
    for subject in 0..4 {
        let rate = if subject == 2 { &quick } else { &slow };
        table.take((0, Subject::Target(subject)), rate, Instant(5_000));
    }
    table.take((0, Subject::Target(9)), &slow, Instant(5_000));
    assert_eq!(table.len(), 4);
    assert!(table.get(&(0, Subject::Target(2))).is_none());
}
