//! Random histories that move from store to store in their middle: every copy goes on like its source.

use super::play::Player;
use super::{Step, histories, number, step};
use crate::builtin::MemoryStore;
use crate::engine::copy;
use crate::seam::Portable;
use crate::testkit::store::StoreFixture;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

/// Carries the first part of a history out on a store and on a fresh memory store, copies each into the other kind and
/// the store into another one of its kind, and carries the rest out on all of them.
///
/// # Errors
/// The first step whose answers differ, or what a copy failed with.
pub async fn compare_copies<F: StoreFixture>(
    history: &[Step],
    cut: usize,
    fixture: impl Fn() -> F,
) -> Result<(), String>
where
    F::Store: Portable,
{
    let (own, up, over) = (fixture(), fixture(), fixture());
    let (own, up, over) = (own.open().await, up.open().await, over.open().await);
    let (model, down) = (MemoryStore::default(), MemoryStore::default());
    let mut players = [Player::new(&own), Player::new(&model)];
    let prologue = step::prologue();
    let steps: Vec<&Step> = prologue.iter().chain(history).collect();
    let (before, after) = steps.split_at((prologue.len() + cut).min(steps.len()));
    for (number, step) in before.iter().enumerate() {
        let [own, model] = &mut players;
        drop((own.play(step, number).await, model.play(step, number).await));
    }
    let pairs: [(&dyn Portable, &dyn Portable); 3] = [(&own, &down), (&own, &over), (&model, &up)];
    for (from, to) in pairs {
        let copied = copy(from, to, |_| {}).await;
        copied.map_err(|error| format!("from {from:?} to {to:?}: {error} {error:?}"))?;
    }
    let [own_player, mut expected] = players;
    let mut copies = [
        ("copied out", own_player.moved(&down)),
        ("copied on", own_player.moved(&over)),
        ("copied in", expected.moved(&up)),
        ("not copied", own_player),
    ];
    for (number, step) in after.iter().enumerate() {
        let number = number + before.len();
        let told = expected.play(step, number).await;
        for (name, player) in &mut copies {
            let got = player.play(step, number).await;
            if got != told {
                return Err(format!("{name}, step {number}, {step:?}\n   got: {got}\n   model: {told}"));
            }
        }
    }
    let told = expected.everything().await;
    for (name, player) in &mut copies {
        let got = player.everything().await;
        if got != told {
            return Err(format!("{name}, at the end\n   got: {got}\n   model: {told}"));
        }
    }
    Ok(())
}

/// Compares copies in the middle of histories: a quarter as many as [`check`](super::check) does.
///
/// # Panics
/// If an answer differs; the text holds the shortest history that was found with that.
pub fn check_copies<F: StoreFixture>(fixture: impl Fn() -> F)
where
    F::Store: Portable,
{
    let cases = number("MVCHAT_MODEL_CASES").unwrap_or(40).div_ceil(4);
    let config = Config {
        cases: u32::try_from(cases).unwrap_or(u32::MAX),
        max_shrink_iters: 4_096,
        max_shrink_time: 20_000,
        failure_persistence: None,
        ..Config::default()
    };
    let seed = number("MVCHAT_MODEL_SEED").unwrap_or(1).to_le_bytes().repeat(4);
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let ran = runner.run(&(histories(), 0..50_usize), |(history, cut)| {
        runtime.block_on(compare_copies(&history, cut, &fixture)).map_err(TestCaseError::fail)
    });
    if let Err(error) = ran {
        panic!("a copy is not like its source: {error}");
    }
}
