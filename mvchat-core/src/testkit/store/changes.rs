//! What changed since.

use super::bed::Bed;
use crate::policy::Standing;
use crate::proto::{ConvId, Own, Rev, Role, Seq, UserId};
use crate::seam::{Amend, Append, Changed, Changes, ChangesQuery, LogEvent, Op};
use crate::testkit::Law;
use crate::testkit::runner::law;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(changes_hold_each_thing_once_in_its_latest_state),
    law!(changes_are_walked_in_pages_of_every_size),
    law!(a_rev_is_never_parted),
    law!(changes_leave_out_what_is_not_seen),
    law!(whoever_is_up_to_date_gets_nothing),
    law!(too_much_change_is_a_reset),
    law!(what_was_hidden_is_told_by_own),
    law!(changes_tell_who_came_and_went),
    law!(changes_bring_what_is_answered),
    law!(changes_come_with_the_view),
    law!(following_changes_under_writes_misses_nothing, threads),
];

/// Names the things of a page in short.
fn named(changes: &Changes) -> Vec<(u64, String)> {
    let name = |(rev, item): &(Rev, Changed)| {
        let name = match item {
            Changed::Message(message) => {
                assert_eq!(message.rev, *rev, "a message comes at its own rev");
                format!("m{}", message.seq)
            }
            Changed::Member(_, member) => {
                assert_eq!(member.rev, *rev, "a member comes at its own rev");
                "member".to_owned()
            }
            Changed::Conversation => "conv".to_owned(),
        };
        (rev.0, name)
    };
    changes.items.iter().map(name).collect()
}

fn owned(names: &[(u64, &str)]) -> Vec<(u64, String)> {
    names.iter().map(|(rev, name)| (*rev, (*name).to_owned())).collect()
}

/// Makes revs 1 to 9: three messages, settings, an edit of 1, a member goes, settings again, an unsend of 2, an
/// edit of 1 again.
async fn history(bed: &Bed) -> (UserId, UserId, ConvId) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let conv = bed.group(a, &[b, c]).await;
    bed.send_many(conv, a, 3).await;
    bed.done(bed.setting_ttl(conv, a, 5).await).await;
    bed.edit(conv, a, Seq(1), "one").await;
    bed.stand(conv, c, Standing::Left).await;
    bed.done(bed.setting_ttl(conv, a, 6).await).await;
    bed.unsend(conv, a, Seq(2)).await;
    bed.edit(conv, a, Seq(1), "two").await;
    (a, b, conv)
}

async fn changes_hold_each_thing_once_in_its_latest_state(bed: Bed) {
    let (_, b, conv) = history(&bed).await;
    let changes = bed.changes(b, conv, Rev(0), 100).await;
    let all = owned(&[(3, "m3"), (6, "member"), (7, "conv"), (8, "m2"), (9, "m1")]);
    assert_eq!(named(&changes), all);
    assert_eq!((changes.rev, changes.more, changes.reset), (Rev(9), false, false));
    for (_, item) in &changes.items {
        if let Changed::Message(message) = item {
            assert_eq!(bed.store.message(b, conv, message.seq).await.unwrap().as_ref(), Some(message));
        }
    }
    for since in 0..=9 {
        let changes = bed.changes(b, conv, Rev(since), 100).await;
        let expected: Vec<_> = all.iter().filter(|(rev, _)| *rev > since).cloned().collect();
        assert_eq!(named(&changes), expected, "since {since}");
        assert_eq!((changes.rev, changes.more), (Rev(9), false));
    }
}

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
    let amend = Amend { settings, owner: None, members, event: LogEvent::Joined(users[1]) };
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

async fn changes_leave_out_what_is_not_seen(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, a, 10).await;
    bed.clear(b, conv, 3).await;
    for seq in [5, 6, 7, 10] {
        bed.store.hide(b, conv, Seq(seq)).await.unwrap().unwrap();
    }
    bed.edit(conv, a, Seq(6), "hidden from b").await;
    let changes = bed.changes(b, conv, Rev(0), 100).await;
    assert_eq!(named(&changes), owned(&[(4, "m4"), (8, "m8"), (9, "m9")]));
    assert_eq!((changes.rev, changes.more), (Rev(11), false));
    let page = bed.changes(b, conv, Rev(0), 1).await;
    assert_eq!((named(&page), page.more), (owned(&[(4, "m4")]), true));
    let page = bed.changes(b, conv, Rev(8), 1).await;
    assert_eq!((named(&page), page.rev, page.more), (owned(&[(9, "m9")]), Rev(11), false));
    let page = bed.changes(b, conv, Rev(9), 1).await;
    assert_eq!((page.items.len(), page.rev, page.more), (0, Rev(11), false));
    assert_eq!(bed.changes(a, conv, Rev(0), 100).await.items.len(), 10);
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

async fn what_was_hidden_is_told_by_own(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, a, 5).await;
    for seq in [4, 2] {
        bed.store.hide(b, conv, Seq(seq)).await.unwrap().unwrap();
    }
    bed.read(b, conv, 5).await;
    bed.store.hide(b, conv, Seq(3)).await.unwrap().unwrap();
    for (own, expected) in [
        (Some(0), vec![2, 3, 4]),
        (Some(1), vec![2, 3]),
        (Some(2), vec![3]),
        (Some(3), vec![3]),
        (Some(4), vec![]),
        (None, vec![]),
    ] {
        let query = ChangesQuery { since: Rev(5), own: own.map(Own), limit: 1, max_span: 100 };
        let changes = bed.store.changes(b, conv, query).await.unwrap().unwrap();
        assert_eq!(changes.hidden, expected.into_iter().map(Seq).collect::<Vec<_>>(), "own {own:?}");
        assert_eq!((changes.own, changes.items.len()), (Own(4), 0));
    }
    let query = ChangesQuery { since: Rev(5), own: Some(Own(0)), limit: 1, max_span: 100 };
    assert_eq!(bed.store.changes(a, conv, query).await.unwrap().unwrap().hidden, []);
}

async fn changes_tell_who_came_and_went(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let conv = bed.group(a, &[b]).await;
    for (user, standing) in
        [(b, Standing::Left), (c, Standing::Active), (b, Standing::Active), (c, Standing::Kicked)]
    {
        bed.stand(conv, user, standing).await;
    }
    let changes = bed.changes(a, conv, Rev(0), 10).await;
    let told: Vec<_> = changes
        .items
        .iter()
        .map(|(rev, item)| match item {
            Changed::Member(user, member) => (rev.0, *user, member.standing),
            other => panic!("not a member: {other:?}"),
        })
        .collect();
    assert_eq!(told, [(3, b, Standing::Active), (4, c, Standing::Kicked)]);
    assert_eq!(changes.view.members, 2);
}

async fn changes_bring_what_is_answered(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, a, 3).await;
    for reply_to in [2, 1, 2, 3] {
        let append = Append { reply_to: Some(Seq(reply_to)), ..bed.text(a) };
        bed.done(bed.change(conv, a, Op::Append(append)).await).await;
    }
    bed.store.hide(b, conv, Seq(1)).await.unwrap().unwrap();
    let replied = async |since, limit| {
        let changes = bed.changes(b, conv, Rev(since), limit).await;
        changes.replied.iter().map(|message| message.seq.0).collect::<Vec<_>>()
    };
    assert_eq!(replied(3, 10).await, [2, 3]);
    assert_eq!(replied(3, 1).await, [2], "only of what is in the page");
    assert_eq!(replied(6, 10).await, [3]);
    assert_eq!(replied(7, 10).await, Vec::<u64>::new());
}

async fn changes_come_with_the_view(bed: Bed) {
    let (a, b, conv) = history(&bed).await;
    bed.read(b, conv, 2).await;
    for (viewer, since) in [(a, 0), (b, 0), (b, 9)] {
        let changes = bed.changes(viewer, conv, Rev(since), 2).await;
        assert_eq!(changes.view, bed.view(viewer, conv).await);
        assert_eq!(changes.own, changes.view.me.own);
    }
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
