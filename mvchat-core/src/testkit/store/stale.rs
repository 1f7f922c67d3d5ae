//! Changes that were decided on another state.

use super::bed::Bed;
use crate::policy::{MessageBody, MessageState, Standing};
use crate::proto::{Epoch, Rev, Seq};
use crate::seam::{Amend, Change, LogEvent, Op, Outcome, Revise};
use crate::testkit::Law;
use crate::testkit::runner::law;
use bytes::Bytes;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(a_stale_epoch_writes_nothing),
    law!(a_stale_message_writes_nothing),
    law!(a_change_of_nothing_is_stale),
    law!(only_amendments_change_the_epoch),
];

async fn a_stale_epoch_writes_nothing(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.group(a, &[b]).await;
    bed.send(conv, b).await;
    let body = MessageBody::tombstone(MessageState::Unsent);
    let decided = [
        bed.sending(conv, b).await,
        bed.sending_as(conv, b, "cid", 1).await,
        bed.revising(conv, b, Seq(1), body).await,
        bed.setting_ttl(conv, b, 77).await,
    ];
    bed.stand(conv, b, Standing::Kicked).await;
    let (before, view) = (bed.conv(conv).await, bed.view(a, conv).await);
    let position = bed.store.position().await.unwrap();
    for change in decided {
        let is_revise = matches!(change.op, Op::Revise(_));
        let Outcome::Stale { conv: Some(fresh), message } = bed.commit(change.clone()).await else {
            panic!("a change on a stale epoch was carried out: {change:?}");
        };
        assert_eq!(fresh, before, "the fresh state is answered");
        assert_eq!(message, if is_revise { bed.store.message(a, conv, Seq(1)).await.unwrap() } else { None });
        let ahead = Change { epoch: Epoch(before.epoch.0 + 1), ..change };
        assert!(matches!(bed.commit(ahead).await, Outcome::Stale { .. }), "no epoch of the future is right");
    }
    assert_eq!((bed.conv(conv).await, bed.view(a, conv).await), (before, view));
    assert_eq!(bed.store.position().await.unwrap(), position);
    assert!(bed.store.sent(conv, b, "cid").await.unwrap().is_none());
}

async fn a_stale_message_writes_nothing(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send(conv, a).await;
    let decided = bed.revising(conv, a, Seq(1), MessageBody::new(Bytes::from_static(b"lost"), vec![])).await;
    let edited = bed.edit(conv, a, Seq(1), "kept").await.message.unwrap();
    let position = bed.store.position().await.unwrap();
    let Outcome::Stale { conv: Some(fresh), message } = bed.commit(decided.clone()).await else {
        panic!("an edit of another state of the message was carried out");
    };
    assert_eq!((fresh, message.as_ref()), (bed.conv(conv).await, Some(&edited)));
    assert_eq!(bed.store.message(b, conv, Seq(1)).await.unwrap(), Some(edited));
    assert_eq!(bed.store.position().await.unwrap(), position);
    let Op::Revise(revise) = decided.op else { unreachable!("it is a revision") };
    let again = Revise { expect: bed.store.message(a, conv, Seq(1)).await.unwrap().unwrap().rev, ..revise };
    let revised = bed.done(bed.change(conv, a, Op::Revise(again)).await).await.message.unwrap();
    // A pin is decided on its message, too.
    for expect in [(Seq(1), Rev(revised.rev.0 - 1)), (Seq(2), revised.rev)] {
        let amend = Amend { expect: Some(expect), ..Amend::new(LogEvent::Pinned) };
        let outcome = bed.commit(bed.change(conv, a, Op::Amend(amend)).await).await;
        let found = (expect.0 == Seq(1)).then_some(&revised);
        assert!(matches!(&outcome, Outcome::Stale { conv: Some(_), message } if message.as_ref() == found));
    }
    let amend = Amend { expect: Some((Seq(1), revised.rev)), ..Amend::new(LogEvent::Pinned) };
    bed.done(bed.change(conv, a, Op::Amend(amend)).await).await;
}

async fn a_change_of_nothing_is_stale(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send(conv, a).await;
    let position = bed.store.position().await.unwrap();
    let body = MessageBody::new(Bytes::new(), Vec::new());
    for seq in [Seq(0), Seq(2)] {
        for expect in [Rev(0), Rev(1)] {
            let revise = Revise { seq, expect, body: body.clone(), event: LogEvent::Edited };
            let outcome = bed.commit(bed.change(conv, a, Op::Revise(revise)).await).await;
            assert!(matches!(outcome, Outcome::Stale { conv: Some(_), message: None }), "{outcome:?}");
        }
    }
    let revise = Revise { seq: Seq(1), expect: Rev(1), body, event: LogEvent::Edited };
    let amend = Amend::new(LogEvent::Unpinned);
    for op in [Op::Append(bed.text(a)), Op::Revise(revise), Op::Amend(amend)] {
        let change =
            Change { conv: bed.conv_id(), actor: a, epoch: Epoch(0), warrant: None, at: bed.now(), op };
        let outcome = bed.commit(change).await;
        assert!(matches!(outcome, Outcome::Stale { conv: None, message: None }), "{outcome:?}");
    }
    assert_eq!(bed.store.position().await.unwrap(), position);
}

async fn only_amendments_change_the_epoch(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.group(a, &[b]).await;
    let epoch = bed.conv(conv).await.epoch;
    let sent = bed.done(bed.sending(conv, a).await).await;
    let edited = bed.edit(conv, a, Seq(1), "other").await;
    let gone = bed.unsend(conv, a, Seq(1)).await;
    assert!([sent, edited, gone].iter().all(|committed| committed.conv.is_none()));
    bed.store.hide(b, conv, Seq(1)).await.unwrap().unwrap();
    assert_eq!(bed.conv(conv).await.epoch, epoch);
    let mut epochs = vec![epoch];
    for committed in [
        bed.done(bed.setting_ttl(conv, a, 5).await).await,
        bed.stand(conv, b, Standing::Left).await,
        bed.stand(conv, b, Standing::Active).await,
    ] {
        let fresh = committed.conv.expect("a new epoch is answered with the conversation").epoch;
        assert!(!epochs.contains(&fresh), "an epoch came again");
        assert!(committed.message.is_none());
        epochs.push(fresh);
    }
}
