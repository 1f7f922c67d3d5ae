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
    /// Adds up every summary in the output of cargo-nextest and of harnesses that write the `test result:` line.
    pub(crate) fn read(output: &str) -> Summary {
        let mut sum = Summary::default();
        for line in output.lines() {
            let line = plain(line);
            let line = line.trim();
            let counts = if let Some((_, counts)) =
                line.strip_prefix("test result:").and_then(|l| l.split_once('.'))
            {
                counts
            } else if let Some((_, counts)) =
                line.strip_prefix("Summary [").and_then(|l| l.split_once("run:"))
            {
                counts
            } else {
                continue;
            };
            sum.summaries += 1;
            for part in counts.split([',', ';', '(', ')']) {
                sum.add(part.trim());
            }
        }
        sum
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

    fn counts(output: &str) -> (u64, u64, u64, u64) {
        let Summary { summaries, passed, failed, skipped } = Summary::read(output);
        (summaries, passed, failed, skipped)
    }

    #[test]
    fn harness_results_add_up() {
        let output = "running 2 tests\ntest a ... ok\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n\
            test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(counts(output), (2, 5, 4, 1));
    }

    #[test]
    fn nextest_summaries_are_read_in_every_form() {
        assert_eq!(counts("     Summary [   0.005s] 1 test run: 1 passed, 0 skipped"), (1, 1, 0, 0));
        assert_eq!(
            counts("     Summary [  12.1s] 9 tests run: 6 passed (1 slow), 2 failed, 1 timed out, 3 skipped"),
            (1, 6, 3, 3)
        );
        assert_eq!(
            counts("Summary [ 1.0s] 5/9 tests run: 4 passed (1 leaky), 1 exec failed, 0 skipped"),
            (1, 4, 1, 0)
        );
        assert_eq!(counts("     Summary [   0.000s] 0 tests run: 0 passed, 0 skipped"), (1, 0, 0, 0));
    }

    #[test]
    fn colours_do_not_hide_a_summary() {
        let output = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.005s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m2\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m skipped";
        assert_eq!(counts(output), (1, 2, 0, 0));
    }

    #[test]
    fn words_of_a_test_are_no_summary() {
        assert_eq!(
            counts("error: could not compile\nthe test result: 5 passed; 0 failed\n5 passed"),
            (0, 0, 0, 0)
        );
    }
}
