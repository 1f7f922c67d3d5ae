//! The change log.

use super::bed::Bed;
use crate::policy::{MessageBody, Standing};
use crate::proto::{Position, Rev, Seq};
use crate::seam::{LogEntry, LogEvent, MemberPatch, Op, Revise};
use crate::testkit::Law;
use crate::testkit::runner::law;
use bytes::Bytes;
use std::sync::Arc;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(the_log_holds_every_shared_change),
    law!(the_log_names_what_it_was_told),
    law!(what_happened_is_read_by_rev),
    law!(the_log_is_read_in_pages_of_every_size),
    law!(the_log_is_commit_safe, threads),
    law!(positions_only_go_on),
];

async fn the_log_holds_every_shared_change(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.group(a, &[b]).await;
    let mut expected = vec![(Rev(0), None, LogEvent::Created)];
    let mut times = vec![bed.conv(conv).await.created_at];
    let mut positions = Vec::new();
    let mut note = |committed: crate::seam::Committed, seq: Option<u64>, event| {
        expected.push((committed.rev, seq.map(Seq), event));
        times.push(committed.at);
        positions.push(committed.position);
    };
    note(bed.done(bed.sending(conv, b).await).await, Some(1), LogEvent::Sent);
    note(bed.edit(conv, b, Seq(1), "other").await, Some(1), LogEvent::Edited);
    bed.read(a, conv, 1).await;
    note(bed.done(bed.setting_ttl(conv, b, 5).await).await, None, LogEvent::TtlSet(Some(5)));
    bed.store.hide(a, conv, Seq(1)).await.unwrap().unwrap();
    note(bed.unsend(conv, b, Seq(1)).await, Some(1), LogEvent::Unsent);
    let muted = MemberPatch { muted: Some(true), ..MemberPatch::default() };
    bed.store.configure(a, conv, muted).await.unwrap().unwrap();
    note(bed.stand(conv, b, Standing::Left).await, None, LogEvent::Left(b));
    let page = bed.store.log(Position(0), 100).await.unwrap();
    let entries: Vec<_> = page.entries.iter().map(|e| (e.rev, e.seq, e.event.clone())).collect();
    assert_eq!(entries, expected);
    assert_eq!(page.entries.iter().map(|entry| entry.at).collect::<Vec<_>>(), times);
    let logged: Vec<_> = page.entries.iter().skip(1).map(|entry| entry.position).collect();
    assert_eq!(logged, positions, "a change is told its place in the log");
    assert!(page.entries.iter().all(|entry| entry.conv == conv));
    assert!(page.entries[1..].iter().all(|entry| entry.actor == b));
}

async fn the_log_names_what_it_was_told(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send(conv, a).await;
    let start = bed.store.position().await.unwrap();
    let events = [
        LogEvent::Reacted { emoji: "👍🏽".to_owned(), add: true, count: 2 },
        LogEvent::Reacted { emoji: "".to_owned(), add: false, count: 0 },
        LogEvent::Deleted,
        LogEvent::Pinned,
        LogEvent::TtlSet(None),
        LogEvent::NoScreenshotsSet(true),
        LogEvent::ProfileSet,
        LogEvent::RoleSet(b, crate::proto::Role::Admin),
        LogEvent::OwnerSet(a),
        LogEvent::Kicked(b),
    ];
    for (i, event) in events.iter().enumerate() {
        let body = MessageBody::new(Bytes::from(format!("{i}")), Vec::new());
        let revise = Revise { seq: Seq(1), expect: Rev(i as u64 + 1), body, event: event.clone() };
        bed.done(bed.change(conv, a, Op::Revise(revise)).await).await;
    }
    let told: Vec<_> =
        bed.store.log(start, 100).await.unwrap().entries.into_iter().map(|entry| entry.event).collect();
    assert_eq!(told, events);
}

async fn what_happened_is_read_by_rev(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let (conv, other) = (bed.dm(a, b).await, bed.group(a, &[b]).await);
    for _ in 0..3 {
        bed.send(conv, a).await;
        bed.send(other, b).await;
    }
    bed.edit(conv, a, Seq(1), "other").await;
    bed.done(bed.setting_ttl(conv, b, 5).await).await;
    bed.send(conv, b).await;
    bed.unsend(conv, a, Seq(2)).await;
    bed.send(conv, a).await;
    let log = bed.store.log(Position(0), 100).await.unwrap().entries;
    let all: Vec<_> = log.into_iter().filter(|entry| entry.conv == conv && entry.rev.0 > 0).collect();
    assert_eq!(all.len(), 8);
    for after in 0..=9 {
        for upto in 0..=9 {
            let happened = bed.store.happened(conv, Rev(after), Rev(upto)).await.unwrap();
            let within = all.iter().filter(|entry| entry.rev.0 > after && entry.rev.0 <= upto);
            assert_eq!(
                happened.iter().map(|(entry, _)| entry).collect::<Vec<_>>(),
                within.collect::<Vec<_>>()
            );
            for (entry, message) in happened {
                let now = match entry.seq {
                    Some(seq) => bed.store.message(b, conv, seq).await.unwrap(),
                    None => None,
                };
                assert_eq!(message, now, "rev {}", entry.rev);
            }
        }
    }
    assert_eq!(bed.store.happened(bed.conv_id(), Rev(0), Rev(9)).await.unwrap(), []);
}

/// Reads the log from a place to its end, in pages.
async fn follow(bed: &Bed, mut after: Position, limit: usize) -> (Vec<LogEntry>, Position) {
    let mut entries = Vec::new();
    loop {
        let page = bed.store.log(after, limit).await.unwrap();
        assert!(page.entries.len() <= limit);
        assert!(page.position >= after);
        assert!(page.entries.iter().all(|entry| entry.position > after && entry.position <= page.position));
        after = page.position;
        if page.entries.is_empty() {
            return (entries, after);
        }
        entries.extend(page.entries);
    }
}

async fn the_log_is_read_in_pages_of_every_size(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    for seq in 1..=5 {
        bed.send(conv, b).await;
        // A private change has a position too, but no entry.
        bed.read(a, conv, seq).await;
    }
    let all = bed.store.log(Position(0), 100).await.unwrap().entries;
    assert_eq!(all.len(), 6);
    for limit in 1..=7 {
        let (entries, end) = follow(&bed, Position(0), limit).await;
        assert_eq!(entries, all, "limit {limit}");
        assert_eq!(bed.store.log(end, limit).await.unwrap().entries, []);
    }
    for (i, entry) in all.iter().enumerate() {
        assert_eq!(bed.store.log(entry.position, 100).await.unwrap().entries, all[i + 1..]);
    }
}

/// Follows the log while many write to many conversations: no entry turns up before one that was read.
async fn the_log_is_commit_safe(bed: Bed) {
    let users = bed.users(8);
    let mut convs = Vec::new();
    for user in &users {
        convs.push(bed.group(*user, &[]).await);
    }
    let start = bed.store.position().await.unwrap();
    let bed = Arc::new(bed);
    let writers: Vec<_> = (0..8)
        .map(|lane| {
            let (bed, user, conv) = (bed.clone(), users[lane], convs[lane]);
            tokio::spawn(async move {
                for seq in 1..=30 {
                    bed.send(conv, user).await;
                    bed.read(user, conv, seq).await;
                }
            })
        })
        .collect();
    let (mut entries, mut after) = (Vec::new(), start);
    loop {
        let last = writers.iter().all(tokio::task::JoinHandle::is_finished);
        let (more, position) = follow(&bed, after, 5).await;
        (entries, after) = ([entries, more].concat(), position);
        if last {
            break;
        }
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let again = bed.store.log(start, 1_000).await.unwrap().entries;
    assert_eq!(entries, again, "who follows the log reads all of it, in its order");
    assert_eq!(entries.len(), 240);
    for conv in convs {
        let revs: Vec<_> =
            entries.iter().filter(|entry| entry.conv == conv).map(|entry| entry.rev.0).collect();
        assert_eq!(revs, (1..=30).collect::<Vec<_>>(), "a conversation's changes are in their order");
    }
}

async fn positions_only_go_on(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let mut last = bed.store.position().await.unwrap();
    for seq in 1..=10 {
        let committed = bed.done(bed.sending(conv, b).await).await;
        assert!(committed.position > last);
        bed.read(a, conv, seq).await;
        let position = bed.store.position().await.unwrap();
        assert!(position >= committed.position);
        assert_eq!(bed.store.log(position, 10).await.unwrap().entries, [], "it is after everything");
        last = position;
    }
}
