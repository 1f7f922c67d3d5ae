//! The laws of stores: every bullet of the contracts in [`seam`](crate::seam), by the name that it gives.

mod acts;
mod batches;
mod bed;
mod blocks;
mod change_walks;
mod changes;
mod cids;
mod concurrency;
mod contacts;
mod conversations;
mod expiry;
mod files;
mod invites;
mod links;
mod log;
mod marks;
mod members;
mod mentions;
mod messages;
mod pages;
mod portable;
mod reopening;
mod search;
mod sessions;
mod since;
mod stale;
mod unread;
mod users;
mod views;
mod warrants;

pub use bed::Bed;

use super::{Law, model, runner};
use crate::seam::{Portable, Store};
use std::process::ExitCode;
use std::sync::Arc;

/// Opens a store for one law: a new one, empty, that no other law sees.
pub trait StoreFixture: Send + Sync + 'static {
    /// The store.
    type Store: Store;

    /// Whether [`open`](StoreFixture::open) finds what the store that was opened before has written, after
    /// that was dropped. The laws about reopening are listed for such stores only.
    const REOPENS: bool = false;

    /// Opens the store.
    fn open(&self) -> impl Future<Output = Self::Store> + Send;
}

/// Runs all laws and the model test as a test program; `fixture` makes the fixture of the law with the given
/// name.
pub fn main<F: StoreFixture>(fixture: impl Fn(&str) -> F + Send + Sync + 'static) -> ExitCode {
    runner::main(tests(Arc::new(fixture)))
}

/// Like [`main`], for a store whose contents can move.
pub fn main_of_portable<F: StoreFixture>(fixture: impl Fn(&str) -> F + Send + Sync + 'static) -> ExitCode
where
    F::Store: Portable,
{
    let fixture = Arc::new(fixture);
    let mut tests = tests(Arc::clone(&fixture));
    tests.extend(portable::tests(fixture));
    runner::main(tests)
}

fn tests<F: StoreFixture>(fixture: Arc<impl Fn(&str) -> F + Send + Sync + 'static>) -> Vec<runner::Test> {
    let mut tests: Vec<runner::Test> = Vec::new();
    for law in laws().into_iter().filter(|law| F::REOPENS || !law.reopens) {
        let fixture = fixture.clone();
        tests.push((law.name, Arc::new(move || check(&law, fixture(law.name)))));
    }
    let name = "random_histories_are_those_of_the_model";
    tests.push((name, Arc::new(move || model::check(|| fixture(name)))));
    tests
}

/// Checks one law on a store of its own.
///
/// # Panics
/// If the store breaks the law.
pub fn check<F: StoreFixture>(law: &Law<Bed>, fixture: F) {
    law.check(|| Bed::open(fixture));
}

/// Returns all laws.
pub fn laws() -> Vec<Law<Bed>> {
    let topics = [
        users::LAWS,
        search::LAWS,
        sessions::LAWS,
        conversations::LAWS,
        members::LAWS,
        blocks::LAWS,
        views::LAWS,
        since::LAWS,
        unread::LAWS,
        marks::LAWS,
        mentions::LAWS,
        messages::LAWS,
        stale::LAWS,
        warrants::LAWS,
        cids::LAWS,
        batches::LAWS,
        pages::LAWS,
        changes::LAWS,
        change_walks::LAWS,
        contacts::LAWS,
        invites::LAWS,
        files::LAWS,
        links::LAWS,
        log::LAWS,
        concurrency::LAWS,
        expiry::LAWS,
        reopening::LAWS,
    ];
    topics.concat()
}
