//! Invites.

use super::bed::Bed;
use crate::proto::{InviteId, UserId};
use crate::seam::{ContactSource, InviteRow, StoreErrorKind};
use crate::testkit::Law;
use crate::testkit::runner::law;
use bytes::Bytes;
use futures_util::future::join_all;
use std::time::Duration;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(an_invite_is_returned_as_it_was_made),
    law!(an_invite_code_is_given_once),
    law!(an_invite_is_used_once, threads),
    law!(an_invite_is_used_in_time),
    law!(a_used_invite_makes_contacts),
    law!(a_revoked_invite_is_gone),
    law!(unused_invites_are_found_by_address),
    law!(invites_survive_reopening, reopens),
];

impl Bed {
    /// Makes an invite whose hashes are filled with `code` and `email`; it runs out after a minute.
    async fn inviting(&self, inviter: UserId, code: u8, email: u8) -> InviteRow {
        let row = self.new_invite(inviter, code, email);
        self.store.create_invite(row.clone()).await.unwrap();
        row
    }

    fn new_invite(&self, inviter: UserId, code: u8, email: u8) -> InviteRow {
        let (id, created_at) = (InviteId(self.id()), self.now());
        InviteRow {
            id,
            inviter,
            code: [code; 32],
            email: [email; 32],
            sealed: Bytes::from(format!("sealed {code}")),
            created_at,
            expires_at: created_at + Duration::from_secs(60),
            used: None,
        }
    }
}

async fn an_invite_is_returned_as_it_was_made(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let first = bed.inviting(a, 1, 9).await;
    let second = bed.inviting(a, 2, 9).await;
    bed.inviting(b, 3, 9).await;
    assert_eq!(bed.store.invite(&[1; 32]).await.unwrap(), Some(first.clone()));
    assert_eq!(bed.store.invite(&[9; 32]).await.unwrap(), None, "an address is no code");
    assert_eq!(bed.store.invites_of(a).await.unwrap(), [second.clone(), first.clone()]);
    let user = bed.user();
    let at = bed.now();
    assert!(bed.store.use_invite(first.id, user, at).await.unwrap());
    let used = InviteRow { used: Some((user, at)), ..first };
    assert_eq!(bed.store.invite(&[1; 32]).await.unwrap(), Some(used.clone()));
    assert_eq!(bed.store.invites_of(a).await.unwrap(), [second, used]);
    assert_eq!(bed.store.invites_of(user).await.unwrap(), []);
}

async fn an_invite_code_is_given_once(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let known = bed.inviting(a, 1, 1).await;
    let same_id = InviteRow { id: known.id, ..bed.new_invite(b, 2, 2) };
    for row in [bed.new_invite(b, 1, 2), same_id] {
        let error = bed.store.create_invite(row).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::AlreadyExists);
    }
    assert_eq!(bed.store.invite(&[1; 32]).await.unwrap(), Some(known));
    assert_eq!(bed.store.invite(&[2; 32]).await.unwrap(), None);
    assert_eq!(bed.store.invites_of(b).await.unwrap(), []);
    assert_eq!(bed.store.unused_invites(&[2; 32], 10).await.unwrap(), []);
}

async fn an_invite_is_used_once(bed: Bed) {
    let inviter = bed.user();
    let row = bed.inviting(inviter, 1, 1).await;
    let users = bed.users(8);
    let used = join_all(users.iter().map(|user| bed.store.use_invite(row.id, *user, row.created_at))).await;
    let used = used.into_iter().filter(|used| *used.as_ref().unwrap()).count();
    assert_eq!(used, 1, "an invite was used more than once, or never");
    let contacts = bed.store.contacts(inviter).await.unwrap();
    let by = bed.store.invite(&[1; 32]).await.unwrap().unwrap().used.map(|(by, _)| by);
    assert_eq!(contacts.iter().map(|row| Some(row.user)).collect::<Vec<_>>(), [by]);
}

async fn an_invite_is_used_in_time(bed: Bed) {
    let (inviter, user) = (bed.user(), bed.user());
    let row = bed.inviting(inviter, 1, 1).await;
    assert!(!bed.store.use_invite(row.id, user, row.expires_at).await.unwrap());
    assert_eq!(bed.store.contacts(inviter).await.unwrap(), []);
    assert_eq!(bed.store.invite(&[1; 32]).await.unwrap(), Some(row.clone()));
    let last = row.expires_at - Duration::from_micros(1);
    assert!(bed.store.use_invite(row.id, user, last).await.unwrap());
    assert!(!bed.store.use_invite(InviteId(bed.id()), user, last).await.unwrap());
}

async fn a_used_invite_makes_contacts(bed: Bed) {
    let (inviter, user, friend) = (bed.user(), bed.user(), bed.user());
    let (first, second) = (bed.inviting(inviter, 1, 1).await, bed.inviting(inviter, 2, 1).await);
    bed.store.add_contacts([inviter, friend], ContactSource::Manual, bed.now()).await.unwrap();
    let mut known = bed.store.contacts(friend).await.unwrap();
    known[0].trusts = true;
    assert!(bed.store.use_invite(first.id, user, bed.now()).await.unwrap());
    assert!(bed.store.use_invite(second.id, friend, bed.now()).await.unwrap());
    let of_user = bed.store.contacts(user).await.unwrap();
    assert_eq!((of_user.len(), of_user[0].user, of_user[0].source), (1, inviter, ContactSource::Invite));
    assert_eq!(bed.store.contacts(inviter).await.unwrap()[0].user, user);
    assert_eq!(bed.store.contacts(friend).await.unwrap(), known, "who is a contact stays one as it was");
}

async fn a_revoked_invite_is_gone(bed: Bed) {
    let (a, b, user) = (bed.user(), bed.user(), bed.user());
    let (used, unused) = (bed.inviting(a, 1, 1).await, bed.inviting(a, 2, 1).await);
    assert!(bed.store.use_invite(used.id, user, bed.now()).await.unwrap());
    assert!(!bed.store.revoke_invite(a, used.id).await.unwrap(), "it was used");
    assert!(!bed.store.revoke_invite(b, unused.id).await.unwrap(), "it is another's");
    assert!(bed.store.revoke_invite(a, unused.id).await.unwrap());
    assert!(!bed.store.revoke_invite(a, unused.id).await.unwrap());
    assert!(!bed.store.use_invite(unused.id, user, bed.now()).await.unwrap());
    assert_eq!(bed.store.invite(&[2; 32]).await.unwrap(), None);
    assert_eq!(bed.store.unused_invites(&[1; 32], 10).await.unwrap(), []);
    assert_eq!(bed.store.invites_of(a).await.unwrap().len(), 1);
    bed.inviting(b, 2, 2).await;
}

async fn unused_invites_are_found_by_address(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let first = bed.inviting(a, 1, 7).await;
    let second = bed.inviting(b, 2, 7).await;
    let third = bed.inviting(a, 3, 7).await;
    bed.inviting(a, 4, 8).await;
    let unused = async |limit| bed.store.unused_invites(&[7; 32], limit).await.unwrap();
    assert_eq!(unused(10).await, [first.clone(), second.clone(), third.clone()]);
    assert_eq!(unused(2).await, [first.clone(), second.clone()]);
    assert!(bed.store.use_invite(second.id, bed.user(), bed.now()).await.unwrap());
    assert_eq!(unused(10).await, [first, third]);
    assert_eq!(bed.store.unused_invites(&[6; 32], 10).await.unwrap(), []);
}

async fn invites_survive_reopening(bed: Bed) {
    let (a, user) = (bed.user(), bed.user());
    let (used, pending) = (bed.inviting(a, 1, 5).await, bed.inviting(a, 2, 5).await);
    let gone = bed.inviting(a, 3, 5).await;
    assert!(bed.store.use_invite(used.id, user, bed.now()).await.unwrap());
    assert!(bed.store.revoke_invite(a, gone.id).await.unwrap());
    let bed = bed.reopen().await;
    let unused = bed.store.unused_invites(&[5; 32], 10).await.unwrap();
    assert_eq!(unused.iter().map(|row| row.id).collect::<Vec<_>>(), [pending.id]);
    assert_eq!(bed.store.invites_of(a).await.unwrap().len(), 2);
    assert!(!bed.store.use_invite(used.id, user, bed.now()).await.unwrap());
    assert!(bed.store.use_invite(pending.id, user, bed.now()).await.unwrap());
    assert_eq!(bed.store.contacts(user).await.unwrap().len(), 1);
}
