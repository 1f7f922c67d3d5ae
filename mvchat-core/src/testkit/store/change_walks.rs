//! Following what changed.

use super::bed::Bed;
use crate::policy::Standing;
use crate::proto::{Own, Rev, Role, Seq};
use crate::seam::{Amend, Changed, ChangesQuery, LogEvent, Op};
use crate::testkit::Law;
use crate::testkit::runner::law;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::changes::{history, named};

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(changes_are_walked_in_pages_of_every_size),
    law!(a_rev_is_never_parted),
    law!(whoever_is_up_to_date_gets_nothing),
    law!(too_much_change_is_a_reset),
    law!(following_changes_under_writes_misses_nothing, threads),
];

async fn changes_are_walked_in_pages_of_every_size(bed: Bed) {
    let (_, b, conv) = history(&bed).await;
    let all = named(&bed.changes(b, conv, Rev(0), 100).await);
    for limit in 1..=6 {
        let (mut walked, mut since) = (Vec::new(), Rev(0));
        loop {
            let changes = bed.changes(b, conv, since, limit).await;
            assert!(changes.items.len() <= limit);
            assert!(changes.items.iter().all(|(rev, _)| *rev > since && *rev <= changes.rev));
            walked.extend(named(&changes));
            if !changes.more {
                assert_eq!(changes.rev, Rev(9));
                break;
            }
            assert!(changes.rev > since, "a walk stands still");
            since = changes.rev;
        }
        assert_eq!(walked, all, "limit {limit}");
    }
    // Revs whose things changed again later are delivered with the page before them.
    assert_eq!(bed.changes(b, conv, Rev(0), 1).await.rev, Rev(5));
}

async fn a_rev_is_never_parted(bed: Bed) {
    let users = bed.users(10);
    let conv = bed.group(users[0], &[]).await;
    let members = users[1..].iter().map(|user| (*user, Role::Member, Standing::Active)).collect();
    let settings = Some(bed.conv(conv).await.settings.clone());
    let amend = Amend { settings, members, ..Amend::new(LogEvent::Joined(users[1])) };
    bed.send(conv, users[0]).await;
    bed.done(bed.change(conv, users[0], Op::Amend(amend)).await).await;
    bed.send(conv, users[0]).await;
    let (mut pages, mut since) = (Vec::new(), Rev(0));
    loop {
        let changes = bed.changes(users[0], conv, since, 2).await;
        pages.push((changes.items.len(), changes.rev.0, changes.more));
        since = changes.rev;
        if !changes.more {
            break;
        }
    }
    assert_eq!(pages, [(1, 1, true), (10, 2, true), (1, 3, false)]);
}

async fn whoever_is_up_to_date_gets_nothing(bed: Bed) {
    let (a, b, conv) = history(&bed).await;
    for viewer in [a, b] {
        let changes = bed.changes(viewer, conv, Rev(9), 5).await;
        assert_eq!((changes.items.len(), changes.replied.len(), changes.hidden.len()), (0, 0, 0));
        assert_eq!((changes.rev, changes.more, changes.reset), (Rev(9), false, false));
    }
}

async fn too_much_change_is_a_reset(bed: Bed) {
    let (a, b, conv) = history(&bed).await;
    let ask = async |since, max_span| {
        let query = ChangesQuery { since: Rev(since), own: Some(Own(0)), limit: 3, max_span };
        bed.store.changes(b, conv, query).await.unwrap().unwrap()
    };
    assert!(!ask(0, 9).await.reset);
    assert!(!ask(1, 8).await.reset);
    bed.send(conv, a).await;
    let changes = ask(0, 9).await;
    assert!(changes.reset);
    assert_eq!((changes.items.len(), changes.more, changes.rev), (0, false, Rev(10)));
    assert_eq!(changes.view, bed.view(b, conv).await);
    assert!(!ask(1, 9).await.reset);
    assert!(!ask(10, 0).await.reset);
}

async fn following_changes_under_writes_misses_nothing(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let bed = Arc::new(bed);
    let writer = tokio::spawn({
        let bed = bed.clone();
        async move {
            for i in 1..=60_u64 {
                bed.send(conv, a).await;
                bed.edit(conv, a, Seq(i.div_ceil(2)), &format!("edit {i}")).await;
            }
        }
    });
    let (mut known, mut since) = (BTreeMap::new(), Rev(0));
    loop {
        let last = writer.is_finished();
        let changes = bed.changes(b, conv, since, 3).await;
        assert!(changes.rev >= since);
        since = changes.rev;
        for (_, item) in changes.items {
            if let Changed::Message(message) = item {
                known.insert(message.seq, message);
            }
        }
        if last && !changes.more {
            break;
        }
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
    assert_eq!((known.len(), since), (60, Rev(120)));
    for (seq, message) in known {
        assert_eq!(bed.store.message(b, conv, seq).await.unwrap(), Some(message));
    }
}
