//! Changes whose actor may not ask for them any more.

use super::bed::{Bed, done};
use crate::policy::{MessageBody, UserState};
use crate::proto::{SessionId, UserId};
use crate::seam::{Amend, Change, EndSessions, LogEvent, Op, Outcome, UserPatch, Warrant};
use crate::testkit::Law;
use crate::testkit::runner::law;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(a_change_without_warrant_writes_nothing),
    law!(a_warrant_holds_while_nothing_changes),
    law!(no_change_outruns_the_end_of_its_session, threads),
];

fn warrant(session: Option<SessionId>) -> Warrant {
    Warrant { session, state: UserState::Active, must_change_password: false }
}

fn with(change: Change, warrant: Warrant) -> Change {
    Change { warrant: Some(warrant), ..change }
}

impl Bed {
    /// Makes a change of each kind, with a warrant; the first message of the conversation is the actor's.
    async fn of_each_kind(&self, conv: crate::proto::ConvId, actor: UserId, warrant: Warrant) -> Vec<Change> {
        let body = MessageBody::new(Bytes::from_static(b"other"), Vec::new());
        let changes = [
            self.sending(conv, actor).await,
            self.revising(conv, actor, crate::proto::Seq(1), body).await,
            self.change(conv, actor, Op::Amend(Amend::new(LogEvent::ProfileSet))).await,
            // It was sent before.
            self.sending_as(conv, actor, "first", 1).await,
        ];
        changes.into_iter().map(|change| with(change, warrant)).collect()
    }
}

async fn a_change_without_warrant_writes_nothing(bed: Bed) {
    let (a, b) = (bed.account("ana").await, bed.account("bert").await);
    let conv = bed.group(a, &[b]).await;
    bed.done(bed.sending_as(conv, a, "first", 1).await).await;
    let (open, ended, berts) = (bed.log_in(a).await, bed.log_in(a).await, bed.log_in(b).await);
    bed.store.end_sessions(a, EndSessions::One(ended)).await.unwrap();
    let good = warrant(Some(open));
    let bad = [
        warrant(Some(ended)),
        warrant(Some(berts)),
        warrant(Some(bed.session_id())),
        Warrant { must_change_password: true, ..good },
        Warrant { state: UserState::Suspended, ..good },
        Warrant { state: UserState::Deleted, ..warrant(None) },
        Warrant { must_change_password: true, ..warrant(None) },
    ];
    let (before, position) = (bed.conv(conv).await, bed.store.position().await.unwrap());
    for warrant in bad {
        for change in bed.of_each_kind(conv, a, warrant).await {
            for epoch in [change.epoch, change.epoch.next()] {
                let outcome = bed.commit(Change { epoch, ..change.clone() }).await;
                assert!(matches!(outcome, Outcome::Unwarranted), "{change:?}: {outcome:?}");
            }
        }
        // Also among others, and for an actor who has no account.
        let mut batch = bed.of_each_kind(conv, a, warrant).await;
        batch.truncate(1);
        batch.push(with(bed.sending(conv, bed.user()).await, self::warrant(None)));
        let outcomes = bed.store.commit(batch).await.unwrap();
        assert!(matches!(outcomes[..], [Outcome::Unwarranted, Outcome::Unwarranted]), "{outcomes:?}");
    }
    assert_eq!((bed.conv(conv).await, bed.store.position().await.unwrap()), (before, position));
    // Where there is no conversation there is nothing to be allowed.
    let nowhere = Change { conv: bed.conv_id(), ..with(bed.sending(conv, a).await, bad[0]) };
    assert!(matches!(bed.commit(nowhere).await, Outcome::Stale { conv: None, .. }));
    // Those that hold are carried out between those that don't.
    let (one, two) = (bed.sending(conv, a).await, bed.sending(conv, b).await);
    let batch = vec![
        with(one.clone(), good),
        with(one, bad[0]),
        with(two, warrant(Some(berts))),
        bed.sending(conv, a).await,
    ];
    let outcomes = bed.store.commit(batch).await.unwrap();
    let [Outcome::Done(first), Outcome::Unwarranted, Outcome::Done(second), Outcome::Done(third)] =
        &outcomes[..]
    else {
        panic!("each has its own outcome: {outcomes:?}");
    };
    assert_eq!([first, second, third].map(|done| done.message.as_ref().unwrap().seq.0), [2, 3, 4]);
}

async fn a_warrant_holds_while_nothing_changes(bed: Bed) {
    let a = bed.account("ana").await;
    let conv = bed.group(a, &[]).await;
    bed.done(bed.sending_as(conv, a, "first", 1).await).await;
    let session = bed.log_in(a).await;
    for warrant in [warrant(Some(session)), warrant(None)] {
        for change in bed.of_each_kind(conv, a, warrant).await {
            let (again, outcome) = (change.op.clone(), bed.commit(change).await);
            let is_retry = matches!(again, Op::Append(append) if append.cid.is_some());
            assert!(matches!(outcome, Outcome::Done(_) | Outcome::Replay(_)), "{outcome:?}");
            assert_eq!(matches!(outcome, Outcome::Replay(_)), is_retry);
        }
    }
    // What has nothing to do with it leaves it as it is; what has, does not.
    let sends = async |warrant| bed.commit(with(bed.sending(conv, a).await, warrant)).await;
    let (hosted, by_session) = (warrant(None), warrant(Some(session)));
    let patch = UserPatch { lang: Some("de".to_owned()), ..UserPatch::default() };
    bed.store.update_user(a, patch).await.unwrap();
    done(sends(by_session).await);
    let demand = |must| UserPatch { must_change_password: Some(must), ..UserPatch::default() };
    bed.store.update_user(a, demand(true)).await.unwrap();
    assert!(matches!(sends(by_session).await, Outcome::Unwarranted));
    assert!(matches!(sends(hosted).await, Outcome::Unwarranted));
    done(sends(Warrant { must_change_password: true, ..by_session }).await);
    bed.store.update_user(a, demand(false)).await.unwrap();
    done(sends(by_session).await);
    let suspend = UserPatch { state: Some(UserState::Suspended), ..UserPatch::default() };
    bed.store.update_user(a, suspend).await.unwrap();
    for warrant in [by_session, hosted, Warrant { state: UserState::Suspended, ..by_session }] {
        assert!(matches!(sends(warrant).await, Outcome::Unwarranted), "its sessions are over");
    }
    done(sends(Warrant { state: UserState::Suspended, ..hosted }).await);
}

async fn no_change_outruns_the_end_of_its_session(bed: Bed) {
    let bed = Arc::new(bed);
    let a = bed.account("ana").await;
    let convs = [bed.group(a, &[]).await, bed.group(a, &[a]).await];
    for _ in 0..10 {
        let session = bed.log_in(a).await;
        let over = Arc::new(AtomicBool::new(false));
        let senders = convs.map(|conv| {
            let (bed, over) = (bed.clone(), over.clone());
            tokio::spawn(async move {
                let (mut sent, mut refused) = (0, false);
                while !refused {
                    let was_over = over.load(Ordering::SeqCst);
                    let change = with(bed.sending(conv, a).await, warrant(Some(session)));
                    match bed.commit(change).await {
                        Outcome::Done(_) => sent += 1,
                        outcome => refused = matches!(outcome, Outcome::Unwarranted),
                    }
                    assert!(refused || !was_over, "a change was made by a session that was over");
                }
                sent
            })
        });
        bed.done(with(bed.sending(convs[0], a).await, warrant(Some(session)))).await;
        bed.store.end_sessions(a, EndSessions::One(session)).await.unwrap();
        over.store(true, Ordering::SeqCst);
        for sender in senders {
            sender.await.unwrap();
        }
    }
}
