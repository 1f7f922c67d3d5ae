//! Counting what is unread.

use super::bed::{Bed, done};
use crate::proto::Seq;
use crate::seam::{Append, Op};
use crate::testkit::Law;
use crate::testkit::runner::law;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(unread_counts_messages_of_others),
    law!(unread_leaves_out_what_is_not_seen),
    law!(unread_leaves_out_system_messages),
    law!(unread_is_exact_to_999),
    law!(an_edit_makes_nothing_unread),
];

async fn unread_counts_messages_of_others(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let conv = bed.group(a, &[b, c]).await;
    bed.send_many(conv, b, 2).await;
    bed.send(conv, a).await;
    bed.send_many(conv, c, 3).await;
    assert_eq!(bed.view(a, conv).await.unread, 5);
    assert_eq!(bed.view(b, conv).await.unread, 4);
    assert_eq!(bed.view(c, conv).await.unread, 3);
    bed.read(a, conv, 1).await;
    assert_eq!(bed.view(a, conv).await.unread, 4);
    bed.read(a, conv, 4).await;
    assert_eq!(bed.view(a, conv).await.unread, 2);
    bed.read(a, conv, 6).await;
    assert_eq!(bed.view(a, conv).await.unread, 0);
}

async fn unread_leaves_out_what_is_not_seen(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, b, 8).await;
    bed.unsend(conv, b, Seq(8)).await;
    assert_eq!(bed.view(a, conv).await.unread, 7);
    bed.store.hide(a, conv, Seq(7)).await.unwrap().unwrap();
    assert_eq!(bed.view(a, conv).await.unread, 6);
    bed.clear(a, conv, 3).await;
    assert_eq!(bed.view(a, conv).await.unread, 3);
    // A message that is left out for two reasons is left out once.
    bed.unsend(conv, b, Seq(7)).await;
    bed.unsend(conv, b, Seq(2)).await;
    assert_eq!(bed.view(a, conv).await.unread, 3);
    bed.read(a, conv, 5).await;
    assert_eq!(bed.view(a, conv).await.unread, 1);
}

async fn unread_leaves_out_system_messages(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.group(a, &[b]).await;
    let append = Append { from: None, ..bed.text(a) };
    let system = bed.done(bed.change(conv, a, Op::Append(append)).await).await.message.unwrap();
    assert_eq!((system.seq, system.from), (Seq(1), None));
    assert_eq!(bed.view(b, conv).await.unread, 0);
    assert_eq!(bed.view(a, conv).await.me.read, Seq(0), "nobody sent it, so nobody's marks move");
}

async fn unread_is_exact_to_999(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, b, 999).await;
    assert_eq!(bed.view(a, conv).await.unread, 999);
    bed.send(conv, b).await;
    assert_eq!(bed.view(a, conv).await.unread, 1_000);
    bed.send_many(conv, b, 5).await;
    assert_eq!(bed.view(a, conv).await.unread, 1_000, "more than 999 are 1000");
    bed.read(a, conv, 5).await;
    assert_eq!(bed.view(a, conv).await.unread, 1_000);
    bed.read(a, conv, 6).await;
    assert_eq!(bed.view(a, conv).await.unread, 999);
}

async fn an_edit_makes_nothing_unread(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send(conv, b).await;
    bed.read(a, conv, 1).await;
    bed.edit(conv, b, Seq(1), "other").await;
    assert_eq!(bed.view(a, conv).await.unread, 0);
    let outcomes = bed.store.commit(vec![bed.sending(conv, b).await]).await.unwrap();
    outcomes.into_iter().for_each(|outcome| drop(done(outcome)));
    assert_eq!(bed.view(a, conv).await.unread, 1);
}
