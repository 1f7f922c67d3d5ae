//! Making conversations, and who may read them.

use super::bed::Bed;
use crate::policy::{ConvKind, ConvSettings, Standing};
use crate::proto::{ConvId, Rev, Role, Seq, UserId};
use crate::seam::{
    Amend, ChangesQuery, LogEvent, Marks, MemberPatch, NewConversation, Op, Outcome, PageQuery,
    StoreErrorKind, ViewQuery,
};
use crate::testkit::Law;
use crate::testkit::runner::law;
use futures_util::future::join_all;
use std::collections::BTreeSet;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(nobody_has_more_conversations_than_they_may),
    law!(a_pair_has_one_dm, threads),
    law!(a_user_has_one_notebook, threads),
    law!(group_creation_is_idempotent, threads),
    law!(groups_without_cid_are_all_new),
    law!(a_found_conversation_stays_as_it_is),
    law!(an_id_names_one_conversation),
    law!(a_conversation_starts_at_rev_zero),
    law!(what_does_not_exist_is_none),
    law!(outsiders_read_nothing),
    law!(fifteen_hundred_members_fit),
];

/// Makes the same conversation many times at once; returns the ids of what came back.
async fn race(bed: &Bed, tries: Vec<NewConversation>) -> BTreeSet<ConvId> {
    let tries = tries.into_iter().map(|new| {
        let store = bed.store.clone();
        tokio::spawn(async move { store.create_conversation(new).await.unwrap() })
    });
    let made: Vec<_> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(made.iter().filter(|(_, fresh)| *fresh).count(), 1, "one of them is new");
    made.into_iter().map(|(conv, _)| conv.id).collect()
}

async fn a_pair_has_one_dm(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let tries = (0..32).map(|i| if i % 2 == 0 { bed.new_dm(a, b) } else { bed.new_dm(b, a) }).collect();
    let ids = race(&bed, tries).await;
    assert_eq!(ids.len(), 1, "two users have one direct conversation");
    let again = bed.store.create_conversation(bed.new_dm(b, a)).await.unwrap();
    assert_eq!((ids.contains(&again.0.id), again.1), (true, false));
    assert!(!ids.contains(&bed.dm(a, c).await));
    assert_eq!(bed.store.views(a, ViewQuery::Page { before: None, limit: 10 }).await.unwrap().rows.len(), 2);
}

async fn a_user_has_one_notebook(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let new = |user| bed.new_conv(ConvKind::Me, &[(user, Role::Member)]);
    let ids = race(&bed, (0..32).map(|_| new(a)).collect()).await;
    assert_eq!(ids.len(), 1, "a user has one note-to-self");
    assert!(!ids.contains(&bed.create(new(b)).await));
    // A group of one is something else.
    assert!(!ids.contains(&bed.group(a, &[]).await));
}

async fn group_creation_is_idempotent(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let new = |owner, cid: &str| NewConversation { cid: Some(cid.to_owned()), ..bed.new_group(owner, &[]) };
    let ids = race(&bed, (0..32).map(|_| new(a, "one")).collect()).await;
    assert_eq!(ids.len(), 1, "an owner has one group for a cid");
    for other in [new(a, "two"), new(a, "One"), new(a, ""), new(b, "one")] {
        assert!(!ids.contains(&bed.create(other).await));
    }
    let again = bed.store.create_conversation(new(a, "one")).await.unwrap();
    assert_eq!((ids.contains(&again.0.id), again.1), (true, false));
}

async fn groups_without_cid_are_all_new(bed: Bed) {
    let owner = bed.user();
    assert_ne!(bed.group(owner, &[]).await, bed.group(owner, &[]).await);
}

async fn a_found_conversation_stays_as_it_is(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send(conv, a).await;
    let (before, position) = (bed.conv(conv).await, bed.store.position().await.unwrap());
    let mut new = bed.new_dm(a, b);
    new.settings.ttl = Some(5);
    let (found, fresh) = bed.store.create_conversation(new).await.unwrap();
    assert!(!fresh);
    assert_eq!(found, before);
    assert_eq!(bed.conv(conv).await, before);
    assert_eq!(bed.store.log(position, 10).await.unwrap().entries, []);
}

async fn an_id_names_one_conversation(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let error = bed.store.create_conversation(NewConversation { id: conv, ..bed.new_dm(a, c) }).await;
    assert_eq!(error.unwrap_err().kind(), StoreErrorKind::AlreadyExists);
    assert!(bed.conv(conv).await.members.contains_key(&b));
    assert_eq!(bed.store.peers(c, 100).await.unwrap(), []);
}

async fn a_conversation_starts_at_rev_zero(bed: Bed) {
    let (owner, admin, member) = (bed.user(), bed.user(), bed.user());
    let roles = [(owner, Role::Owner), (admin, Role::Admin), (member, Role::Member)];
    let settings = ConvSettings { ttl: Some(60), no_screenshots: true, ..ConvSettings::default() };
    let new = NewConversation { settings: settings.clone(), ..bed.new_conv(ConvKind::Group, &roles) };
    let at = new.at;
    let id = bed.create(new).await;
    let conv = bed.conv(id).await;
    assert_eq!((conv.id, conv.kind, conv.owner), (id, ConvKind::Group, Some(owner)));
    assert_eq!((conv.created_at, &conv.settings), (at, &settings));
    assert_eq!(conv.members.len(), 3);
    for (user, role) in roles {
        let member = conv.active(user).unwrap();
        assert_eq!((member.role, member.joined_at, member.rev, member.blocks), (role, at, Rev(0), false));
    }
    let view = bed.view(member, id).await;
    assert_eq!((view.conv.rev, view.conv.last_seq, view.conv.last_at), (Rev(0), Seq(0), None));
    assert_eq!((view.conv.created_at, view.conv.settings, view.members), (at, settings, 3));
    assert_eq!((view.unread, view.peer, view.me.role), (0, None, Role::Member));
    let log = bed.store.log(Default::default(), 10).await.unwrap().entries;
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].conv, log[0].rev, log[0].actor, log[0].at), (id, Rev(0), owner, at));
    assert_eq!((log[0].seq, &log[0].event), (None, &LogEvent::Created));
    let changes = bed.changes(member, id, Rev(0), 10).await;
    assert_eq!((changes.items.len(), changes.rev, changes.more), (0, Rev(0), false));
}

async fn what_does_not_exist_is_none(bed: Bed) {
    let conv = bed.conv_id();
    assert!(bed.store.conversation(conv).await.unwrap().is_none());
    assert!(bed.store.sent(conv, bed.user(), "cid").await.unwrap().is_none());
    reads_nothing(&bed, bed.user(), conv).await;
}

async fn outsiders_read_nothing(bed: Bed) {
    let (owner, left, kicked) = (bed.user(), bed.user(), bed.user());
    let conv = bed.group(owner, &[left, kicked]).await;
    bed.send(conv, owner).await;
    for user in [left, kicked] {
        assert!(bed.store.message(user, conv, Seq(1)).await.unwrap().is_some());
    }
    bed.stand(conv, left, Standing::Left).await;
    bed.stand(conv, kicked, Standing::Kicked).await;
    let position = bed.store.position().await.unwrap();
    for user in [bed.user(), left, kicked] {
        reads_nothing(&bed, user, conv).await;
        let rows = bed.store.views(user, ViewQuery::Page { before: None, limit: 10 }).await.unwrap().rows;
        assert_eq!(rows, []);
        assert_eq!(bed.store.peers(user, 100).await.unwrap(), []);
    }
    assert_eq!(bed.store.position().await.unwrap(), position, "an outsider changed something");
}

async fn reads_nothing(bed: &Bed, viewer: UserId, conv: ConvId) {
    let store = &bed.store;
    assert_eq!(store.views(viewer, ViewQuery::One(conv)).await.unwrap().rows, []);
    let marks = Marks { read: Some(Seq(1)), recv: Some(Seq(1)), clear: Some(Seq(1)), ..Marks::default() };
    assert!(store.mark(viewer, conv, marks).await.unwrap().is_none());
    let patch = MemberPatch { muted: Some(true), ..MemberPatch::default() };
    assert!(store.configure(viewer, conv, patch).await.unwrap().is_none());
    assert!(store.hide(viewer, conv, Seq(1)).await.unwrap().is_none());
    assert!(store.receipts(viewer, conv, None, 10).await.unwrap().is_none());
    assert!(store.message(viewer, conv, Seq(1)).await.unwrap().is_none());
    for query in
        [PageQuery::Newest, PageQuery::Before(Seq(9)), PageQuery::After(Seq(0)), PageQuery::Around(Seq(1))]
    {
        assert!(store.page(viewer, conv, query, 10).await.unwrap().is_none());
    }
    let query = ChangesQuery { since: Rev(0), own: None, limit: 10, max_span: 100 };
    assert!(store.changes(viewer, conv, query).await.unwrap().is_none());
}

async fn fifteen_hundred_members_fit(bed: Bed) {
    let members = bed.users(1_500);
    let conv = bed.group(members[0], &members[1..]).await;
    bed.send(conv, members[7]).await;
    let stored = bed.conv(conv).await;
    assert_eq!(stored.active_members().count(), 1_500);
    assert_eq!(stored.members.keys().copied().collect::<BTreeSet<_>>(), members.iter().copied().collect());
    bed.stand(conv, members[9], Standing::Left).await;
    let view = bed.view(members[1_499], conv).await;
    assert_eq!((view.members, view.unread), (1_499, 1));
    let mut walked = Vec::new();
    while let Some(page) = bed
        .store
        .receipts(members[0], conv, walked.last().copied(), 400)
        .await
        .unwrap()
        .filter(|page| !page.is_empty())
    {
        walked.extend(page.iter().map(|row| row.user));
    }
    let mut expected = members;
    expected.remove(9);
    expected.sort();
    assert_eq!(walked, expected);
}

async fn nobody_has_more_conversations_than_they_may(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let capped = |new| NewConversation { max_per_user: Some(2), ..new };
    let dm = capped(bed.new_dm(a, b));
    bed.create(dm.clone()).await;
    let group = bed.create(capped(bed.new_group(a, &[]))).await;
    for new in [bed.new_dm(c, a), bed.new_group(a, &[]), bed.new_group(b, &[a])] {
        let full = bed.store.create_conversation(capped(new)).await.unwrap_err();
        assert_eq!(full.kind(), StoreErrorKind::Full);
    }
    let found = bed.store.create_conversation(NewConversation { id: bed.conv_id(), ..dm }).await.unwrap();
    assert!(!found.1, "what is there already is found");
    bed.create(capped(bed.new_dm(b, c))).await;
    let join = async |user| {
        let members = vec![(user, Role::Member, Standing::Active)];
        let amend = Amend { members, max_conversations: Some(2), ..Amend::new(LogEvent::Joined(user)) };
        bed.commit(bed.change(group, a, Op::Amend(amend)).await).await
    };
    assert!(matches!(join(b).await, Outcome::Rejected(error) if error.kind() == StoreErrorKind::Full));
    assert!(matches!(join(a).await, Outcome::Done(_)), "who is a member stays one");
    assert!(matches!(join(c).await, Outcome::Done(_)));
    bed.stand(group, c, Standing::Left).await;
    bed.stand(group, a, Standing::Left).await;
    bed.create(capped(bed.new_dm(a, c))).await;
    assert!(matches!(join(a).await, Outcome::Rejected(_)), "who left and came back in between counts once");
}
