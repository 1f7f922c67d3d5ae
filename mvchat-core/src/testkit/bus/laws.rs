//! Each law is one promise of the contract.

use super::{Bed, until};
use crate::seam::{Heard, MAX_BUS_MESSAGE};
use crate::testkit::Law;
use crate::testkit::runner::law;
use bytes::Bytes;
use futures_util::FutureExt;
use std::time::{Duration, Instant};

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(what_is_said_is_heard),
    law!(messages_arrive_whole),
    law!(one_senders_messages_keep_their_order),
    law!(saying_never_waits),
    law!(after_a_flood_messages_arrive_again, threads),
    law!(waiting_can_be_given_up),
];

fn text(text: impl Into<String>) -> Bytes {
    Bytes::from(text.into())
}

async fn what_is_said_is_heard(bed: Bed) {
    let (a, b, c) = (bed.join().await, bed.join().await, bed.join().await);
    a.say(text("from a"));
    for other in [&b, &c] {
        assert_eq!(until(&**other, &text("from a")).await, Vec::<Bytes>::new());
    }
    c.say(text("from c"));
    until(&*b, &text("from c")).await;
    until(&*a, &text("from c")).await;
}

async fn messages_arrive_whole(bed: Bed) {
    let (a, b) = (bed.join().await, bed.join().await);
    let long = text(
        "\\\"'ü\u{1f600}"
            .repeat(MAX_BUS_MESSAGE)
            .chars()
            .scan(0, |bytes, c| {
                *bytes += c.len_utf8();
                (*bytes <= MAX_BUS_MESSAGE).then_some(c)
            })
            .collect::<String>(),
    );
    assert!(long.len() > MAX_BUS_MESSAGE - 4);
    for message in [text("{}"), long] {
        a.say(message.clone());
        assert_eq!(until(&*b, &message).await, Vec::<Bytes>::new());
    }
}

async fn one_senders_messages_keep_their_order(bed: Bed) {
    const MANY: usize = 300;
    let (a, b) = (bed.join().await, bed.join().await);
    for number in 0..MANY {
        a.say(text(format!("{number}")));
    }
    let before = until(&*b, &text(format!("{}", MANY - 1))).await;
    let expected: Vec<_> = (0..MANY - 1).map(|number| text(format!("{number}"))).collect();
    assert_eq!(before, expected);
}

async fn saying_never_waits(bed: Bed) {
    let a = bed.join().await;
    let begun = Instant::now();
    for number in 0..100_000 {
        a.say(text(format!("{number}")));
    }
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "nobody listens, and yet it takes {:?}",
        begun.elapsed()
    );
}

async fn after_a_flood_messages_arrive_again(bed: Bed) {
    const MANY: usize = 30_000;
    let (a, b) = (bed.join().await, bed.join().await);
    let flood = text("x".repeat(100));
    for _ in 0..MANY {
        a.say(flood.clone());
    }
    // Whatever got through, and perhaps that something is missing.
    let mut heard = 0;
    while let Ok(next) = tokio::time::timeout(Duration::from_millis(300), b.hear()).await {
        heard += usize::from(next != Heard::Lost);
    }
    assert!(heard <= MANY);
    a.say(text("afterwards"));
    assert_eq!(until(&*b, &text("afterwards")).await, Vec::<Bytes>::new());
}

async fn waiting_can_be_given_up(bed: Bed) {
    let (a, b) = (bed.join().await, bed.join().await);
    for number in 0..50 {
        assert_eq!(b.hear().now_or_never().filter(|heard| *heard != Heard::Lost), None);
        let given_up = tokio::time::timeout(Duration::from_millis(1), b.hear()).await;
        assert!(given_up.is_err() || given_up == Ok(Heard::Lost));
        a.say(text(format!("{number}")));
        assert_eq!(until(&*b, &text(format!("{number}"))).await, Vec::<Bytes>::new());
    }
}
