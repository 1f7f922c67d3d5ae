//! Many changes in one commit.

use super::bed::{Bed, done};
use crate::policy::{MessageBody, MessageState, Standing};
use crate::proto::{Epoch, Position, Rev, Seq};
use crate::seam::{Change, LogEvent, Op, Outcome, Revise};
use crate::testkit::Law;
use crate::testkit::runner::law;
use bytes::Bytes;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(a_poisoned_change_fails_alone),
    law!(outcomes_come_in_the_order_of_the_changes),
    law!(the_second_of_two_amendments_is_stale),
    law!(a_send_after_an_amendment_in_its_batch_is_stale),
    law!(a_batch_sees_its_own_changes),
    law!(an_empty_batch_changes_nothing),
    law!(a_large_batch_is_carried_out),
];

async fn a_poisoned_change_fails_alone(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send(conv, a).await;
    let good = bed.sending(conv, a).await;
    let good_too = bed.sending_as(conv, b, "cid", 1).await;
    let reused = bed.sending_as(conv, b, "cid", 2).await;
    let stale = Change { epoch: Epoch(u64::MAX), ..bed.sending(conv, b).await };
    let unknown = Change { conv: bed.conv_id(), ..bed.sending(conv, b).await };
    let revise = Revise {
        seq: Seq(1),
        expect: Rev(77),
        body: MessageBody::tombstone(MessageState::Unsent),
        event: LogEvent::Unsent,
    };
    let wrong = bed.change(conv, a, Op::Revise(revise)).await;
    let last = bed.sending(conv, b).await;
    let batch = vec![stale, good, unknown, good_too, reused, wrong, last];
    let outcomes = bed.store.commit(batch).await.unwrap();
    let [stale, good, unknown, good_too, reused, wrong, last] = outcomes.try_into().expect("one each");
    assert!(matches!(stale, Outcome::Stale { conv: Some(_), message: None }));
    assert!(matches!(unknown, Outcome::Stale { conv: None, message: None }));
    assert!(matches!(reused, Outcome::CidReused));
    assert!(matches!(wrong, Outcome::Stale { conv: Some(_), message: Some(_) }));
    for (outcome, seq) in [(good, 2), (good_too, 3), (last, 4)] {
        let committed = done(outcome);
        assert_eq!((committed.rev, committed.message.unwrap().seq), (Rev(seq), Seq(seq)));
    }
    assert_eq!(bed.view(a, conv).await.conv.rev, Rev(4));
}

async fn outcomes_come_in_the_order_of_the_changes(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let (one, two) = (bed.dm(a, b).await, bed.group(a, &[b]).await);
    let mut batch = Vec::new();
    for conv in [two, one, two, one, one] {
        batch.push(bed.sending(conv, a).await);
    }
    let expected: Vec<_> = batch
        .iter()
        .map(|change| match &change.op {
            Op::Append(append) => append.id,
            _ => unreachable!("all are sends"),
        })
        .collect();
    let done: Vec<_> = bed.store.commit(batch).await.unwrap().into_iter().map(done).collect();
    let ids: Vec<_> = done.iter().map(|committed| committed.message.as_ref().unwrap().id).collect();
    assert_eq!(ids, expected);
    let seqs: Vec<_> = done.iter().map(|committed| committed.message.as_ref().unwrap().seq.0).collect();
    assert_eq!(seqs, [1, 1, 2, 2, 3]);
    assert!(done.is_sorted_by(|left, right| left.position < right.position));
    let log = bed.store.log(Position(0), 100).await.unwrap().entries;
    let logged: Vec<_> = log.iter().filter(|entry| entry.seq.is_some()).map(|entry| entry.conv).collect();
    assert_eq!(logged, [two, one, two, one, one]);
}

async fn the_second_of_two_amendments_is_stale(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let batch = vec![bed.setting_ttl(conv, a, 5).await, bed.setting_ttl(conv, b, 6).await];
    let [first, second] = bed.store.commit(batch).await.unwrap().try_into().expect("one each");
    let first = done(first);
    let Outcome::Stale { conv: Some(fresh), message: None } = second else {
        panic!("two amendments that were decided on one state were both carried out");
    };
    assert_eq!(Some(fresh), first.conv);
    assert_eq!(bed.conv(conv).await.settings.ttl, Some(5));
    assert_eq!(bed.view(a, conv).await.conv.rev, Rev(1));
}

async fn a_send_after_an_amendment_in_its_batch_is_stale(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.group(a, &[b]).await;
    let event = LogEvent::Kicked(b);
    let members = vec![(b, crate::proto::Role::Member, Standing::Kicked)];
    let amend = crate::seam::Amend { members, ..crate::seam::Amend::new(event) };
    let before = bed.sending(conv, b).await;
    let kick = bed.change(conv, a, Op::Amend(amend)).await;
    let after = bed.sending(conv, b).await;
    let outcomes = bed.store.commit(vec![before, kick, after]).await.unwrap();
    let [before, kick, after] = outcomes.try_into().expect("one each");
    assert_eq!((done(before).rev, done(kick).rev), (Rev(1), Rev(2)));
    assert!(matches!(after, Outcome::Stale { .. }), "one who was removed sent a message");
    assert_eq!(bed.view(a, conv).await.conv.last_seq, Seq(1));
}

async fn a_batch_sees_its_own_changes(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let send = bed.sending(conv, a).await;
    let revise = |expect, content: &'static [u8]| {
        let body = MessageBody::new(Bytes::from_static(content), Vec::new());
        let revise = Revise { seq: Seq(1), expect: Rev(expect), body, event: LogEvent::Edited };
        Change { op: Op::Revise(revise), ..send.clone() }
    };
    let batch = vec![send.clone(), revise(1, b"one"), revise(1, b"lost"), revise(2, b"two")];
    let outcomes = bed.store.commit(batch).await.unwrap();
    let [sent, one, lost, two] = outcomes.try_into().expect("one each");
    assert_eq!((done(sent).rev, done(one).rev, done(two).rev), (Rev(1), Rev(2), Rev(3)));
    let Outcome::Stale { message: Some(fresh), .. } = lost else {
        panic!("an edit was carried out on a state that its batch had changed");
    };
    assert_eq!((fresh.rev, fresh.body.content), (Rev(2), Some(Bytes::from_static(b"one"))));
    let read = bed.store.message(b, conv, Seq(1)).await.unwrap().unwrap();
    assert_eq!(read.body.content, Some(Bytes::from_static(b"two")));
}

async fn an_empty_batch_changes_nothing(bed: Bed) {
    bed.dm(bed.user(), bed.user()).await;
    let position = bed.store.position().await.unwrap();
    assert_eq!(bed.store.commit(Vec::new()).await.unwrap().len(), 0);
    assert_eq!(bed.store.position().await.unwrap(), position);
}

async fn a_large_batch_is_carried_out(bed: Bed) {
    let users = bed.users(20);
    let mut convs = Vec::new();
    for user in &users {
        convs.push(bed.group(*user, &[]).await);
    }
    let mut batch = Vec::new();
    for i in 0..1_000 {
        batch.push(bed.sending(convs[i % 20], users[i % 20]).await);
    }
    let outcomes = bed.store.commit(batch).await.unwrap();
    assert_eq!(outcomes.len(), 1_000);
    for (i, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!(done(outcome).message.unwrap().seq, Seq(i as u64 / 20 + 1));
    }
}
