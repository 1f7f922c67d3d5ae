//! Accounts.

use super::bed::{Bed, credential};
use crate::proto::{Audience, Json, Privacy, PrivacyPatch, UserId};
use crate::seam::{
    EndSessions, NewName, NewUser, SealedEmail, SecretChange, StoreErrorKind, UserPatch, UserRow, UserState,
    fold,
};
use crate::testkit::Law;
use crate::testkit::runner::law;
use crate::time::Timestamp;
use bytes::Bytes;
use futures_util::future::join_all;
use std::sync::Arc;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(a_folded_name_is_taken_once, threads),
    law!(a_name_is_free_in_another_scheme),
    law!(sign_up_is_all_or_nothing),
    law!(an_account_needs_no_credential),
    law!(users_come_in_the_order_of_the_ids),
    law!(a_patch_changes_what_it_names),
    law!(last_seen_never_goes_back),
    law!(what_is_not_there_is_not_found),
    law!(a_credential_is_found_by_name_and_by_user),
    law!(a_password_change_ends_the_other_sessions),
    law!(a_new_hash_ends_no_session),
    law!(a_secret_is_swapped_once, threads),
    law!(accounts_are_returned_as_they_came),
    law!(an_address_belongs_to_one_account, threads),
    law!(an_address_is_free_again),
    law!(a_credential_gets_another_name),
    law!(a_patch_is_all_or_nothing),
    law!(who_is_out_has_no_session),
    law!(no_session_outruns_a_suspension, threads),
    law!(a_deleted_account_stays_deleted),
    law!(a_forgotten_credential_is_gone),
];

fn email(of: &str) -> SealedEmail {
    let mut hash = [7; 32];
    hash[..of.len()].copy_from_slice(of.as_bytes());
    SealedEmail { sealed: Bytes::from(of.to_owned()), hash: Some(hash) }
}

fn with_email(of: &str) -> UserPatch {
    UserPatch { email: Some(Some(email(of))), ..UserPatch::default() }
}

fn in_state(state: UserState) -> UserPatch {
    UserPatch { state: Some(state), ..UserPatch::default() }
}

fn named(name: &str) -> UserPatch {
    let name = NewName { scheme: "basic".to_owned(), name: name.to_owned(), folded: fold(name) };
    UserPatch { name: Some(name), ..UserPatch::default() }
}

fn new_user(user: UserRow, name: &str) -> NewUser {
    NewUser { credential: Some(credential(user.id, name)), user, session: None }
}

async fn a_folded_name_is_taken_once(bed: Bed) {
    let bed = Arc::new(bed);
    let tries = (0..32).map(|i| {
        let bed = bed.clone();
        tokio::spawn(async move {
            let new = new_user(bed.row("Ana"), if i % 2 == 0 { "Ana" } else { "aNA" });
            (new.user.id, bed.store.create_user(new).await)
        })
    });
    let made = join_all(tries).await.into_iter().map(Result::unwrap);
    let (winners, losers): (Vec<_>, Vec<_>) = made.partition(|(_, made)| made.is_ok());
    assert_eq!(winners.len(), 1, "one sign-up takes the name");
    for (loser, error) in losers {
        assert_eq!(error.unwrap_err().kind(), StoreErrorKind::AlreadyExists);
        assert_eq!(bed.store.users(&[loser]).await.unwrap(), [None]);
    }
    let credential = bed.store.credential("basic", "ana").await.unwrap().unwrap();
    assert_eq!(credential.user, winners[0].0);
}

async fn a_name_is_free_in_another_scheme(bed: Bed) {
    let ana = bed.account("ana").await;
    let mut new = new_user(bed.row("Other"), "ana");
    new.credential.as_mut().unwrap().scheme = "external".to_owned();
    let other = new.user.id;
    bed.store.create_user(new).await.unwrap();
    assert_eq!(bed.store.credential("basic", "ana").await.unwrap().unwrap().user, ana);
    assert_eq!(bed.store.credential("external", "ana").await.unwrap().unwrap().user, other);
}

async fn sign_up_is_all_or_nothing(bed: Bed) {
    let mut new = new_user(bed.row("Ana"), "ana");
    new.session = Some(bed.session(new.user.id));
    bed.store.create_user(new.clone()).await.unwrap();
    assert_eq!(bed.store.users(&[new.user.id]).await.unwrap(), [Some(new.user.clone())]);
    assert_eq!(bed.store.session(new.session.as_ref().unwrap().id).await.unwrap(), new.session);

    let mut name_taken = new_user(bed.row("Ana the second"), "ana");
    name_taken.session = Some(bed.session(name_taken.user.id));
    let error = bed.store.create_user(name_taken.clone()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::AlreadyExists);
    assert_eq!(bed.store.users(&[name_taken.user.id]).await.unwrap(), [None]);
    assert_eq!(bed.store.session(name_taken.session.unwrap().id).await.unwrap(), None);

    let mut id_taken = new_user(UserRow { lang: Some("de".to_owned()), ..new.user.clone() }, "other name");
    id_taken.session = Some(bed.session(id_taken.user.id));
    let error = bed.store.create_user(id_taken.clone()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::AlreadyExists);
    assert_eq!(bed.store.users(&[new.user.id]).await.unwrap(), [Some(new.user)]);
    assert_eq!(bed.store.credential("basic", "other name").await.unwrap(), None);
    assert_eq!(bed.store.session(id_taken.session.unwrap().id).await.unwrap(), None);
}

async fn an_account_needs_no_credential(bed: Bed) {
    let user = bed.row("Bot");
    bed.store.create_user(NewUser { user: user.clone(), credential: None, session: None }).await.unwrap();
    assert_eq!(bed.store.users(&[user.id]).await.unwrap(), [Some(user.clone())]);
    assert_eq!(bed.store.credential_of(user.id, "basic").await.unwrap(), None);
}

async fn users_come_in_the_order_of_the_ids(bed: Bed) {
    let (a, b) = (bed.account("anna").await, bed.account("bert").await);
    let rows = bed.store.users(&[b, bed.user(), a, b]).await.unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row.as_ref().map(|row| row.id)).collect();
    assert_eq!(ids, [Some(b), None, Some(a), Some(b)]);
    assert_eq!(bed.store.users(&[]).await.unwrap(), []);
}

async fn a_patch_changes_what_it_names(bed: Bed) {
    let user = bed.account("ana").await;
    let before = bed.store.users(&[user]).await.unwrap().remove(0).unwrap();
    let unchanged = bed.store.update_user(user, UserPatch::default()).await.unwrap();
    assert_eq!(unchanged, before);
    let patch = UserPatch {
        public: Some(Json::parse(r#"{"fn": "Ana B",  "x":1.0}"#).unwrap()),
        private: Some(Some(Bytes::from_static(b"p"))),
        email: Some(Some(email("e"))),
        lang: Some("pt".to_owned()),
        privacy: PrivacyPatch { receipts: Some(Audience::Nobody), ..PrivacyPatch::default() },
        must_change_password: Some(true),
        status: Some(Some("away".to_owned())),
        ..UserPatch::default()
    };
    let expected = UserRow {
        privacy: Privacy { receipts: Audience::Nobody, ..before.privacy },
        public: patch.public.clone(),
        private: Some(Bytes::from_static(b"p")),
        email: Some(email("e")),
        lang: Some("pt".to_owned()),
        must_change_password: true,
        status: Some("away".to_owned()),
        ..before
    };
    assert_eq!(bed.store.update_user(user, patch).await.unwrap(), expected);
    assert_eq!(bed.store.users(&[user]).await.unwrap(), [Some(expected.clone())]);
    let clearing = UserPatch {
        public: Some(Json::null()),
        private: Some(None),
        email: Some(None),
        state: Some(UserState::Suspended),
        status: Some(None),
        ..UserPatch::default()
    };
    let cleared = bed.store.update_user(user, clearing).await.unwrap();
    let expected = UserRow {
        public: None,
        private: None,
        email: None,
        state: UserState::Suspended,
        status: None,
        ..expected
    };
    assert_eq!(cleared, expected);
}

async fn last_seen_never_goes_back(bed: Bed) {
    let user = bed.account("ana").await;
    let seen = async |micros| {
        let patch = UserPatch { last_seen: Some(Timestamp::from_micros(micros)), ..UserPatch::default() };
        bed.store.update_user(user, patch).await.unwrap().last_seen.unwrap().as_micros()
    };
    assert_eq!(seen(10).await, 10);
    assert_eq!(seen(5).await, 10);
    assert_eq!(seen(11).await, 11);
}

async fn what_is_not_there_is_not_found(bed: Bed) {
    let nobody = bed.user();
    let error = bed.store.update_user(nobody, UserPatch::default()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NotFound);
    let error = bed.store.set_secret(swap(nobody, "secret", "new")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NotFound);
    let ana = bed.account("ana").await;
    let change = SecretChange { scheme: "other".to_owned(), ..swap(ana, "secret", "new") };
    assert_eq!(bed.store.set_secret(change).await.unwrap_err().kind(), StoreErrorKind::NotFound);
}

async fn a_credential_is_found_by_name_and_by_user(bed: Bed) {
    let ana = bed.account("Ana").await;
    let by_name = bed.store.credential("basic", "ana").await.unwrap().unwrap();
    assert_eq!(by_name, credential(ana, "Ana"));
    assert_eq!(bed.store.credential_of(ana, "basic").await.unwrap(), Some(by_name));
    assert_eq!(bed.store.credential("basic", "Ana").await.unwrap(), None, "the folded name is compared");
    assert_eq!(bed.store.credential("basic", "an").await.unwrap(), None);
    assert_eq!(bed.store.credential("other", "ana").await.unwrap(), None);
    assert_eq!(bed.store.credential_of(bed.user(), "basic").await.unwrap(), None);
}

fn swap(user: UserId, expect: &str, secret: &str) -> SecretChange {
    SecretChange {
        user,
        scheme: "basic".to_owned(),
        expect: expect.to_owned(),
        secret: secret.to_owned(),
        end_sessions: false,
        keep: None,
    }
}

async fn a_password_change_ends_the_other_sessions(bed: Bed) {
    let mut new = new_user(bed.row("Ana"), "ana");
    new.user.must_change_password = true;
    let ana = new.user.id;
    bed.store.create_user(new).await.unwrap();
    let bert = bed.account("bert").await;
    let (keep, one, two) = (bed.log_in(ana).await, bed.log_in(ana).await, bed.log_in(ana).await);
    let berts = bed.log_in(bert).await;

    let wrong = SecretChange { end_sessions: true, ..swap(ana, "another", "new") };
    assert_eq!(bed.store.set_secret(wrong).await.unwrap_err().kind(), StoreErrorKind::Conflict);
    assert_eq!(bed.store.sessions_of(ana).await.unwrap().len(), 3);
    assert!(bed.store.users(&[ana]).await.unwrap().remove(0).unwrap().must_change_password);

    let change = SecretChange { end_sessions: true, keep: Some(keep), ..swap(ana, "secret", "new") };
    let mut ended = bed.store.set_secret(change).await.unwrap();
    ended.sort();
    assert_eq!(ended, [one.min(two), one.max(two)]);
    assert_eq!(bed.store.session(one).await.unwrap(), None);
    assert!(bed.store.session(keep).await.unwrap().is_some());
    assert!(bed.store.session(berts).await.unwrap().is_some());
    assert!(!bed.store.users(&[ana]).await.unwrap().remove(0).unwrap().must_change_password);
    assert_eq!(bed.store.credential("basic", "ana").await.unwrap().unwrap().secret, "new");

    let all = SecretChange { end_sessions: true, ..swap(ana, "new", "newer") };
    assert_eq!(bed.store.set_secret(all).await.unwrap(), [keep]);
}

async fn a_new_hash_ends_no_session(bed: Bed) {
    let mut new = new_user(bed.row("Ana"), "ana");
    new.user.must_change_password = true;
    let ana = new.user.id;
    bed.store.create_user(new).await.unwrap();
    bed.log_in(ana).await;
    assert_eq!(bed.store.set_secret(swap(ana, "secret", "rehashed")).await.unwrap(), []);
    assert_eq!(bed.store.sessions_of(ana).await.unwrap().len(), 1);
    assert!(bed.store.users(&[ana]).await.unwrap().remove(0).unwrap().must_change_password);
    assert_eq!(bed.store.credential_of(ana, "basic").await.unwrap().unwrap().secret, "rehashed");
}

async fn a_secret_is_swapped_once(bed: Bed) {
    let ana = bed.account("ana").await;
    let tries = (0..16).map(|i| {
        let store = bed.store.clone();
        tokio::spawn(async move { store.set_secret(swap(ana, "secret", &format!("new {i}"))).await.is_ok() })
    });
    let won: Vec<_> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "one of many swaps finds what it expects");
    let winner = won.iter().position(|won| *won).unwrap();
    let secret = bed.store.credential_of(ana, "basic").await.unwrap().unwrap().secret;
    assert_eq!(secret, format!("new {winner}"));
}

async fn accounts_are_returned_as_they_came(bed: Bed) {
    let user = UserRow {
        public: Some(Json::parse(r#"{ "fn" : "A\u0041", "n":1.50, "fn2":[] }"#).unwrap()),
        private: Some(Bytes::from((0..16 * 1024).map(|i| (i % 256) as u8).collect::<Vec<_>>())),
        email: Some(SealedEmail { sealed: Bytes::new(), hash: None }),
        lang: Some(String::new()),
        last_seen: Some(Timestamp::from_micros(1)),
        must_change_password: true,
        privacy: Privacy { last_seen: Audience::Contacts, ..Privacy::default() },
        status: Some(String::new()),
        guest_until: Some(Timestamp::from_micros(7)),
        ..bed.row("")
    };
    bed.store.create_user(NewUser { user: user.clone(), credential: None, session: None }).await.unwrap();
    assert_eq!(bed.store.users(&[user.id]).await.unwrap(), [Some(user)]);
}

async fn an_address_belongs_to_one_account(bed: Bed) {
    let (ana, bert) = (bed.account("ana").await, bed.account("bert").await);
    let bed = Arc::new(bed);
    let tries = (0..24).map(|i| {
        let bed = bed.clone();
        tokio::spawn(async move {
            if i % 3 > 0 {
                let user = if i % 3 == 1 { ana } else { bert };
                return bed.store.update_user(user, with_email("a")).await.map(|row| row.id);
            }
            let user = UserRow { email: Some(email("a")), ..bed.row("New") };
            let id = user.id;
            let new = NewUser { user, credential: None, session: None };
            bed.store.create_user(new).await.map(|()| id)
        })
    });
    let made: Vec<_> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
    let owner = bed.store.email_owner(&email("a").hash.unwrap()).await.unwrap().unwrap();
    for made in made {
        match made {
            Ok(user) => assert_eq!(user, owner, "two accounts have the address"),
            Err(error) => assert_eq!(error.kind(), StoreErrorKind::AlreadyExists),
        }
    }
}

async fn an_address_is_free_again(bed: Bed) {
    let (ana, bert) = (bed.account("ana").await, bed.account("bert").await);
    let owner = async |of| bed.store.email_owner(&email(of).hash.unwrap()).await.unwrap();
    bed.store.update_user(ana, with_email("a")).await.unwrap();
    assert_eq!(owner("a").await, Some(ana));
    bed.store.update_user(ana, UserPatch::default()).await.unwrap();
    assert_eq!(owner("a").await, Some(ana), "a patch without an address changed it");
    bed.store.update_user(ana, with_email("b")).await.unwrap();
    assert_eq!((owner("a").await, owner("b").await), (None, Some(ana)));
    bed.store.update_user(bert, with_email("a")).await.unwrap();
    bed.store.update_user(ana, UserPatch { email: Some(None), ..UserPatch::default() }).await.unwrap();
    assert_eq!((owner("a").await, owner("b").await), (Some(bert), None));
}

async fn a_credential_gets_another_name(bed: Bed) {
    let (ana, bert) = (bed.account("Ana").await, bed.account("Bert").await);
    let named_as = async |name| bed.store.credential("basic", name).await.unwrap().map(|known| known.user);
    bed.store.update_user(ana, named("Anna")).await.unwrap();
    assert_eq!((named_as("ana").await, named_as("anna").await), (None, Some(ana)));
    let known = bed.store.credential_of(ana, "basic").await.unwrap().unwrap();
    assert_eq!((known.name.as_str(), known.secret.as_str()), ("Anna", "secret"));
    // The case of one's own name is one's own affair.
    bed.store.update_user(ana, named("ANNA")).await.unwrap();
    assert_eq!(bed.store.credential_of(ana, "basic").await.unwrap().unwrap().name, "ANNA");
    let error = bed.store.update_user(bert, named("anna")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::AlreadyExists);
    assert_eq!((named_as("bert").await, named_as("anna").await), (Some(bert), Some(ana)));
    bed.store.update_user(bert, named("ana")).await.unwrap();
    assert_eq!((named_as("bert").await, named_as("ana").await), (None, Some(bert)));
    let host_only = bed.row("Bot");
    let id = host_only.id;
    bed.store.create_user(NewUser { user: host_only, credential: None, session: None }).await.unwrap();
    let error = bed.store.update_user(id, named("bot")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NotFound);
}

async fn a_patch_is_all_or_nothing(bed: Bed) {
    let (ana, bert) = (bed.account("ana").await, bed.account("bert").await);
    bed.store.update_user(ana, with_email("a")).await.unwrap();
    let before = bed.store.users(&[bert]).await.unwrap();
    let session = bed.log_in(bert).await;
    let lang = || Some("de".to_owned());
    let address = UserPatch {
        lang: lang(),
        name: named("bertram").name,
        ..UserPatch { state: Some(UserState::Suspended), ..with_email("a") }
    };
    let name = UserPatch { lang: lang(), email: with_email("b").email, ..named("ana") };
    for patch in [address, name] {
        let error = bed.store.update_user(bert, patch).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::AlreadyExists);
        assert_eq!(bed.store.users(&[bert]).await.unwrap(), before);
        assert_eq!(bed.store.credential("basic", "bertram").await.unwrap(), None);
        assert_eq!(bed.store.credential("basic", "bert").await.unwrap().map(|known| known.user), Some(bert));
        assert_eq!(bed.store.email_owner(&email("b").hash.unwrap()).await.unwrap(), None);
        assert!(bed.store.session(session).await.unwrap().is_some());
    }
}

async fn who_is_out_has_no_session(bed: Bed) {
    let (ana, bert) = (bed.account("ana").await, bed.account("bert").await);
    let (one, two, berts) = (bed.log_in(ana).await, bed.log_in(ana).await, bed.log_in(bert).await);
    bed.store.update_user(ana, in_state(UserState::Suspended)).await.unwrap();
    for ended in [one, two] {
        assert_eq!(bed.store.session(ended).await.unwrap(), None);
        assert!(!bed.store.touch_session(ended, bed.now(), bed.now()).await.unwrap());
    }
    assert_eq!(bed.store.sessions_of(ana).await.unwrap(), []);
    assert!(bed.store.session(berts).await.unwrap().is_some());
    let error = bed.store.open_session(bed.session(ana), 50).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NotFound);
    assert_eq!(bed.store.end_sessions(ana, EndSessions::All).await.unwrap(), []);
    bed.store.update_user(ana, in_state(UserState::Active)).await.unwrap();
    assert_eq!(bed.store.session(one).await.unwrap(), None, "an ended session came back");
    bed.log_in(ana).await;
}

async fn no_session_outruns_a_suspension(bed: Bed) {
    let ana = bed.account("ana").await;
    for _ in 0..10 {
        bed.store.update_user(ana, in_state(UserState::Active)).await.unwrap();
        let logins = (0..8).map(|_| {
            let (store, row) = (bed.store.clone(), bed.session(ana));
            tokio::spawn(async move { store.open_session(row, 50).await.is_ok() })
        });
        let logins = join_all(logins);
        let suspended = bed.store.update_user(ana, in_state(UserState::Suspended));
        let (suspended, _) = tokio::join!(suspended, logins);
        suspended.unwrap();
        assert_eq!(bed.store.sessions_of(ana).await.unwrap(), []);
    }
}

async fn a_deleted_account_stays_deleted(bed: Bed) {
    let ana = bed.account("ana").await;
    bed.log_in(ana).await;
    bed.store.update_user(ana, in_state(UserState::Deleted)).await.unwrap();
    assert_eq!(bed.store.sessions_of(ana).await.unwrap(), []);
    for state in [UserState::Active, UserState::Suspended] {
        let error = bed.store.update_user(ana, in_state(state)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict);
    }
    let known = bed.store.credential("basic", "ana").await.unwrap().unwrap();
    assert_eq!((known.user, known.secret.as_str()), (ana, ""));
    let again = new_user(bed.row("Ana"), "ana");
    assert_eq!(bed.store.create_user(again).await.unwrap_err().kind(), StoreErrorKind::AlreadyExists);
    let later = UserPatch { last_seen: Some(bed.now()), ..UserPatch::default() };
    assert_eq!(bed.store.update_user(ana, later).await.unwrap().state, UserState::Deleted);
}

async fn a_forgotten_credential_is_gone(bed: Bed) {
    let (ana, bert) = (bed.account("Ana").await, bed.account("bert").await);
    bed.store.update_user(ana, in_state(UserState::Deleted)).await.unwrap();
    assert_eq!(bed.store.forget_credentials(ana).await.unwrap(), 1);
    assert_eq!(bed.store.credential("basic", "ana").await.unwrap(), None, "the name is still there");
    assert_eq!(bed.store.credential_of(ana, "basic").await.unwrap(), None);
    assert_eq!(bed.store.forget_credentials(ana).await.unwrap(), 0, "there is nothing more to forget");
    assert_eq!(bed.store.users(&[ana]).await.unwrap()[0].as_ref().unwrap().state, UserState::Deleted);
    let error = bed.store.update_user(ana, named("ana")).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NotFound, "there is nothing to rename");
    let other = bed.account("ANA").await;
    let known = bed.store.credential("basic", "ana").await.unwrap().unwrap();
    assert_eq!((known.user, known.name.as_str()), (other, "ANA"));
    let berts = bed.store.credential("basic", "bert").await.unwrap();
    assert_eq!(berts.map(|known| known.user), Some(bert), "another user's name is gone");
    assert_eq!(bed.store.forget_credentials(bed.user()).await.unwrap(), 0);
}
