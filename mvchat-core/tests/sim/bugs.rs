//! The test of the tests: every planted bug is found, and by which check.

use mvchat_core::builtin::keys::{Context, Keys};
use mvchat_core::builtin::token::{Claims, TokenSigner};
use mvchat_core::seeded::{SeededBug, plant};
use mvchat_core::testkit::sim::{Scenario, run};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How many seeds a bug may hide in.
const SEEDS: u64 = 150;

/// Content opens in the conversation that it was sealed for, and nowhere else.
fn sealed_content_is_bound() -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("it starts");
    runtime.block_on(async {
        let (keys, user) = (Keys::ephemeral(), Uuid::from_u128(1));
        keys.create_user(user).await.expect("a key is made");
        let key = keys.user(user).await.expect("it is there");
        let context =
            |conv| Context::Message { conv: Uuid::from_u128(conv), id: user, sender: user, revision: 0 };
        let sealed = key.seal(&context(7), b"content");
        key.open(&context(7), &sealed).is_ok() && key.open(&context(8), &sealed).is_err()
    })
}

/// A token is good until its end, and not a second longer.
fn tokens_end_in_time() -> bool {
    let signer = TokenSigner::new(Keys::ephemeral().tokens().clone(), "a", "a");
    let id = Uuid::from_u128(1);
    let (iss, aud) = ("a".to_owned(), "a".to_owned());
    let token = signer.sign(&Claims { iss, aud, sub: id, sid: id, iat: 1_000, exp: 2_000, jti: id });
    signer.verify(&token, 1_999).is_ok() && signer.verify(&token, 2_000).is_err()
}

/// Returns the check that finds what is planted, and in how many seeds.
fn caught() -> Option<(String, u64)> {
    if !sealed_content_is_bound() {
        return Some(("bound ciphertext".to_owned(), 0));
    }
    if !tokens_end_in_time() {
        return Some(("tokens end in time".to_owned(), 0));
    }
    // What takes a flood to be seen is left for later, because floods take their time.
    let flooded = (1..=5).map(|seed| (seed, Scenario::default().flooded()));
    let usual = (1..=SEEDS).map(|seed| (seed, Scenario::by_seed(seed)));
    let runs = usual.clone().take(20).chain(flooded).chain(usual.skip(20));
    runs.into_iter().find_map(|(seed, scenario)| {
        let report = run(seed, &scenario, &scenario.memory());
        let mut found: BTreeMap<&str, usize> = BTreeMap::new();
        for violation in &report.violations {
            *found.entry(violation.promise).or_default() += 1;
        }
        let names: Vec<_> = found.into_keys().collect();
        (!names.is_empty()).then(|| (names.join(", "), seed))
    })
}

#[test]
fn every_planted_bug_is_caught() {
    let mut missed = Vec::new();
    println!("| Bug | Found by | In seed |\n|---|---|---|");
    let only = std::env::var("MVCHAT_SIM_BUG").ok();
    let wanted = |bug: &&SeededBug| only.as_ref().is_none_or(|only| *only == format!("{bug:?}"));
    for bug in SeededBug::ALL.iter().filter(wanted) {
        plant(Some(*bug));
        match caught() {
            Some((check, seeds)) => println!("| `{bug:?}` | {check} | {seeds} |"),
            None => missed.push(*bug),
        }
    }
    plant(None);
    assert!(missed.is_empty(), "nothing has found {missed:?}");
}
