//! Links to groups, and members who are muted.

use super::bed::{Bed, done};
use crate::policy::Standing;
use crate::proto::{ConvId, Role, UserId};
use crate::seam::{Amend, Change, LinkRow, LogEvent, Op, Outcome, StoreErrorKind};
use crate::testkit::Law;
use crate::testkit::runner::law;
use crate::time::Timestamp;
use futures_util::future::join_all;
use std::time::Duration;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(a_link_is_returned_as_it_was_made),
    law!(a_link_code_is_given_once),
    law!(a_link_is_used_no_oftener_than_it_may, threads),
    law!(a_link_opens_only_its_own_group_and_in_time),
    law!(a_revoked_link_opens_nothing),
    law!(a_mute_stays_until_it_is_taken_back),
];

fn link(bed: &Bed, conv: ConvId, by: UserId, code: &str) -> LinkRow {
    let (code, created_at) = (code.to_owned(), bed.now());
    LinkRow { code, conv, by, created_at, expires_at: None, max_uses: None, uses: 0 }
}

impl Bed {
    /// Makes a change by which a user joins with a link.
    async fn joining(&self, conv: ConvId, user: UserId, code: &str) -> Change {
        let members = vec![(user, Role::Member, Standing::Active)];
        let amend = Amend { members, link: Some(code.to_owned()), ..Amend::new(LogEvent::Joined(user)) };
        self.change(conv, user, Op::Amend(amend)).await
    }

    /// Joins with a link, on fresh state as often as need be; returns whether it opened.
    async fn joins(&self, conv: ConvId, user: UserId, code: &str) -> bool {
        loop {
            let change = self.joining(conv, user, code).await;
            match self.store.commit(vec![change]).await.unwrap().remove(0) {
                Outcome::Done(_) => return true,
                Outcome::Stale { .. } => {}
                Outcome::Rejected(error) if error.kind() == StoreErrorKind::NotFound => return false,
                other => panic!("{other:?}"),
            }
        }
    }
}

async fn a_link_is_returned_as_it_was_made(bed: Bed) {
    let owner = bed.user();
    let conv = bed.group(owner, &[]).await;
    let expires_at = Some(bed.now() + Duration::from_secs(60));
    let row = LinkRow { expires_at, max_uses: Some(3), ..link(&bed, conv, owner, "c-1") };
    bed.store.create_link(row.clone()).await.unwrap();
    assert_eq!(bed.store.link("c-1").await.unwrap(), Some(row.clone()));
    assert_eq!(bed.store.links_of(conv).await.unwrap(), [row]);
    assert_eq!(bed.store.link("c-2").await.unwrap(), None);
    let elsewhere = bed.group(owner, &[]).await;
    assert_eq!(bed.store.links_of(elsewhere).await.unwrap(), []);
}

async fn a_link_code_is_given_once(bed: Bed) {
    let owner = bed.user();
    let (conv, other) = (bed.group(owner, &[]).await, bed.group(owner, &[]).await);
    bed.store.create_link(link(&bed, conv, owner, "code")).await.unwrap();
    let error = bed.store.create_link(link(&bed, other, owner, "code")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::AlreadyExists);
    assert_eq!(bed.store.link("code").await.unwrap().map(|link| link.conv), Some(conv));
    let nowhere = ConvId(uuid::Uuid::from_u128(404));
    let error = bed.store.create_link(link(&bed, nowhere, owner, "new")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NotFound);
}

async fn a_link_is_used_no_oftener_than_it_may(bed: Bed) {
    let owner = bed.user();
    let conv = bed.group(owner, &[]).await;
    let row = LinkRow { max_uses: Some(3), ..link(&bed, conv, owner, "thrice") };
    bed.store.create_link(row).await.unwrap();
    let users: Vec<_> = (0..8).map(|_| bed.user()).collect();
    let joined = join_all(users.iter().map(|user| bed.joins(conv, *user, "thrice"))).await;
    assert_eq!(joined.into_iter().filter(|joined| *joined).count(), 3);
    assert_eq!(bed.conv(conv).await.active_members().count(), 4, "who was not let in is no member");
    assert_eq!(bed.store.link("thrice").await.unwrap().map(|link| link.uses), Some(3));
}

async fn a_link_opens_only_its_own_group_and_in_time(bed: Bed) {
    let (owner, late, early) = (bed.user(), bed.user(), bed.user());
    let (conv, other) = (bed.group(owner, &[]).await, bed.group(owner, &[]).await);
    let end = bed.now() + Duration::from_secs(60);
    let row = LinkRow { expires_at: Some(end), ..link(&bed, conv, owner, "short") };
    bed.store.create_link(row).await.unwrap();
    assert!(!bed.joins(other, early, "short").await);
    assert!(!bed.joins(conv, early, "long").await);
    let at = |at: Timestamp, change: Change| Change { at, ..change };
    let outcomes = bed.store.commit(vec![at(end, bed.joining(conv, late, "short").await)]).await.unwrap();
    assert!(matches!(&outcomes[..], [Outcome::Rejected(error)] if error.kind() == StoreErrorKind::NotFound));
    let in_time = at(end - Duration::from_micros(1), bed.joining(conv, early, "short").await);
    done(bed.store.commit(vec![in_time]).await.unwrap().remove(0));
    assert!(bed.conv(conv).await.active(early).is_some());
}

async fn a_revoked_link_opens_nothing(bed: Bed) {
    let (owner, user) = (bed.user(), bed.user());
    let (conv, other) = (bed.group(owner, &[]).await, bed.group(owner, &[]).await);
    bed.store.create_link(link(&bed, conv, owner, "code")).await.unwrap();
    assert!(!bed.store.revoke_link(other, "code").await.unwrap(), "it is another group's");
    assert!(bed.store.revoke_link(conv, "code").await.unwrap());
    assert!(!bed.store.revoke_link(conv, "code").await.unwrap());
    assert!(!bed.joins(conv, user, "code").await);
    assert_eq!(bed.store.links_of(conv).await.unwrap(), []);
}

async fn a_mute_stays_until_it_is_taken_back(bed: Bed) {
    let (owner, user) = (bed.user(), bed.user());
    let conv = bed.group(owner, &[user]).await;
    let until = bed.now() + Duration::from_secs(60);
    let mute = |until| Amend { muted: vec![(user, until)], ..Amend::new(LogEvent::Muted(user, bed.now())) };
    let change = bed.change(conv, owner, Op::Amend(mute(Some(until)))).await;
    let committed = bed.done(change).await;
    let fresh = committed.conv.expect("an amendment answers with the conversation");
    assert_eq!((fresh.members[&user].muted_until, fresh.members[&user].rev), (Some(until), committed.rev));
    bed.stand(conv, user, Standing::Left).await;
    bed.stand(conv, user, Standing::Active).await;
    assert_eq!(bed.conv(conv).await.members[&user].muted_until, Some(until), "who comes back stays muted");
    let change = bed.change(conv, owner, Op::Amend(mute(None))).await;
    bed.done(change).await;
    assert_eq!(bed.conv(conv).await.members[&user].muted_until, None);
}
