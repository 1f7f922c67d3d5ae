//! Reading the last words of test runners.

/// What one or several runners counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Summary {
    /// How many summaries were found; a run without any did not get as far as testing.
    pub(crate) summaries: u64,
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed, timed out or could not be started.
    pub(crate) failed: u64,
    /// Tests that exist and were not run.
    pub(crate) skipped: u64,
}

impl Summary {
    /// Reads the one summary that cargo-nextest ends with. What it shows of failed tests is left alone, because it
    /// contains the summaries of their own harnesses.
    pub(crate) fn of_nextest(output: &str) -> Summary {
        let lines = output.lines().map(plain).collect::<Vec<_>>();
        let counts = lines.iter().rev().find_map(|line| {
            let (_, counts) = line.trim().strip_prefix("Summary [")?.split_once("run:")?;
            Some(counts)
        });
        let mut sum = Summary::default();
        counts.into_iter().for_each(|counts| sum.count(counts));
        sum
    }

    /// Adds up the `test result:` lines that harnesses end with, one for each test binary.
    pub(crate) fn of_harnesses(output: &str) -> Summary {
        let mut sum = Summary::default();
        for line in output.lines().map(plain) {
            if let Some((_, counts)) = line.strip_prefix("test result:").and_then(|line| line.split_once('.'))
            {
                sum.count(counts);
            }
        }
        sum
    }

    /// Reads the counts that Node's test runner ends with, in the form of TAP. What is left to do was not run either.
    pub(crate) fn of_node(output: &str) -> Summary {
        let mut sum = Summary::default();
        for line in output.lines() {
            let Some((what, count)) = line.strip_prefix("# ").and_then(|line| line.split_once(' ')) else {
                continue;
            };
            let Ok(count) = count.parse::<u64>() else { continue };
            match what {
                "pass" => {
                    sum.summaries += 1;
                    sum.passed += count;
                }
                "fail" | "cancelled" => sum.failed += count,
                "skipped" | "todo" => sum.skipped += count,
                _ => {}
            }
        }
        sum
    }

    fn count(&mut self, counts: &str) {
        self.summaries += 1;
        for part in counts.split([',', ';', '(', ')']) {
            self.add(part.trim());
        }
    }

    fn add(&mut self, part: &str) {
        let Some((count, what)) = part.split_once(' ') else { return };
        let Ok(count) = count.parse::<u64>() else { return };
        match what.trim() {
            "passed" => self.passed += count,
            "failed" | "timed out" | "exec failed" | "failed to execute" => self.failed += count,
            "skipped" | "ignored" | "not run" => self.skipped += count,
            // What remains describes tests that are counted already (slow, leaky, flaky) or are no tests.
            _ => {}
        }
    }
}

/// Takes terminal colours out of a line.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            text.push(c);
            continue;
        }
        // A control sequence ends with its first letter.
        for c in chars.by_ref() {
            if c.is_ascii_alphabetic() {
                break;
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(sum: Summary) -> (u64, u64, u64, u64) {
        (sum.summaries, sum.passed, sum.failed, sum.skipped)
    }

    fn nextest(output: &str) -> (u64, u64, u64, u64) {
        counts(Summary::of_nextest(output))
    }

    fn harnesses(output: &str) -> (u64, u64, u64, u64) {
        counts(Summary::of_harnesses(output))
    }

    #[test]
    fn harness_results_add_up() {
        let output = "running 2 tests\ntest a ... ok\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n\
            test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(harnesses(output), (2, 5, 4, 1));
    }

    #[test]
    fn nextest_summaries_are_read_in_every_form() {
        assert_eq!(nextest("     Summary [   0.005s] 1 test run: 1 passed, 0 skipped"), (1, 1, 0, 0));
        let mixed = "     Summary [  12.1s] 9 tests run: 6 passed (1 slow), 2 failed, 1 timed out, 3 skipped";
        assert_eq!(nextest(mixed), (1, 6, 3, 3));
        let stopped = "Summary [ 1.0s] 5/9 tests run: 4 passed (1 leaky), 1 exec failed, 0 skipped";
        assert_eq!(nextest(stopped), (1, 4, 1, 0));
        assert_eq!(nextest("     Summary [   0.000s] 0 tests run: 0 passed, 0 skipped"), (1, 0, 0, 0));
    }

    #[test]
    fn what_nextest_shows_of_a_failed_test_is_not_counted() {
        let output = "        FAIL [   0.065s] a b\n  stdout ---\n\n    \
            test result: FAILED. 0 passed; 1 failed; 0 ignored\n\n     \
            Summary [   0.213s] 48 tests run: 46 passed, 2 failed, 1 skipped\n        FAIL a b\n";
        assert_eq!(nextest(output), (1, 46, 2, 1));
    }

    #[test]
    fn colours_do_not_hide_a_summary() {
        let output = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.005s] \u{1b}[1m2\u{1b}[0m tests run: \
            \u{1b}[1m2\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m skipped";
        assert_eq!(nextest(output), (1, 2, 0, 0));
    }

    #[test]
    fn counts_of_node_are_read() {
        let output = "ok 1 - a\n# a comment 7\n# tests 9\n# suites 1\n# pass 4\n# fail 1\n# cancelled 2\n\
            # skipped 1\n# todo 1\n# duration_ms 12.5\n";
        assert_eq!(counts(Summary::of_node(output)), (1, 4, 3, 2));
        assert_eq!(counts(Summary::of_node("ok 1 - a\n")), (0, 0, 0, 0));
    }

    #[test]
    fn output_without_a_summary_has_none() {
        let output = "error: could not compile\nthe test result: 5 passed; 0 failed\n5 passed";
        assert_eq!(nextest(output), (0, 0, 0, 0));
        assert_eq!(harnesses(output), (0, 0, 0, 0));
    }
}
