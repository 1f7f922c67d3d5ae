//! The laws of directories: every bullet of the contract of [`Directory`], by the name that it gives.

use super::Law;
use super::runner::{self, law};
use crate::proto::UserId;
use crate::seam::Directory;
use std::collections::BTreeSet;
use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use uuid::Uuid;

/// A directory, and what is in it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Sample {
    /// The directory.
    pub directory: Box<dyn Directory>,
    /// At least three users whom it knows, all of whom a search for `text` finds.
    pub known: Vec<UserId>,
    /// A part of their names.
    pub text: String,
}

impl Sample {
    /// Puts a sample together.
    pub fn new(directory: impl Directory, known: Vec<UserId>, text: &str) -> Self {
        Self { directory: Box::new(directory), known, text: text.to_owned() }
    }
}

/// What a law is checked on.
pub struct Bed(Sample);

impl Bed {
    /// Prepares a sample.
    pub fn new(sample: Sample) -> Self {
        assert!(sample.known.len() >= 3, "a sample has three users and more");
        Self(sample)
    }
}

impl fmt::Debug for Bed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bed({:?})", self.0.directory)
    }
}

/// Runs all laws as a test program; `sample` is called within the runtime.
pub fn main<F>(sample: impl Fn() -> F + Send + Sync + 'static) -> ExitCode
where
    F: Future<Output = Sample> + 'static,
{
    let sample = Arc::new(sample);
    let tests = laws().into_iter().map(|law| -> runner::Test {
        let sample = sample.clone();
        (law.name, Arc::new(move || law.check(|| async { Bed::new(sample().await) })))
    });
    runner::main(tests.collect())
}

/// Returns all laws.
pub fn laws() -> Vec<Law<Bed>> {
    vec![
        law!(profiles_come_in_the_order_of_the_ids),
        law!(nobody_has_no_profile),
        law!(a_search_keeps_to_what_it_was_told),
    ]
}

async fn profiles_come_in_the_order_of_the_ids(Bed(sample): Bed) {
    let nobody = UserId(Uuid::from_u128(0x6e6f_626f_6479));
    let (one, two) = (sample.known[0], sample.known[1]);
    let alone = sample.directory.profiles(&[one]).await.unwrap();
    assert!(alone[0].is_some(), "a known user has a profile");
    let other = sample.directory.profiles(&[two]).await.unwrap();
    let asked = sample.directory.profiles(&[two, nobody, one, two]).await.unwrap();
    assert_eq!(asked, [other[0].clone(), None, alone[0].clone(), other[0].clone()]);
}

async fn nobody_has_no_profile(Bed(sample): Bed) {
    assert_eq!(sample.directory.profiles(&[]).await.unwrap(), []);
}

async fn a_search_keeps_to_what_it_was_told(Bed(sample): Bed) {
    let Sample { directory, known, text } = sample;
    let Some(all) = directory.search(&text, &[], 50).await.unwrap() else { return };
    let found: BTreeSet<_> = all.iter().copied().collect();
    assert_eq!(found.len(), all.len(), "somebody is named twice");
    assert!(known.iter().all(|user| found.contains(user)), "somebody is missing");
    let profiles = directory.profiles(&all).await.unwrap();
    assert!(profiles.iter().all(Option::is_some), "somebody is found who has no profile");
    let but = directory.search(&text, &known[..1], 50).await.unwrap().unwrap();
    assert!(!but.contains(&known[0]) && but.contains(&known[1]));
    for limit in 0..3 {
        assert!(directory.search(&text, &[], limit).await.unwrap().unwrap().len() <= limit);
    }
    let two = directory.search(&text, &[], 2).await.unwrap().unwrap();
    assert_eq!(two.len(), 2, "there are more, and room for two");
}
