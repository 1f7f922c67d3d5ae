//! Random histories, carried out on a store and on the memory store: every answer must be the same.

mod copies;
mod look;
mod make;
mod play;
mod step;
mod told;
mod world;

pub use copies::{check_copies, compare_copies};
pub use step::{Edit, Step};

use super::store::StoreFixture;
use crate::builtin::MemoryStore;
use play::Player;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

/// How many steps a history has.
const STEPS: usize = 50;

/// Returns a strategy that makes histories of about 50 steps, and shrinks them: also by leaving steps out.
pub fn histories() -> impl Strategy<Value = Vec<Step>> {
    let steps = vec(weighted(0.99, step::step()), STEPS);
    steps.prop_map(|steps| steps.into_iter().flatten().collect())
}

/// Carries a history out on a store and on a fresh memory store, in a world with four users and a few
/// conversations.
///
/// # Errors
/// The first step whose answers differ, with both answers. Positions and epochs are not compared, for a store
/// may count them in its own way.
pub async fn compare<F: StoreFixture>(history: &[Step], fixture: &F) -> Result<(), String> {
    let (store, model) = (fixture.open().await, MemoryStore::default());
    let (mut store, mut model) = (Player::new(&store), Player::new(&model));
    let prologue = step::prologue();
    for (number, step) in prologue.iter().chain(history).enumerate() {
        let (got, expected) = (store.play(step, number).await, model.play(step, number).await);
        if got != expected {
            return Err(format!("step {number}, {step:?}\n   store: {got}\n   model: {expected}"));
        }
    }
    let (got, expected) = (store.everything().await, model.everything().await);
    if got != expected {
        return Err(format!("at the end\n   store: {got}\n   model: {expected}"));
    }
    Ok(())
}

/// Compares histories on fresh stores: so many as the environment's `MVCHAT_MODEL_CASES` says, otherwise 40;
/// always the same ones, unless `MVCHAT_MODEL_SEED` holds another number than 0.
///
/// # Panics
/// If an answer differs; the text holds the shortest history that was found with that.
pub fn check<F: StoreFixture>(fixture: impl Fn() -> F) {
    let cases = number("MVCHAT_MODEL_CASES").unwrap_or(40);
    let config = Config {
        cases: u32::try_from(cases).unwrap_or(u32::MAX),
        max_shrink_iters: 4_096,
        // Enough to leave most steps out; a store on a disk would otherwise shrink for many minutes.
        max_shrink_time: 20_000,
        failure_persistence: None,
        ..Config::default()
    };
    let seed = number("MVCHAT_MODEL_SEED").unwrap_or(0).to_le_bytes().repeat(4);
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let ran = runner.run(&histories(), |history| {
        runtime.block_on(compare(&history, &fixture())).map_err(TestCaseError::fail)
    });
    if let Err(error) = ran {
        panic!("a store is not like the model: {error}");
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}
