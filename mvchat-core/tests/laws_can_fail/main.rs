//! The laws of stores can fail: each of these defects breaks one, and for the right reason.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "this binary is a test")]

mod broken;

use broken::{Broken, Defect};
use mvchat_core::builtin::MemoryStore;
use mvchat_core::testkit::model;
use mvchat_core::testkit::store::{StoreFixture, check, laws};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// A store whose content outlives it, because the fixture keeps it.
struct Kept {
    content: MemoryStore,
    defect: Defect,
    opened: AtomicU64,
}

impl Kept {
    fn new(defect: Defect) -> Self {
        Self { content: MemoryStore::default(), defect, opened: AtomicU64::new(0) }
    }
}

impl StoreFixture for Kept {
    type Store = Broken;
    const REOPENS: bool = true;

    async fn open(&self) -> Broken {
        let opened = self.opened.fetch_add(1, Ordering::SeqCst) + 1;
        Broken { inner: self.content.clone(), defect: self.defect, opened, unsent: Default::default() }
    }
}

/// A store that loses everything when it is opened again, and says that it does not.
struct Lost;

impl StoreFixture for Lost {
    type Store = Broken;
    const REOPENS: bool = true;

    async fn open(&self) -> Broken {
        Kept::new(Defect::None).open().await
    }
}

/// Returns what a law says about a store, if the store breaks it.
fn verdict<F: StoreFixture>(law: &str, fixture: F) -> Option<String> {
    let law = laws().into_iter().find(|known| known.name() == law).expect("there is such a law");
    let panic = catch_unwind(AssertUnwindSafe(|| check(&law, fixture))).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
}

#[track_caller]
fn breaks(defect: Defect, law: &str, reason: &str) {
    assert_eq!(verdict(law, Kept::new(Defect::None)), None, "without a defect {law} holds");
    let verdict = verdict(law, Kept::new(defect));
    let said = verdict.unwrap_or_else(|| panic!("{law} did not notice {defect:?}"));
    assert!(said.contains(reason), "{law} failed for another reason than {reason:?}: {said}");
}

#[test]
fn a_seq_that_is_reused_after_an_unsend_is_noticed() {
    breaks(Defect::SeqReusedAfterUnsend, "seqs_are_not_reused_after_a_message_is_gone", "a seq came again");
}

#[test]
fn a_forgotten_cid_is_noticed() {
    breaks(Defect::CidForgotten, "a_retry_is_a_replay", "not a replay: Done");
    breaks(Defect::CidForgotten, "retries_at_once_write_one_message", "written twice");
}

#[test]
fn a_cid_that_is_forgotten_on_reopening_is_noticed() {
    assert_eq!(verdict("a_retry_is_a_replay", Kept::new(Defect::CidForgottenOnReopening)), None);
    let reason = "a retry after reopening is written again";
    breaks(Defect::CidForgottenOnReopening, "cids_survive_reopening", reason);
}

#[test]
fn an_ignored_print_is_noticed() {
    breaks(Defect::PrintIgnored, "a_reused_cid_is_told_from_a_retry", "Outcome::CidReused");
}

#[test]
fn an_ignored_epoch_is_noticed() {
    breaks(Defect::StaleEpochIgnored, "a_stale_epoch_writes_nothing", "on a stale epoch was carried out");
    breaks(Defect::StaleEpochIgnored, "the_second_of_two_amendments_is_stale", "both carried out");
    breaks(Defect::StaleEpochIgnored, "a_block_makes_decisions_stale", "decided before a block");
}

#[test]
fn marks_that_go_back_are_noticed() {
    breaks(Defect::MarksGoBack, "marks_are_clamped", "no mark goes back");
    breaks(Defect::MarksGoBack, "marks_never_go_back_under_contention", "a mark went back");
}

#[test]
fn outsiders_who_read_are_noticed() {
    breaks(Defect::OutsidersRead, "outsiders_read_nothing", "is_none()");
}

#[test]
fn a_short_page_that_counts_as_the_end_is_noticed() {
    breaks(Defect::ShortPageIsTheEnd, "pages_around_have_both_halves", "([4, 3, 2, 1], true)");
    breaks(Defect::ShortPageIsTheEnd, "what_is_not_seen_ends_no_walk", "([11, 10, 9], true)");
}

#[test]
fn an_ended_session_that_is_used_is_noticed() {
    breaks(Defect::EndedSessionsTouched, "an_ended_session_stays_ended", "touch_session");
}

#[test]
fn refresh_tokens_that_are_not_compared_are_noticed() {
    breaks(Defect::RefreshNotCompared, "refresh_tokens_are_swapped_once", "got through");
}

#[test]
fn a_name_that_is_not_forgotten_is_noticed() {
    breaks(Defect::NamesNotForgotten, "a_forgotten_credential_is_gone", "is still there");
}

#[test]
fn a_cursor_that_is_ahead_is_noticed() {
    breaks(Defect::CursorAhead, "a_first_page_leads_to_what_comes_after", "left: []");
}

#[test]
fn a_link_that_outlives_its_revocation_is_noticed() {
    breaks(Defect::RevokedLinksOpen, "a_revoked_link_opens_nothing", "revoke_link");
}

#[test]
fn a_contact_that_is_made_anew_is_noticed() {
    breaks(Defect::ContactsMadeAnew, "a_contact_stays_as_it_was_made", "bee");
}

#[test]
fn mentions_that_an_edit_loses_are_noticed() {
    breaks(Defect::EditedMentionsLost, "mentions_follow_edits_and_deletions", "an edit mentions");
}

#[test]
fn revs_that_are_passed_over_are_noticed() {
    breaks(Defect::RevsPassedOver, "what_happened_is_read_by_rev", "LogEntry");
}

#[test]
fn an_invite_that_is_used_twice_is_noticed() {
    breaks(Defect::InvitesUsedTwice, "an_invite_is_used_once", "used more than once");
    breaks(Defect::InvitesUsedTwice, "a_revoked_invite_is_gone", "use_invite");
}

#[test]
fn files_that_are_not_kept_or_not_forgotten_are_noticed() {
    breaks(Defect::FilesMadeAnew, "a_file_is_made_once", "made more than once");
    breaks(Defect::FilesNotForgotten, "forgotten_files_are_gone", "right: [2, 2, 1, 0]");
}

#[test]
fn a_store_that_names_what_is_spent_once_only_is_noticed() {
    breaks(Defect::SpentNamedOnce, "the_spent_are_named_until_they_are_gone", "is named again");
}

#[test]
fn a_store_that_forgets_is_noticed() {
    for law in laws().iter().filter(|law| law.reopens()).map(|law| law.name()) {
        let harmless = law == "a_store_that_reopens_is_not_volatile";
        assert_eq!(verdict(law, Lost).is_none(), harmless, "{law}");
    }
}

#[test]
fn a_store_without_defect_keeps_the_laws_about_reopening() {
    for law in laws().iter().filter(|law| law.reopens()) {
        assert_eq!(verdict(law.name(), Kept::new(Defect::None)), None, "{law:?}");
    }
}

/// Returns whether one of the histories that `model::check` plays shows a difference.
fn differs(defect: Defect) -> bool {
    let mut random = TestRunner::deterministic();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    (0..40).any(|_| {
        let history = model::histories().new_tree(&mut random).unwrap().current();
        let compared = || runtime.block_on(model::compare(&history, &Kept::new(defect)));
        // A defect may go so far that the store itself gives up.
        !matches!(catch_unwind(AssertUnwindSafe(compared)), Ok(Ok(())))
    })
}

#[test]
fn random_histories_notice_every_defect_that_shows_without_reopening() {
    assert!(!differs(Defect::None));
    for defect in [
        Defect::SeqReusedAfterUnsend,
        Defect::CidForgotten,
        Defect::PrintIgnored,
        Defect::StaleEpochIgnored,
        Defect::MarksGoBack,
        Defect::OutsidersRead,
        Defect::ShortPageIsTheEnd,
        Defect::EndedSessionsTouched,
        Defect::CursorAhead,
    ] {
        assert!(differs(defect), "the model did not notice {defect:?}");
    }
}

#[test]
fn every_law_has_a_name_of_its_own() {
    let laws = laws();
    let names: BTreeSet<_> = laws.iter().map(|law| law.name()).collect();
    assert_eq!(names.len(), laws.len());
    assert!(laws.len() >= 60, "{} laws", laws.len());
}

/// With the standard harness the laws would compile, and none would run.
#[test]
fn the_memory_store_brings_its_own_harness() {
    let manifest = include_str!("../../Cargo.toml");
    let target = manifest.split("[[").find(|target| target.contains("name = \"laws_memory\""));
    let target = target.expect("the laws of the memory store are a test target");
    assert!(target.contains("harness = false"), "{target}");
}
