//! What changed since.

use super::bed::Bed;
use crate::policy::Standing;
use crate::proto::{ConvId, Own, Rev, Seq, UserId};
use crate::seam::{Append, Changed, Changes, ChangesQuery, Op};
use crate::testkit::Law;
use crate::testkit::runner::law;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(changes_hold_each_thing_once_in_its_latest_state),
    law!(changes_leave_out_what_is_not_seen),
    law!(what_was_hidden_is_told_by_own),
    law!(changes_tell_who_came_and_went),
    law!(changes_bring_what_is_answered),
    law!(changes_come_with_the_view),
];

/// Names the things of a page in short.
pub(super) fn named(changes: &Changes) -> Vec<(u64, String)> {
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
pub(super) async fn history(bed: &Bed) -> (UserId, UserId, ConvId) {
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
