//! Sessions.

use super::bed::Bed;
use crate::policy::Refresh;
use crate::seam::{EndSessions, RefreshChange, SessionRow, StoreErrorKind};
use crate::testkit::Law;
use crate::testkit::runner::law;
use futures_util::future::join_all;
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(a_session_is_returned_as_it_was_opened),
    law!(a_session_needs_a_user),
    law!(an_ended_session_stays_ended, threads),
    law!(one_session_too_many_ends_the_oldest),
    law!(concurrent_logins_keep_the_limit, threads),
    law!(using_a_session_saves_it_from_the_limit),
    law!(sessions_come_the_last_used_first),
    law!(sessions_of_others_are_left_alone),
    law!(refresh_tokens_are_swapped_once, threads),
    law!(a_session_without_refresh_tokens_gets_some),
    law!(many_sessions_are_read_like_one),
];

async fn a_session_is_returned_as_it_was_opened(bed: Bed) {
    let ana = bed.account("ana").await;
    let row = SessionRow { device: None, user_agent: Some("web 1.0 ü".to_owned()), ..bed.session(ana) };
    assert_eq!(bed.store.open_session(row.clone(), 5).await.unwrap(), []);
    assert_eq!(bed.store.session(row.id).await.unwrap(), Some(row.clone()));
    let error = bed.store.open_session(row.clone(), 5).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::AlreadyExists);
    assert_eq!(bed.store.sessions_of(ana).await.unwrap(), [row]);
    assert_eq!(bed.store.session(bed.session_id()).await.unwrap(), None);
}

async fn many_sessions_are_read_like_one(bed: Bed) {
    let (ana, bert) = (bed.account("ana").await, bed.account("bert").await);
    let (one, two, three) = (bed.log_in(ana).await, bed.log_in(bert).await, bed.log_in(ana).await);
    assert_eq!(bed.store.end_sessions(ana, EndSessions::One(three)).await.unwrap(), [three]);
    // Also in no order, twice, and with some that never were.
    let ids = [two, bed.session_id(), one, three, two];
    let mut expected = Vec::new();
    for id in ids {
        expected.push(bed.store.session(id).await.unwrap());
    }
    assert_eq!(expected.iter().flatten().count(), 3);
    assert_eq!(bed.store.sessions(&ids).await.unwrap(), expected);
    assert_eq!(bed.store.sessions(&[]).await.unwrap(), []);
}

async fn a_session_needs_a_user(bed: Bed) {
    let row = bed.session(bed.user());
    let error = bed.store.open_session(row.clone(), 5).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NotFound);
    assert_eq!(bed.store.session(row.id).await.unwrap(), None);
    assert_eq!(bed.store.sessions_of(row.user).await.unwrap(), []);
}

async fn an_ended_session_stays_ended(bed: Bed) {
    let ana = bed.account("ana").await;
    for _ in 0..20 {
        let id = bed.log_in(ana).await;
        let (store, now) = (bed.store.clone(), bed.now());
        let touching = tokio::spawn(async move {
            for _ in 0..20 {
                store.touch_session(id, now, now).await.unwrap();
            }
        });
        let ended = bed.store.end_sessions(ana, EndSessions::One(id)).await.unwrap();
        assert_eq!(ended, [id]);
        assert_eq!(bed.store.session(id).await.unwrap(), None);
        touching.await.unwrap();
        assert_eq!(bed.store.session(id).await.unwrap(), None, "a use brought an ended session back");
        assert!(!bed.store.touch_session(id, now, now).await.unwrap());
        assert_eq!(bed.store.end_sessions(ana, EndSessions::One(id)).await.unwrap(), []);
        assert_eq!(bed.store.sessions_of(ana).await.unwrap(), []);
    }
}

async fn one_session_too_many_ends_the_oldest(bed: Bed) {
    let (ana, bert) = (bed.account("ana").await, bed.account("bert").await);
    let berts = bed.log_in(bert).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let row = bed.session(ana);
        assert_eq!(bed.store.open_session(row.clone(), 3).await.unwrap(), []);
        open.push(row.id);
    }
    let fourth = bed.session(ana);
    assert_eq!(bed.store.open_session(fourth.clone(), 3).await.unwrap(), [open[0]]);
    assert_eq!(bed.store.session(open[0]).await.unwrap(), None);
    // A lower limit ends as many as it takes, but never the new one.
    let only = bed.session(ana);
    let ended = bed.store.open_session(only.clone(), 1).await.unwrap();
    assert_eq!(BTreeSet::from_iter(ended), BTreeSet::from([open[1], open[2], fourth.id]));
    assert_eq!(bed.store.sessions_of(ana).await.unwrap(), [only]);
    assert!(bed.store.session(berts).await.unwrap().is_some());
}

async fn concurrent_logins_keep_the_limit(bed: Bed) {
    let ana = bed.account("ana").await;
    let bed = Arc::new(bed);
    let logins = (0..30).map(|_| {
        let bed = bed.clone();
        tokio::spawn(async move {
            let row = bed.session(ana);
            (row.id, bed.store.open_session(row, 5).await.unwrap())
        })
    });
    let logins: Vec<_> = join_all(logins).await.into_iter().map(Result::unwrap).collect();
    let open: BTreeSet<_> = bed.store.sessions_of(ana).await.unwrap().iter().map(|row| row.id).collect();
    assert_eq!(open.len(), 5);
    let ended: Vec<_> = logins.iter().flat_map(|(_, ended)| ended.clone()).collect();
    assert_eq!(ended.len(), 25, "each session that ended was told once");
    let all: BTreeSet<_> = ended.into_iter().chain(open).collect();
    assert_eq!(all, logins.iter().map(|(id, _)| *id).collect());
}

async fn using_a_session_saves_it_from_the_limit(bed: Bed) {
    let ana = bed.account("ana").await;
    let (one, two) = (bed.log_in(ana).await, bed.log_in(ana).await);
    let (used_at, expires_at) = (bed.now(), bed.now());
    assert!(bed.store.touch_session(one, used_at, expires_at).await.unwrap());
    let row = bed.store.session(one).await.unwrap().unwrap();
    assert_eq!((row.used_at, row.expires_at), (used_at, expires_at));
    assert_eq!(bed.store.open_session(bed.session(ana), 2).await.unwrap(), [two]);
}

async fn sessions_come_the_last_used_first(bed: Bed) {
    let ana = bed.account("ana").await;
    let (one, two, three) = (bed.log_in(ana).await, bed.log_in(ana).await, bed.log_in(ana).await);
    bed.store.touch_session(two, bed.now(), bed.now()).await.unwrap();
    let order: Vec<_> = bed.store.sessions_of(ana).await.unwrap().iter().map(|row| row.id).collect();
    assert_eq!(order, [two, three, one]);
    let now = bed.now();
    for id in [one, two, three] {
        bed.store.touch_session(id, now, now).await.unwrap();
    }
    let order: Vec<_> = bed.store.sessions_of(ana).await.unwrap().iter().map(|row| row.id).collect();
    let mut by_id = vec![one, two, three];
    by_id.sort();
    by_id.reverse();
    assert_eq!(order, by_id, "those used at the same time come by id");
}

async fn sessions_of_others_are_left_alone(bed: Bed) {
    let (ana, bert) = (bed.account("ana").await, bed.account("bert").await);
    let (a1, a2, a3) = (bed.log_in(ana).await, bed.log_in(ana).await, bed.log_in(ana).await);
    let b1 = bed.log_in(bert).await;
    assert_eq!(bed.store.end_sessions(ana, EndSessions::One(b1)).await.unwrap(), []);
    assert!(bed.store.session(b1).await.unwrap().is_some());
    let mut ended = bed.store.end_sessions(ana, EndSessions::AllBut(a2)).await.unwrap();
    ended.sort();
    assert_eq!(ended, [a1.min(a3), a1.max(a3)]);
    assert_eq!(bed.store.end_sessions(ana, EndSessions::AllBut(b1)).await.unwrap(), [a2]);
    assert_eq!(bed.store.end_sessions(ana, EndSessions::All).await.unwrap(), []);
    assert_eq!(bed.store.end_sessions(bert, EndSessions::All).await.unwrap(), [b1]);
}

async fn refresh_tokens_are_swapped_once(bed: Bed) {
    let ana = bed.account("ana").await;
    let row = bed.session(ana);
    bed.store.open_session(row.clone(), 5).await.unwrap();
    let mut known = row.refresh.clone();
    for round in 0..5_u8 {
        let (used_at, expires_at) = (bed.now(), bed.now());
        let tries = (0..6_u8).map(|number| {
            let refresh = Refresh { used: Some([round; 32]), live: vec![[number; 32]] };
            let expect = known.clone();
            let change = RefreshChange { session: row.id, expect, refresh, used_at, expires_at };
            let store = bed.store.clone();
            tokio::spawn(async move { store.refresh_session(change.clone()).await.map(|()| change.refresh) })
        });
        let tries: Vec<_> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
        let kinds = tries.iter().filter_map(|tried| tried.as_ref().err()).map(|error| error.kind());
        assert!(kinds.into_iter().all(|kind| kind == StoreErrorKind::Conflict));
        let mut won: Vec<_> = tries.into_iter().filter_map(Result::ok).collect();
        assert_eq!(won.len(), 1, "of those that saw the same tokens {} got through", won.len());
        known = won.pop();
        let now = bed.store.session(row.id).await.unwrap().unwrap();
        assert_eq!(now, SessionRow { used_at, expires_at, refresh: known.clone(), ..row.clone() });
        // Another use changes nothing about the tokens.
        bed.store.touch_session(row.id, used_at, expires_at).await.unwrap();
        assert_eq!(bed.store.sessions_of(ana).await.unwrap(), [now]);
    }
    bed.store.end_sessions(ana, EndSessions::All).await.unwrap();
    let (refresh, now) = (Refresh::first([9; 32]), bed.now());
    let change = RefreshChange { session: row.id, expect: known, refresh, used_at: now, expires_at: now };
    assert_eq!(bed.store.refresh_session(change).await.unwrap_err().kind(), StoreErrorKind::NotFound);
    assert_eq!(bed.store.session(row.id).await.unwrap(), None, "new tokens brought an ended session back");
}

async fn a_session_without_refresh_tokens_gets_some(bed: Bed) {
    let ana = bed.account("ana").await;
    let row = SessionRow { refresh: None, ..bed.session(ana) };
    bed.store.open_session(row.clone(), 5).await.unwrap();
    let refresh = Refresh::first([9; 32]);
    let change = |expect: Option<Refresh>| RefreshChange {
        session: row.id,
        expect,
        refresh: refresh.clone(),
        // What is used is never put back in time.
        used_at: row.used_at - std::time::Duration::from_secs(5),
        expires_at: row.expires_at,
    };
    let error = bed.store.refresh_session(change(Some(refresh.clone()))).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    bed.store.refresh_session(change(None)).await.unwrap();
    let now = bed.store.session(row.id).await.unwrap().unwrap();
    assert_eq!(now, SessionRow { refresh: Some(refresh.clone()), ..row.clone() });
    assert_eq!(bed.store.refresh_session(change(None)).await.unwrap_err().kind(), StoreErrorKind::Conflict);
}
