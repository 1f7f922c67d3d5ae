//! What is there when a store is opened again.

use super::bed::{Bed, done, print};
use crate::policy::Standing;
use crate::proto::{Own, Position, Rev, Seq};
use crate::seam::{
    ChangesQuery, Durability, EndSessions, Marks, MemberPatch, NewUser, Outcome, PageQuery, ViewQuery,
};
use crate::testkit::Law;
use crate::testkit::runner::law;
use bytes::Bytes;
use futures_util::FutureExt;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(a_store_that_reopens_is_not_volatile, reopens),
    law!(what_was_acknowledged_survives_reopening, reopens),
    law!(an_interrupted_commit_is_whole_or_absent, reopens),
    law!(accounts_and_sessions_survive_reopening, reopens),
    law!(cids_survive_reopening, reopens),
    law!(counters_go_on_after_reopening, reopens),
    law!(cursors_survive_reopening, reopens),
    law!(pairs_and_group_cids_survive_reopening, reopens),
    law!(many_reopenings_lose_nothing, reopens),
];

async fn a_store_that_reopens_is_not_volatile(bed: Bed) {
    assert_ne!(bed.store.durability(), Durability::Volatile);
}

async fn what_was_acknowledged_survives_reopening(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let (conv, group) = (bed.dm(a, b).await, bed.group(a, &[b, c]).await);
    let large: Bytes = (0..64 * 1024).map(|i: u32| (i % 251) as u8).collect();
    let append = crate::seam::Append { content: large, ..bed.text(a) };
    bed.done(bed.change(conv, a, crate::seam::Op::Append(append)).await).await;
    bed.send_many(conv, a, 5).await;
    bed.edit(conv, a, Seq(2), "other").await;
    bed.unsend(conv, a, Seq(3)).await;
    bed.done(bed.setting_ttl(conv, b, 60).await).await;
    bed.mark(
        b,
        conv,
        Marks { read: Some(Seq(2)), recv: Some(Seq(4)), clear: Some(Seq(1)), ..Marks::default() },
    )
    .await;
    bed.store.hide(b, conv, Seq(5)).await.unwrap().unwrap();
    let patch = MemberPatch {
        blocked: Some(true),
        private: Some(Some(Bytes::from(vec![9; 16 * 1024]))),
        ..MemberPatch::default()
    };
    bed.store.configure(b, conv, patch).await.unwrap().unwrap();
    bed.stand(group, c, Standing::Kicked).await;

    let query = ChangesQuery { since: Rev(0), own: Some(Own(0)), limit: 100, max_span: 100 };
    let state = async |bed: &Bed| {
        let mut state = String::new();
        for viewer in [a, b, c] {
            let page = bed.store.page(viewer, conv, PageQuery::Newest, 100).await.unwrap();
            // The debug form of a message leaves most of it out.
            let messages = serde_json::to_string(&page.as_ref().map(|page| &page.messages)).unwrap();
            let changes = bed.store.changes(viewer, conv, query).await.unwrap();
            let newest = ViewQuery::Page { before: None, limit: 9 };
            let views = bed.store.views(viewer, newest).await.unwrap().rows;
            let touched = ViewQuery::Since { position: Position(0), limit: 9 };
            let since = bed.store.views(viewer, touched).await.unwrap().rows;
            let receipts = bed.store.receipts(viewer, conv, None, 9).await.unwrap();
            let near =
                (bed.store.peers(viewer, 9).await.unwrap(), bed.store.blocked_with(viewer).await.unwrap());
            state += &format!("{page:?} {messages} {changes:?} {views:?} {since:?} {receipts:?} {near:?}\n");
        }
        let convs = (bed.conv(conv).await, bed.conv(group).await);
        let log = bed.store.log(Position(0), 100).await.unwrap().entries;
        state + &format!("{convs:?} {log:?}")
    };
    let before = state(&bed).await;
    let bed = bed.reopen().await;
    assert!(state(&bed).await == before, "what was written is not what was found");
}

/// Drops commits after so many polls, and opens the store again after each.
async fn an_interrupted_commit_is_whole_or_absent(mut bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let mut written = 0;
    for polls in 0..8 {
        let first = bed.sending_as(conv, a, &format!("first {polls}"), 1).await;
        let second = bed.sending_as(conv, a, &format!("second {polls}"), 1).await;
        let mut commit = Box::pin(bed.store.commit(vec![first.clone(), second.clone()]));
        for _ in 0..polls {
            if commit.as_mut().now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(commit);
        bed = bed.reopen().await;
        let page = bed.page(b, conv, PageQuery::Newest, 100).await;
        let cids: Vec<_> = page.messages.iter().filter_map(|message| message.cid.as_deref()).collect();
        assert_eq!(page.messages.len() as u64, page.rev.0, "a message without its rev, or a rev without it");
        assert_eq!(bed.view(b, conv).await.conv.last_seq.0, page.rev.0);
        for change in [first, second] {
            let cid = match &change.op {
                crate::seam::Op::Append(append) => append.cid.clone().unwrap().0,
                _ => unreachable!("it is a send"),
            };
            let there = cids.contains(&cid.as_str());
            match bed.commit(change).await {
                Outcome::Done(_) => assert!(!there, "a message came twice"),
                Outcome::Replay(_) => assert!(there, "a cid without its message"),
                other => panic!("an interrupted commit left something broken: {other:?}"),
            }
            written += 1;
        }
        assert_eq!(bed.view(b, conv).await.conv.rev, Rev(written));
    }
}

async fn accounts_and_sessions_survive_reopening(bed: Bed) {
    let user = bed.row("Ana");
    let ana = user.id;
    let session = bed.session(ana);
    let new = NewUser {
        credential: Some(super::bed::credential(ana, "ana")),
        session: Some(session.clone()),
        user: user.clone(),
    };
    bed.store.create_user(new).await.unwrap();
    let ended = bed.log_in(ana).await;
    bed.store.end_sessions(ana, EndSessions::One(ended)).await.unwrap();
    let forgotten = bed.account("bert").await;
    assert_eq!(bed.store.forget_credentials(forgotten).await.unwrap(), 1);
    let bed = bed.reopen().await;
    assert_eq!(bed.store.credential("basic", "bert").await.unwrap(), None);
    assert_eq!(bed.store.users(&[ana]).await.unwrap(), [Some(user)]);
    assert_eq!(bed.store.sessions_of(ana).await.unwrap(), [session]);
    assert_eq!(bed.store.session(ended).await.unwrap(), None);
    assert!(!bed.store.touch_session(ended, bed.now(), bed.now()).await.unwrap());
    let expected = super::bed::credential(ana, "ana");
    assert_eq!(bed.store.credential_of(ana, "basic").await.unwrap().as_ref(), Some(&expected));
    assert_eq!(bed.store.credential("basic", "ana").await.unwrap(), Some(expected));
    assert_eq!(bed.store.search_users("an", &[], 5).await.unwrap().len(), 1);
    let again = NewUser {
        user: bed.row("Ana"),
        credential: Some(super::bed::credential(bed.user(), "ana")),
        session: None,
    };
    assert!(bed.store.create_user(again).await.is_err(), "the name is still taken");
}

async fn cids_survive_reopening(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    let (kept, gone) = (bed.sending_as(conv, a, "kept", 1).await, bed.sending_as(conv, a, "gone", 1).await);
    let first = bed.done(kept.clone()).await;
    bed.done(gone.clone()).await;
    bed.unsend(conv, a, Seq(2)).await;
    let bed = bed.reopen().await;
    let Outcome::Replay(sent) = bed.commit(kept).await else {
        panic!("a retry after reopening is written again")
    };
    assert_eq!((sent.seq, sent.rev, sent.at, sent.print), (Seq(1), first.rev, first.at, Some(print(1))));
    let other = bed.sending_as(conv, a, "kept", 2).await;
    assert!(matches!(bed.commit(other).await, Outcome::CidReused));
    let Outcome::Replay(sent) = bed.commit(gone).await else {
        panic!("a retry after unsend is written again")
    };
    assert_eq!((sent.seq, sent.print), (Seq(2), None));
    assert_eq!(bed.view(b, conv).await.conv.rev, Rev(3));
}

async fn counters_go_on_after_reopening(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    bed.send_many(conv, a, 2).await;
    bed.unsend(conv, a, Seq(2)).await;
    bed.read(b, conv, 1).await;
    let amended = bed.done(bed.setting_ttl(conv, a, 5).await).await;
    let (position, epoch) = (bed.store.position().await.unwrap(), bed.conv(conv).await.epoch);
    let bed = bed.reopen().await;
    assert!(bed.store.position().await.unwrap() >= position, "the position went back");
    let sent = bed.done(bed.sending(conv, a).await).await;
    assert_eq!((sent.message.unwrap().seq, sent.rev), (Seq(3), Rev(5)));
    assert!(sent.position > position && sent.position > amended.position);
    assert_eq!(bed.read(b, conv, 2).await.own, Own(2));
    let again = bed.done(bed.setting_ttl(conv, a, 6).await).await;
    assert_ne!(again.conv.unwrap().epoch, epoch);
}

async fn cursors_survive_reopening(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let (one, two) = (bed.dm(a, b).await, bed.group(a, &[b]).await);
    bed.send(one, b).await;
    let position = bed.store.position().await.unwrap();
    let bed = bed.reopen().await;
    let views = bed.store.views(a, ViewQuery::Since { position, limit: 9 }).await.unwrap();
    assert_eq!(views.rows, []);
    assert_eq!(bed.store.log(position, 9).await.unwrap().entries, []);
    bed.read(a, one, 1).await;
    bed.stand(two, b, Standing::Left).await;
    let bed = bed.reopen().await;
    let ids = async |user| {
        let views = bed.store.views(user, ViewQuery::Since { position, limit: 9 }).await.unwrap();
        views.rows.iter().map(|row| (row.conv.id, row.gone)).collect::<Vec<_>>()
    };
    assert_eq!(ids(a).await, [(one, false), (two, false)]);
    assert_eq!(ids(b).await, [(two, true)]);
    assert_eq!(bed.store.log(position, 9).await.unwrap().entries.len(), 1);
}

async fn pairs_and_group_cids_survive_reopening(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let dm = bed.dm(a, b).await;
    let me = bed.create(bed.new_conv(crate::policy::ConvKind::Me, &[(a, crate::proto::Role::Member)])).await;
    let mut group = bed.new_group(a, &[b]);
    group.cid = Some("cid".to_owned());
    let first = bed.create(group.clone()).await;
    let bed = bed.reopen().await;
    group.id = bed.conv_id();
    for (new, id) in [
        (bed.new_dm(b, a), dm),
        (bed.new_conv(crate::policy::ConvKind::Me, &[(a, crate::proto::Role::Member)]), me),
        (group, first),
    ] {
        let (conv, fresh) = bed.store.create_conversation(new).await.unwrap();
        assert_eq!((conv.id, fresh), (id, false));
    }
}

async fn many_reopenings_lose_nothing(mut bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let conv = bed.dm(a, b).await;
    for round in 1..=10 {
        let change = bed.sending(conv, a).await;
        assert_eq!(done(bed.commit(change).await).message.unwrap().seq, Seq(round));
        bed = bed.reopen().await;
        let page = bed.page(b, conv, PageQuery::Newest, 100).await;
        assert_eq!((page.messages.len() as u64, page.rev), (round, Rev(round)));
    }
}
