//! Contacts.

use super::bed::Bed;
use crate::proto::UserId;
use crate::seam::{ContactRow, ContactSource};
use crate::testkit::Law;
use crate::testkit::runner::law;
use bytes::Bytes;
use futures_util::future::join_all;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(contacts_know_each_other),
    law!(contacts_come_and_go_in_pairs, threads),
    law!(a_contact_stays_as_it_was_made),
    law!(trust_is_its_givers_alone),
    law!(a_nickname_is_its_givers_alone),
    law!(contacts_are_listed_newest_first),
    law!(contacts_survive_reopening, reopens),
];

impl Bed {
    async fn know(&self, a: UserId, b: UserId) {
        self.store.add_contacts([a, b], ContactSource::Manual, self.now()).await.unwrap();
    }

    async fn contacts(&self, owner: UserId) -> Vec<ContactRow> {
        self.store.contacts(owner).await.unwrap()
    }

    async fn known_to(&self, owner: UserId) -> Vec<UserId> {
        self.contacts(owner).await.into_iter().map(|row| row.user).collect()
    }
}

async fn contacts_know_each_other(bed: Bed) {
    let (a, b, c) = (bed.user(), bed.user(), bed.user());
    let created_at = bed.now();
    bed.store.add_contacts([a, b], ContactSource::Invite, created_at).await.unwrap();
    bed.know(c, a).await;
    let source = ContactSource::Invite;
    let row = |user| ContactRow { user, source, created_at, nickname: None, trusts: true, trusted: true };
    assert_eq!(bed.contacts(b).await, [row(a)]);
    assert_eq!(bed.known_to(a).await, [c, b]);
    assert_eq!(bed.known_to(c).await, [a]);
    bed.store.remove_contacts([b, a]).await.unwrap();
    bed.store.remove_contacts([b, c]).await.unwrap();
    assert_eq!((bed.known_to(a).await, bed.known_to(b).await), (vec![c], vec![]));
    assert_eq!(bed.known_to(c).await, [a]);
}

async fn contacts_come_and_go_in_pairs(bed: Bed) {
    let users = bed.users(4);
    let (bed, of) = (&bed, &users);
    let work = (0..48_usize).map(|step| async move {
        let (a, b) = (of[step % 4], of[(step + 1 + step / 4 % 3) % 4]);
        if step % 3 == 0 { bed.store.remove_contacts([b, a]).await.unwrap() } else { bed.know(a, b).await }
    });
    join_all(work).await;
    for owner in &users {
        for other in bed.known_to(*owner).await {
            assert!(bed.known_to(other).await.contains(owner), "a contact does not know its contact");
        }
    }
}

async fn a_contact_stays_as_it_was_made(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    bed.know(a, b).await;
    assert!(bed.store.name_contact(a, b, Some(Bytes::from("bee"))).await.unwrap());
    let before = (bed.contacts(a).await, bed.contacts(b).await);
    bed.know(a, b).await;
    assert_eq!((bed.contacts(a).await, bed.contacts(b).await), before);
    bed.store.add_contacts([b, a], ContactSource::Invite, bed.now()).await.unwrap();
    let plain = |mut rows: Vec<ContactRow>| {
        rows.iter_mut().for_each(|row| (row.trusts, row.trusted) = (true, true));
        rows
    };
    assert_eq!((bed.contacts(a).await, bed.contacts(b).await), (plain(before.0), plain(before.1)));
}

async fn trust_is_its_givers_alone(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    let trust = async |of| bed.contacts(of).await.first().map(|row| (row.trusts, row.trusted));
    bed.know(a, b).await;
    assert_eq!((trust(a).await, trust(b).await), (Some((true, false)), Some((false, true))));
    bed.know(b, a).await;
    assert_eq!((trust(a).await, trust(b).await), (Some((true, true)), Some((true, true))));
    bed.store.remove_contacts([a, b]).await.unwrap();
    bed.know(b, a).await;
    assert_eq!(trust(a).await, Some((false, true)), "who removes a contact takes the trust back");
}

async fn a_nickname_is_its_givers_alone(bed: Bed) {
    let (a, b, stranger) = (bed.user(), bed.user(), bed.user());
    bed.know(a, b).await;
    assert!(bed.store.name_contact(a, b, Some(Bytes::new())).await.unwrap());
    assert_eq!(bed.contacts(a).await[0].nickname, Some(Bytes::new()));
    assert_eq!(bed.contacts(b).await[0].nickname, None);
    assert!(bed.store.name_contact(a, b, None).await.unwrap());
    assert_eq!(bed.contacts(a).await[0].nickname, None);
    assert!(!bed.store.name_contact(a, stranger, Some(Bytes::from("s"))).await.unwrap());
    assert_eq!(bed.known_to(a).await, [b], "a nickname makes nobody a contact");
}

async fn contacts_are_listed_newest_first(bed: Bed) {
    let (a, at) = (bed.user(), bed.now());
    let mut others = bed.users(3);
    for other in &others {
        bed.store.add_contacts([*other, a], ContactSource::Manual, at).await.unwrap();
    }
    others.sort_by(|one, other| other.cmp(one));
    let newest = bed.user();
    bed.know(a, newest).await;
    assert_eq!(bed.known_to(a).await, [vec![newest], others].concat());
}

async fn contacts_survive_reopening(bed: Bed) {
    let (a, b) = (bed.user(), bed.user());
    bed.know(a, b).await;
    bed.store.name_contact(b, a, Some(Bytes::from("ay"))).await.unwrap();
    let before = (bed.contacts(a).await, bed.contacts(b).await);
    let bed = bed.reopen().await;
    assert_eq!((bed.contacts(a).await, bed.contacts(b).await), before);
}
