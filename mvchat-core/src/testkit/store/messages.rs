//! Messages and their numbers.

use super::bed::{Bed, done};
use crate::policy::{MessageBody, MessageState, Standing};
use crate::proto::{Epoch, Rev, Seq};
use crate::seam::{Append, Change, MemberPatch, Op, Outcome};
use crate::testkit::Law;
use crate::testkit::runner::law;
use crate::time::Timestamp;
use bytes::Bytes;
use futures_util::future::join_all;
use std::time::Duration;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(a_pace_is_kept),
    law!(seqs_have_no_gap_under_contention, threads),
    law!(revs_have_no_gap_whatever_changes),
    law!(seqs_are_not_reused_after_a_message_is_gone),
    law!(content_is_returned_byte_for_byte),
    law!(a_message_keeps_what_it_was_sent_with),
    law!(times_never_go_back),
    law!(a_message_becomes_what_it_is_revised_to),
    law!(a_tombstone_stays_at_its_place),
    law!(conversations_count_for_themselves),
];

async fn seqs_have_no_gap_under_contention(bed: Bed) {
    let users = bed.users(200);
    let conv = bed.group(users[0], &users[1..]).await;
    let mut changes = Vec::new();
    for user in &users {
        changes.push(bed.sending(conv, *user).await);
    }
    let sends = changes.into_iter().map(|change| {
        let store = bed.store.clone();
        tokio::spawn(async move { done(store.commit(vec![change]).await.unwrap().remove(0)) })
    });
    let mut sent: Vec<_> = join_all(sends).await.into_iter().map(Result::unwrap).collect();
    sent.sort_by_key(|committed| committed.rev);
    for (i, committed) in sent.iter().enumerate() {
        let message = committed.message.as_ref().unwrap();
        assert_eq!((committed.rev.0, message.seq.0), (i as u64 + 1, i as u64 + 1));
        assert_eq!(bed.store.message(users[0], conv, message.seq).await.unwrap().as_ref(), Some(message));
    }
    assert!(sent.windows(2).all(|pair| pair[0].position < pair[1].position && pair[0].at <= pair[1].at));
}

async fn revs_have_no_gap_whatever_changes(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.group(a, &[b]).await;
    let mut revs = Vec::new();
    let sent = bed.done(bed.sending(conv, a).await).await;
    revs.push(sent.rev);
    revs.push(bed.edit(conv, a, Seq(1), "other").await.rev);
    revs.push(bed.done(bed.setting_ttl(conv, a, 5).await).await.rev);
    revs.push(bed.stand(conv, b, Standing::Left).await.rev);
    revs.push(bed.stand(conv, b, Standing::Active).await.rev);
    bed.read(b, conv, 1).await;
    bed.store.hide(b, conv, Seq(1)).await.unwrap().unwrap();
    let muted = MemberPatch { muted: Some(true), ..MemberPatch::default() };
    bed.store.configure(b, conv, muted).await.unwrap().unwrap();
    revs.push(bed.send(conv, b).await.rev);
    let stale = Change { epoch: Epoch(u64::MAX), ..bed.sending(conv, a).await };
    assert!(matches!(bed.commit(stale).await, Outcome::Stale { .. }));
    revs.push(bed.unsend(conv, a, Seq(1)).await.rev);
    assert_eq!(revs, (1..=7).map(Rev).collect::<Vec<_>>());
    assert_eq!(bed.view(a, conv).await.conv.rev, Rev(7));
}

async fn seqs_are_not_reused_after_a_message_is_gone(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, a, 3).await;
    bed.unsend(conv, a, Seq(3)).await;
    bed.clear(a, conv, 3).await;
    assert_eq!(bed.send(conv, a).await.seq, Seq(4), "a seq came again");
    assert_eq!(bed.view(b, conv).await.conv.last_seq, Seq(4));
}

async fn content_is_returned_byte_for_byte(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let large: Bytes = (0..64 * 1024).map(|i: u32| (i.wrapping_mul(31) >> 3) as u8).collect();
    for content in [Bytes::new(), Bytes::from_static(&[0]), (0..=255).collect(), large] {
        let append = Append { content: content.clone(), ..bed.text(a) };
        let sent = bed.done(bed.change(conv, a, Op::Append(append)).await).await.message.unwrap();
        assert_eq!(sent.body.content.as_ref(), Some(&content));
        let read = bed.store.message(b, conv, sent.seq).await.unwrap().unwrap();
        assert_eq!(read.body.content, Some(content.clone()));
        let body = MessageBody { edits: 1, ..MessageBody::new(content.clone(), Vec::new()) };
        let edited = bed.done(bed.revising(conv, a, sent.seq, body).await).await.message.unwrap();
        assert_eq!(edited.body.content, Some(content));
    }
}

async fn a_message_keeps_what_it_was_sent_with(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send(conv, b).await;
    for view_once in [None, Some(None), Some(Some(0)), Some(Some(30))] {
        let append = Append {
            cid: Some((format!("cid {view_once:?} ü"), [7; 32])),
            reply_to: Some(Seq(1)),
            view_once,
            mentions: vec![b, a, b],
            ..bed.text(a)
        };
        let change = bed.change(conv, a, Op::Append(append.clone())).await;
        let at = change.at;
        let committed = bed.done(change).await;
        let sent = committed.message.unwrap();
        assert_eq!((sent.id, sent.from, sent.ts, sent.rev), (append.id, Some(a), at, committed.rev));
        assert_eq!((committed.at, committed.conv.is_none()), (at, true));
        assert_eq!((sent.reply_to, sent.view_once), (append.reply_to, append.view_once));
        assert_eq!(sent.cid, append.cid.map(|(cid, _)| cid));
        assert_eq!(sent.body, MessageBody::new(append.content, append.mentions));
        assert_eq!(bed.store.message(b, conv, sent.seq).await.unwrap(), Some(sent));
    }
}

async fn times_never_go_back(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let now = bed.now();
    let at = |seconds: u64| now + Duration::from_secs(seconds);
    for (given, expected) in [(10, 10), (5, 10), (11, 11), (0, 11), (11, 11), (12, 12)] {
        let change = Change { at: at(given), ..bed.sending(conv, a).await };
        let committed = bed.done(change).await;
        assert_eq!(committed.at, at(expected));
        assert_eq!(committed.message.unwrap().ts, at(expected));
        assert_eq!(bed.view(b, conv).await.conv.last_at, Some(at(expected)));
    }
    let batch = bed.sending(conv, a).await;
    let text = |seconds| Change { at: at(seconds), op: Op::Append(bed.text(a)), ..batch.clone() };
    let times: Vec<Timestamp> = bed
        .store
        .commit(vec![text(20), text(1), text(21)])
        .await
        .unwrap()
        .into_iter()
        .map(|outcome| done(outcome).at)
        .collect();
    assert_eq!(times, [at(20), at(20), at(21)]);
}

async fn a_message_becomes_what_it_is_revised_to(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let sent = bed.send(conv, a).await;
    let body = MessageBody {
        state: MessageState::Live,
        content: Some(Bytes::from_static(b"other")),
        edits: 3,
        edited_at: Some(bed.now()),
        edit_cid: Some(("edit".to_owned(), [9; 32])),
        mentions: vec![b],
        reactions: vec![("👍".to_owned(), vec![b, a]), ("❤".to_owned(), vec![a])],
    };
    let change = bed.revising(conv, b, Seq(1), body.clone()).await;
    let at = change.at;
    let committed = bed.done(change).await;
    let revised = committed.message.unwrap();
    assert_eq!((revised.rev, committed.rev, committed.at), (Rev(2), Rev(2), at));
    assert_eq!(revised.body, body);
    assert_eq!((revised.seq, revised.id, revised.from, revised.ts), (sent.seq, sent.id, sent.from, sent.ts));
    assert_eq!(bed.store.message(a, conv, Seq(1)).await.unwrap(), Some(revised));
    assert_eq!(bed.view(a, conv).await.conv.last_at, Some(sent.ts), "a revision is not a message");
}

async fn a_tombstone_stays_at_its_place(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, a, 3).await;
    let before = bed.store.message(b, conv, Seq(2)).await.unwrap().unwrap();
    bed.unsend(conv, a, Seq(2)).await;
    let stone = bed.store.message(b, conv, Seq(2)).await.unwrap().expect("a tombstone is seen");
    assert_eq!(stone.body, MessageBody::tombstone(MessageState::Unsent));
    assert_eq!((stone.seq, stone.from, stone.ts, stone.rev), (Seq(2), before.from, before.ts, Rev(4)));
    // Whether it may still change is for the policy to say, not for the store.
    let deleted = MessageBody::tombstone(MessageState::Deleted);
    let again = bed.done(bed.revising(conv, a, Seq(2), deleted.clone()).await).await;
    assert_eq!((again.rev, again.message.unwrap().body), (Rev(5), deleted));
}

async fn conversations_count_for_themselves(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let (one, two) = (bed.dm(a, b).await, bed.group(a, &[b]).await);
    for expected in 1..=3 {
        for conv in [one, two] {
            let message = bed.send(conv, a).await;
            assert_eq!((message.seq, message.rev), (Seq(expected), Rev(expected)));
        }
    }
}

async fn a_pace_is_kept(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.group(a, &[b]).await;
    let start = bed.now();
    let send = async |seconds: u64, cid: &str, pace| {
        let append = Append { cid: Some((cid.to_owned(), [0; 32])), pace, ..bed.text(b) };
        let change = bed.change(conv, b, Op::Append(append)).await;
        bed.commit(Change { at: start + Duration::from_secs(seconds), ..change }).await
    };
    assert!(matches!(send(0, "free", None).await, Outcome::Done(_)));
    assert!(matches!(send(1, "first", Some(30)).await, Outcome::Done(_)), "only what has a pace counts");
    let until = start + Duration::from_secs(31);
    assert!(matches!(send(30, "second", Some(30)).await, Outcome::TooSoon(at) if at == until));
    assert!(matches!(send(30, "first", Some(30)).await, Outcome::Replay(_)), "a retry is no second message");
    assert!(matches!(send(5, "shorter", Some(4)).await, Outcome::Done(_)));
    assert!(matches!(send(8, "third", Some(4)).await, Outcome::TooSoon(_)));
    assert!(matches!(send(9, "third", Some(4)).await, Outcome::Done(_)), "the end is exact");
    assert_eq!(bed.view(a, conv).await.conv.last_seq, Seq(4), "what came too soon was not written");
}
