//! The tests of the workspace and the examples in its documentation.

use std::io;

use crate::{
    database,
    outcome::Outcome,
    run::{Finished, Run},
    summary::Summary,
};

/// Tells the tests that mount file systems of their own that being unable to is a failure, which names the remedy.
const FUSE: &str = "MVCHAT_TEST_FUSE";

/// Runs all tests with cargo-nextest, or with `cargo test` where that is not installed; with a database of their own.
pub(super) fn workspace() -> Outcome {
    match database::require() {
        Ok(database) => with_database(&database.url()),
        Err(missing) => Outcome::failed("there is no database for the tests", missing),
    }
}

fn with_database(url: &str) -> Outcome {
    let nextest = Run::cargo().words("nextest --version").capture().is_ok_and(|done| done.success);
    if nextest {
        let run = Run::cargo().words("nextest run --workspace --all-features --no-fail-fast --no-tests=pass");
        let run = run.env(database::ADDRESS, url).env(FUSE, "1");
        return of_tests(run.capture(), Summary::of_nextest);
    }
    let run = "test --workspace --all-features --lib --bins --tests --examples --no-fail-fast";
    of_harnesses(Run::cargo().words(run).env(database::ADDRESS, url).env(FUSE, "1"))
}

/// Runs the documentation's examples, which cargo-nextest does not know.
pub(super) fn docs() -> Outcome {
    of_harnesses(Run::cargo().words("test --doc --workspace --all-features --no-fail-fast"))
}

/// Runs what ends with a `test result:` line and counts it.
pub(super) fn of_harnesses(run: Run) -> Outcome {
    of_tests(run.capture(), Summary::of_harnesses)
}

/// Counts what Node's test runner reports in the form of TAP.
pub(super) fn of_node(run: io::Result<Finished>) -> Outcome {
    of_tests(run, Summary::of_node)
}

/// Counts what a runner reports. A test that exists and was not run counts as failed, and so does a run that ends badly
/// or without a summary, whatever it counted before.
fn of_tests(run: io::Result<Finished>, read: fn(&str) -> Summary) -> Outcome {
    let done = match run {
        Ok(done) => done,
        Err(error) => return Outcome::failed(format!("cannot run the tests: {error}"), ""),
    };
    let sum = read(&done.output);
    let broken = !done.success || sum.summaries == 0;
    let failed = (sum.failed + sum.skipped).max(u64::from(broken));
    let mut note = format!("{} passed, {failed} failed", sum.passed);
    if sum.skipped > 0 {
        note.push_str(&format!(", of these {} not run: no test may be skipped", sum.skipped));
    }
    Outcome { passed: sum.passed, failed, note, output: done.output }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(success: bool, output: &str) -> (u64, u64) {
        let outcome = of_tests(
            Ok(Finished { success, stdout: String::new(), output: output.to_owned() }),
            Summary::of_nextest,
        );
        (outcome.passed, outcome.failed)
    }

    #[test]
    fn a_good_run_counts_its_tests() {
        assert_eq!(outcome(true, "Summary [ 0.1s] 7 tests run: 7 passed, 0 skipped"), (7, 0));
    }

    #[test]
    fn a_skipped_test_is_a_failure() {
        assert_eq!(outcome(true, "Summary [ 0.1s] 7 tests run: 7 passed, 2 skipped"), (7, 2));
    }

    #[test]
    fn a_run_that_did_not_get_to_its_tests_is_a_failure() {
        assert_eq!(outcome(false, "error: could not compile"), (0, 1));
        assert_eq!(outcome(true, ""), (0, 1));
        assert_eq!(outcome(false, "Summary [ 0.1s] 7 tests run: 7 passed, 0 skipped"), (7, 1));
    }
}
