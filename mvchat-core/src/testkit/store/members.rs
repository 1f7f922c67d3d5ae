//! What members keep for themselves, who is near whom, and coming and going.

use super::bed::Bed;
use super::blocks::blocked;
use crate::policy::Standing;
use crate::proto::{Own, Rev, Role, Seq};
use crate::seam::{Amend, Counted, LogEvent, Marks, MemberPatch, Op, ViewQuery};
use crate::testkit::Law;
use crate::testkit::runner::law;
use bytes::Bytes;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(own_counts_private_changes),
    law!(settings_are_each_members_own),
    law!(private_data_is_returned_byte_for_byte),
    law!(hiding_is_for_one_viewer_and_once),
    law!(only_what_is_seen_can_be_hidden),
    law!(who_comes_back_finds_marks_and_settings),
    law!(joined_at_is_the_last_coming),
    law!(roles_and_owners_change_together),
];

fn muted(muted: bool) -> MemberPatch {
    MemberPatch { muted: Some(muted), ..MemberPatch::default() }
}

async fn own_counts_private_changes(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, b, 3).await;
    assert_eq!(bed.view(a, conv).await.me.own, Own(0));
    assert_eq!(bed.read(a, conv, 1).await.own, Own(1));
    let all = MemberPatch {
        favorite: Some(true),
        muted: Some(true),
        archived: Some(true),
        blocked: Some(true),
        private: Some(Some(Bytes::from_static(b"x"))),
    };
    let counted = |own, moved| Counted { own: Own(own), moved };
    let (own, changed) = bed.store.configure(a, conv, all.clone()).await.unwrap().unwrap();
    assert_eq!((own, changed.is_some()), (counted(2, true), true), "one call is one change");
    let (own, changed) = bed.store.configure(a, conv, all).await.unwrap().unwrap();
    assert_eq!((own, changed.is_some()), (counted(2, false), false), "what changes nothing does not count");
    let nothing = bed.store.configure(a, conv, MemberPatch::default()).await.unwrap().unwrap();
    assert_eq!(nothing.0, counted(2, false));
    assert_eq!(bed.store.hide(a, conv, Seq(2)).await.unwrap(), Some(counted(3, true)));
    let marks = Marks { read: Some(Seq(2)), recv: Some(Seq(3)), clear: Some(Seq(1)), ..Marks::default() };
    assert_eq!(bed.mark(a, conv, marks).await.own, Own(4), "one call is one change");
    let (own, _) = bed.store.configure(a, conv, blocked(false)).await.unwrap().unwrap();
    assert_eq!(own, counted(5, true));
    assert_eq!(bed.view(a, conv).await.me.own, Own(5));
    assert_eq!(bed.view(b, conv).await.me.own, Own(0), "others' changes don't count");
}

async fn settings_are_each_members_own(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.group(a, &[b]).await;
    let other = bed.group(a, &[b]).await;
    let before = bed.view(b, conv).await;
    let elsewhere = bed.view(a, other).await;
    let patch = MemberPatch {
        favorite: Some(true),
        archived: Some(true),
        private: Some(Some(Bytes::from_static(b"mine"))),
        ..muted(true)
    };
    bed.store.configure(a, conv, patch).await.unwrap().unwrap();
    let me = bed.view(a, conv).await.me;
    assert!(me.favorite && me.archived && me.muted && !me.blocked);
    assert_eq!(me.private, Some(Bytes::from_static(b"mine")));
    assert_eq!(bed.view(b, conv).await, before);
    assert_eq!(bed.view(a, other).await, elsewhere);
    let clearing = MemberPatch { favorite: Some(false), private: Some(None), ..MemberPatch::default() };
    bed.store.configure(a, conv, clearing).await.unwrap().unwrap();
    let me = bed.view(a, conv).await.me;
    assert!(!me.favorite && me.archived && me.muted, "what is absent stays");
    assert_eq!(me.private, None);
}

async fn private_data_is_returned_byte_for_byte(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let large: Bytes = (0..16 * 1024).map(|i: u32| (i * 7 % 256) as u8).collect();
    for private in [large, Bytes::new(), Bytes::from_static(&[0, 255, 0])] {
        let patch = MemberPatch { private: Some(Some(private.clone())), ..MemberPatch::default() };
        bed.store.configure(a, conv, patch).await.unwrap().unwrap();
        assert_eq!(bed.view(a, conv).await.me.private, Some(private));
        assert_eq!(bed.view(b, conv).await.me.private, None);
    }
}

async fn hiding_is_for_one_viewer_and_once(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, a, 2).await;
    let rev = bed.view(a, conv).await.conv.rev;
    let own = bed.store.hide(a, conv, Seq(1)).await.unwrap();
    assert_eq!(own, Some(Counted { own: Own(1), moved: true }));
    let again = Some(Counted { own: Own(1), moved: false });
    assert_eq!(bed.store.hide(a, conv, Seq(1)).await.unwrap(), again, "hiding twice is hiding once");
    assert_eq!(bed.store.message(a, conv, Seq(1)).await.unwrap(), None);
    assert!(bed.store.message(b, conv, Seq(1)).await.unwrap().is_some());
    assert_eq!(bed.view(b, conv).await.conv.rev, rev, "hiding is no shared change");
}

async fn only_what_is_seen_can_be_hidden(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, a, 3).await;
    bed.unsend(conv, a, Seq(3)).await;
    bed.clear(a, conv, 1).await;
    for seq in [Seq(0), Seq(1), Seq(4)] {
        assert_eq!(bed.store.hide(a, conv, seq).await.unwrap(), None, "seq {seq}");
    }
    assert_eq!(
        bed.store.hide(a, conv, Seq(3)).await.unwrap(),
        Some(Counted { own: Own(2), moved: true }),
        "a tombstone is seen"
    );
}

async fn who_comes_back_finds_marks_and_settings(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.group(a, &[b]).await;
    bed.send_many(conv, a, 4).await;
    let marks = Marks { read: Some(Seq(2)), recv: Some(Seq(3)), clear: Some(Seq(1)), ..Marks::default() };
    bed.mark(b, conv, marks).await;
    let patch = MemberPatch { private: Some(Some(Bytes::from_static(b"x"))), ..muted(true) };
    bed.store.configure(b, conv, patch).await.unwrap().unwrap();
    bed.store.hide(b, conv, Seq(4)).await.unwrap().unwrap();
    let before = bed.view(b, conv).await.me;
    for standing in [Standing::Left, Standing::Kicked] {
        bed.stand(conv, b, standing).await;
        bed.send(conv, a).await;
        bed.stand(conv, b, Standing::Active).await;
        assert_eq!(bed.view(b, conv).await.me, before);
        assert_eq!(bed.store.message(b, conv, Seq(4)).await.unwrap(), None, "what was hidden stays hidden");
    }
}

async fn joined_at_is_the_last_coming(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let conv = bed.group(a, &[b]).await;
    let created = bed.conv(conv).await.created_at;
    let left = bed.stand(conv, b, Standing::Left).await;
    let member = bed.conv(conv).await.members[&b];
    assert_eq!((member.standing, member.rev), (Standing::Left, left.rev));
    let back = bed.stand(conv, b, Standing::Active).await;
    let member = bed.conv(conv).await.members[&b];
    assert_eq!((member.joined_at, member.rev), (back.at, back.rev));
    assert!(back.at > created);
    let new = bed.stand(conv, c, Standing::Active).await;
    let member = bed.conv(conv).await.members[&c];
    assert_eq!((member.joined_at, member.rev, member.blocks), (new.at, new.rev, false));
    assert_eq!(bed.conv(conv).await.members[&a].joined_at, created);
    let views = bed.store.views(c, ViewQuery::Page { before: None, limit: 5 }).await.unwrap().rows;
    assert_eq!((views.len(), views[0].me.own), (1, Own(0)));
}

async fn roles_and_owners_change_together(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let conv = bed.group(a, &[b, c]).await;
    let before = bed.conv(conv).await;
    let amend = Amend {
        owner: Some(b),
        members: vec![(a, Role::Admin, Standing::Active), (b, Role::Owner, Standing::Active)],
        ..Amend::new(LogEvent::OwnerSet(b))
    };
    let done = bed.done(bed.change(conv, a, Op::Amend(amend)).await).await;
    let after = done.conv.expect("an amendment answers with the conversation");
    assert_eq!(after, bed.conv(conv).await);
    assert_ne!(after.epoch, before.epoch);
    assert_eq!(after.owner, Some(b));
    let of = |user| (after.members[&user].role, after.members[&user].rev, after.members[&user].joined_at);
    assert_eq!(of(a), (Role::Admin, done.rev, before.created_at));
    assert_eq!(of(b), (Role::Owner, done.rev, before.created_at));
    assert_eq!(of(c), (Role::Member, Rev(0), before.created_at));
    assert_eq!(bed.view(b, conv).await.me.role, Role::Owner);
}
