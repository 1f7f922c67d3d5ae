//! Sending the same message again.

use super::bed::{Bed, print};
use crate::policy::Standing;
use crate::proto::{ConvId, Rev, Seq, UserId};
use crate::seam::{Change, Op, Outcome, Sent};
use crate::testkit::Law;
use crate::testkit::runner::law;
use futures_util::future::join_all;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(a_retry_is_a_replay),
    law!(a_reused_cid_is_told_from_a_retry),
    law!(a_retry_after_unsend_is_a_replay),
    law!(a_retry_after_an_edit_is_a_replay),
    law!(a_retry_on_a_stale_epoch_is_a_replay),
    law!(a_cid_counts_for_conversation_and_sender),
    law!(cids_are_compared_exactly),
    law!(a_cid_twice_in_a_batch_is_written_once),
    law!(retries_at_once_write_one_message, threads),
    law!(what_was_refused_leaves_its_cid_free),
    law!(sent_finds_what_was_sent),
];

async fn send(bed: &Bed, conv: ConvId, from: UserId, cid: &str, print: u8) -> Outcome {
    bed.commit(bed.sending_as(conv, from, cid, print).await).await
}

fn replay(outcome: Outcome) -> Sent {
    match outcome {
        Outcome::Replay(sent) => sent,
        other => panic!("not a replay: {other:?}"),
    }
}

async fn a_retry_is_a_replay(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send(conv, b).await;
    let first = super::bed::done(send(&bed, conv, a, "cid", 1).await);
    bed.send_many(conv, b, 2).await;
    let (view, position) = (bed.view(b, conv).await, bed.store.position().await.unwrap());
    for _ in 0..3 {
        let sent = replay(send(&bed, conv, a, "cid", 1).await);
        assert_eq!((sent.seq, sent.rev, sent.at), (Seq(2), first.rev, first.at), "those of the first time");
        assert_eq!(sent.print, Some(print(1)));
    }
    assert_eq!((bed.view(b, conv).await, bed.store.position().await.unwrap()), (view, position));
}

async fn a_reused_cid_is_told_from_a_retry(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    send(&bed, conv, a, "cid", 1).await;
    let position = bed.store.position().await.unwrap();
    assert!(matches!(send(&bed, conv, a, "cid", 2).await, Outcome::CidReused));
    assert_eq!(bed.store.position().await.unwrap(), position);
    replay(send(&bed, conv, a, "cid", 1).await);
    assert!(matches!(send(&bed, conv, a, "cid", 2).await, Outcome::CidReused), "still");
}

async fn a_retry_after_unsend_is_a_replay(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let first = super::bed::done(send(&bed, conv, a, "cid", 1).await);
    bed.unsend(conv, a, Seq(1)).await;
    for print in [1, 2] {
        let sent = replay(send(&bed, conv, a, "cid", print).await);
        assert_eq!((sent.seq, sent.rev, sent.at), (Seq(1), first.rev, first.at));
        assert_eq!(sent.print, None, "the print is forgotten");
    }
    assert_eq!(bed.view(b, conv).await.conv.last_seq, Seq(1));
}

async fn a_retry_after_an_edit_is_a_replay(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let first = super::bed::done(send(&bed, conv, a, "cid", 1).await);
    bed.edit(conv, a, Seq(1), "other").await;
    let sent = replay(send(&bed, conv, a, "cid", 1).await);
    assert_eq!((sent.seq, sent.rev, sent.at), (Seq(1), first.rev, first.at), "not those of the edit");
    assert!(matches!(send(&bed, conv, a, "cid", 2).await, Outcome::CidReused));
    bed.store.hide(a, conv, Seq(1)).await.unwrap().unwrap();
    replay(send(&bed, conv, a, "cid", 1).await);
}

async fn a_retry_on_a_stale_epoch_is_a_replay(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.group(a, &[b]).await;
    let change = bed.sending_as(conv, b, "cid", 1).await;
    let first = bed.done(change.clone()).await;
    let other = bed.sending_as(conv, b, "cid", 2).await;
    bed.stand(conv, b, Standing::Kicked).await;
    let sent = replay(bed.commit(change).await);
    assert_eq!((sent.seq, sent.rev), (Seq(1), first.rev), "also for one who was removed since");
    assert!(matches!(bed.commit(other).await, Outcome::CidReused));
}

async fn a_cid_counts_for_conversation_and_sender(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let (one, two) = (bed.dm(a, b).await, bed.group(a, &[b]).await);
    for (conv, from, seq) in [(one, a, 1), (one, b, 2), (two, a, 1), (two, b, 2)] {
        let sent = super::bed::done(send(&bed, conv, from, "cid", 1).await);
        assert_eq!(sent.message.unwrap().seq, Seq(seq));
    }
    for (conv, from, seq) in [(one, a, 1), (one, b, 2), (two, a, 1), (two, b, 2)] {
        assert_eq!(replay(send(&bed, conv, from, "cid", 1).await).seq, Seq(seq));
    }
}

async fn cids_are_compared_exactly(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let long = "x".repeat(64);
    let almost = format!("{}y", "x".repeat(63));
    let cids = ["", "a", "A", "a ", " a", "ab", "a/b", "a\u{1}b", "é", "e\u{301}", "%", "_", &long, &almost];
    for cid in cids {
        let sent = super::bed::done(send(&bed, conv, a, cid, 1).await);
        assert_eq!(sent.message.unwrap().cid.as_deref(), Some(cid));
    }
    for (i, cid) in cids.into_iter().enumerate() {
        assert_eq!(replay(send(&bed, conv, a, cid, 1).await).seq, Seq(i as u64 + 1), "cid {cid:?}");
    }
}

async fn a_cid_twice_in_a_batch_is_written_once(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let (same, other) = (bed.sending_as(conv, a, "cid", 1).await, bed.sending_as(conv, a, "cid", 2).await);
    let batch = vec![same.clone(), same.clone(), other, bed.sending(conv, a).await, same];
    let outcomes = bed.store.commit(batch).await.unwrap();
    let [first, second, third, fourth, fifth] = outcomes.try_into().expect("one outcome each");
    let first = super::bed::done(first);
    assert_eq!(first.message.unwrap().seq, Seq(1));
    let (second, fifth) = (replay(second), replay(fifth));
    assert_eq!((second.seq, second.rev, second.at), (Seq(1), first.rev, first.at));
    assert_eq!(second, fifth);
    assert!(matches!(third, Outcome::CidReused));
    assert_eq!(super::bed::done(fourth).message.unwrap().seq, Seq(2));
    assert_eq!(bed.view(b, conv).await.conv.rev, Rev(2));
}

async fn retries_at_once_write_one_message(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    for round in 1..=10 {
        let change = bed.sending_as(conv, a, &format!("cid {round}"), 1).await;
        let sends = (0..16).map(|_| {
            let (store, change) = (bed.store.clone(), change.clone());
            tokio::spawn(async move { store.commit(vec![change]).await.unwrap().remove(0) })
        });
        let outcomes: Vec<_> = join_all(sends).await.into_iter().map(Result::unwrap).collect();
        let mut written = 0;
        for outcome in outcomes {
            match outcome {
                Outcome::Done(committed) => {
                    written += 1;
                    assert_eq!(committed.message.unwrap().seq, Seq(round), "written twice");
                }
                other => assert_eq!(replay(other).seq, Seq(round)),
            }
        }
        assert_eq!(written, 1, "of retries at once one is written");
        assert_eq!(bed.view(b, conv).await.conv.last_seq, Seq(round));
    }
}

async fn what_was_refused_leaves_its_cid_free(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let decided = bed.sending_as(conv, a, "cid", 1).await;
    bed.done(bed.setting_ttl(conv, b, 5).await).await;
    assert!(matches!(bed.commit(decided.clone()).await, Outcome::Stale { .. }));
    assert!(bed.store.sent(conv, a, "cid").await.unwrap().is_none());
    let Op::Append(mut append) = decided.op else { unreachable!("it is a send") };
    append.cid = Some(("cid".to_owned(), print(2)));
    let again = Change { op: Op::Append(append), ..bed.sending(conv, a).await };
    assert_eq!(bed.done(again).await.message.unwrap().seq, Seq(1));
}

async fn sent_finds_what_was_sent(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.group(a, &[b]).await;
    let first = super::bed::done(send(&bed, conv, b, "cid", 1).await);
    let expected = Sent { seq: Seq(1), rev: first.rev, at: first.at, print: Some(print(1)) };
    assert_eq!(bed.store.sent(conv, b, "cid").await.unwrap(), Some(expected));
    for (conv, user, cid) in [(conv, b, "CID"), (conv, a, "cid"), (bed.conv_id(), b, "cid")] {
        assert_eq!(bed.store.sent(conv, user, cid).await.unwrap(), None);
    }
    bed.stand(conv, b, Standing::Left).await;
    assert_eq!(bed.store.sent(conv, b, "cid").await.unwrap(), Some(expected), "also after leaving");
}
