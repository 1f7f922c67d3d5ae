//! Many at once, and callers that go away.

use super::bed::{Bed, done};
use crate::policy::Standing;
use crate::proto::{Rev, Seq};
use crate::seam::{Outcome, PageQuery};
use crate::testkit::Law;
use crate::testkit::runner::law;
use futures_util::FutureExt;
use futures_util::future::join_all;
use std::sync::Arc;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(reads_follow_writes, threads),
    law!(a_dropped_commit_is_whole_or_absent, threads),
    law!(nobody_sends_after_the_removal, threads),
    law!(of_decisions_on_one_state_one_wins, threads),
    law!(conversations_do_not_disturb_each_other, threads),
];

async fn reads_follow_writes(bed: Bed) {
    let bed = Arc::new(bed);
    let users = bed.users(8);
    let conv = bed.group(users[0], &users[1..]).await;
    let tasks = users.clone().into_iter().map(|user| {
        let bed = bed.clone();
        tokio::spawn(async move {
            for _ in 0..20 {
                let sent = bed.send(conv, user).await;
                // Another task reads what this one wrote.
                let reader = bed.clone();
                let read = tokio::spawn(async move {
                    let page = reader.page(user, conv, PageQuery::Newest, 1_000).await;
                    (page.rev, page.messages.into_iter().find(|message| message.seq == sent.seq))
                });
                let (rev, read) = read.await.unwrap();
                assert!(rev >= sent.rev);
                assert_eq!(read.as_ref().map(|message| message.id), Some(sent.id));
                let marked = bed.read(user, conv, sent.seq.0).await;
                assert!(bed.view(user, conv).await.me.read >= marked.read);
            }
        })
    });
    join_all(tasks).await.into_iter().for_each(Result::unwrap);
    assert_eq!(bed.view(users[0], conv).await.conv.rev, Rev(160));
}

/// Drops commits after so many polls, from none on.
async fn a_dropped_commit_is_whole_or_absent(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    for polls in 0..40 {
        let cid = format!("cid {polls}");
        let change = bed.sending_as(conv, a, &cid, 1).await;
        let mut commit = Box::pin(bed.store.commit(vec![change.clone()]));
        for _ in 0..polls {
            if commit.as_mut().now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(commit);
        let seq = match bed.commit(change).await {
            Outcome::Done(committed) => committed.message.unwrap().seq,
            Outcome::Replay(sent) => sent.seq,
            other => panic!("a dropped commit left something broken: {other:?}"),
        };
        assert_eq!(seq, Seq(polls + 1), "a dropped commit left a gap or a double");
        let message = bed.store.message(b, conv, seq).await.unwrap().expect("the message is there");
        assert_eq!(message.cid.as_deref(), Some(cid.as_str()));
    }
    assert_eq!(bed.view(b, conv).await.conv.rev, Rev(40));
}

async fn nobody_sends_after_the_removal(bed: Bed) {
    let bed = Arc::new(bed);
    for _ in 0..10 {
        let (a, b) = (bed.user(), bed.user());
        let conv = bed.group(a, &[b]).await;
        let mut decided = Vec::new();
        for _ in 0..10 {
            decided.push(bed.sending(conv, b).await);
        }
        let sends = decided.into_iter().map(|change| {
            let store = bed.store.clone();
            tokio::spawn(async move { store.commit(vec![change]).await.unwrap().remove(0) })
        });
        let sends = sends.collect::<Vec<_>>();
        let removed = bed.stand(conv, b, Standing::Kicked).await.rev;
        for outcome in join_all(sends).await {
            match outcome.unwrap() {
                Outcome::Done(committed) => assert!(committed.rev < removed, "a removed member sent"),
                Outcome::Stale { conv: Some(fresh), .. } => assert!(fresh.active(b).is_none()),
                other => panic!("neither done nor stale: {other:?}"),
            }
        }
    }
}

async fn of_decisions_on_one_state_one_wins(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    for round in 1..=10 {
        let mut decided = Vec::new();
        for ttl in 0..8 {
            decided.push(bed.setting_ttl(conv, a, round * 100 + ttl).await);
        }
        let amendments = decided.into_iter().map(|change| {
            let store = bed.store.clone();
            tokio::spawn(async move { store.commit(vec![change]).await.unwrap().remove(0) })
        });
        let outcomes: Vec<_> = join_all(amendments).await.into_iter().map(Result::unwrap).collect();
        let won: Vec<_> =
            outcomes.into_iter().filter(|outcome| matches!(outcome, Outcome::Done(_))).map(done).collect();
        assert_eq!(won.len(), 1, "of decisions on one epoch one is carried out");
        assert_eq!((won[0].rev, won[0].conv.as_ref()), (Rev(round.into()), Some(&bed.conv(conv).await)));
    }
}

async fn conversations_do_not_disturb_each_other(bed: Bed) {
    let bed = Arc::new(bed);
    let users = bed.users(16);
    let mut pairs = Vec::new();
    for user in &users {
        pairs.push((*user, bed.group(*user, &[]).await));
    }
    let tasks = pairs.clone().into_iter().map(|(user, conv)| {
        let bed = bed.clone();
        tokio::spawn(async move {
            for seq in 1..=25 {
                assert_eq!(bed.send(conv, user).await.seq, Seq(seq));
            }
        })
    });
    join_all(tasks).await.into_iter().for_each(Result::unwrap);
    for (user, conv) in pairs {
        let page = bed.page(user, conv, PageQuery::Newest, 100).await;
        assert_eq!((page.messages.len(), page.rev), (25, Rev(25)));
        assert!(page.messages.iter().all(|message| message.from == Some(user)));
    }
}
