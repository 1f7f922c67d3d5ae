//! The browser client's package: built, weighed, and tested as apps use it.

use std::path::Path;

use crate::{
    npm,
    outcome::Outcome,
    run::{Finished, Run},
    stages::suites::of_harnesses,
    tree, wasm_target,
};

/// Builds the package with a builder that has passed its own tests.
pub(super) fn package() -> Outcome {
    if let Err(reason) = wasm_target::add() {
        return Outcome::failed("", reason);
    }
    let tool = of_harnesses(npm::tool_tests());
    if tool.failed > 0 {
        return tool;
    }
    match npm::tool().capture() {
        Ok(done) if done.success => {
            let weight = done.stdout.lines().last().unwrap_or_default().trim().to_owned();
            Outcome { passed: tool.passed + 1, note: weight, ..Outcome::default() }
        }
        Ok(done) => Outcome::failed("the package cannot be built", done.output),
        Err(error) => Outcome::failed(format!("cannot run: {error}; install cargo"), ""),
    }
}

/// Runs the package's tests in Node, some of them against the real server, and checks its types.
pub(super) fn client() -> Outcome {
    let built = package();
    if built.failed > 0 {
        return built;
    }
    let server = Run::cargo().words("build --quiet -p mvchat-server --bin mvchat").capture();
    let server = Outcome::of_check(server, "install Rust with rustup");
    if server.failed > 0 {
        return server;
    }
    let tests = tree::root().join("mvchat-client-wasm").join("tests");
    for step in [
        "npm ci --no-fund --no-audit --omit-lockfile-registry-resolved",
        "npm run prepare-package",
        "npm run types",
    ] {
        let outcome = Outcome::of_check(within(&tests, step).capture(), REMEDY);
        if outcome.failed > 0 {
            return outcome;
        }
    }
    match within(&tests, "npm test").capture() {
        Ok(done) => of_tap(done),
        Err(error) => Outcome::failed(format!("cannot run: {error}; {REMEDY}"), ""),
    }
}

const REMEDY: &str = "install Node 20 or later with npm, for example Debian's packages `nodejs` and `npm`";

/// Prepares a command in the folder of the package's tests.
fn within(tests: &Path, command: &str) -> Run {
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or_default();
    let run = Run::new(program).arg("--prefix").arg(tests);
    words.fold(run, Run::arg)
}

/// Counts what Node's test runner reports. A test that was not run counts as failed.
fn of_tap(done: Finished) -> Outcome {
    let count = |name: &str| -> u64 {
        let prefix = format!("# {name} ");
        done.stdout
            .lines()
            .find_map(|line| line.strip_prefix(&prefix))
            .and_then(|n| n.trim().parse().ok())
            .unwrap_or(0)
    };
    let passed = count("pass");
    let missing = ["fail", "cancelled", "skipped", "todo"].iter().map(|name| count(name)).sum::<u64>();
    let failed = missing.max(u64::from(!done.success || passed == 0));
    Outcome { passed, failed, note: format!("{passed} passed, {failed} failed"), output: done.output }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(success: bool, stdout: &str) -> (u64, u64) {
        let outcome = of_tap(Finished { success, stdout: stdout.to_owned(), output: String::new() });
        (outcome.passed, outcome.failed)
    }

    #[test]
    fn a_run_counts_its_tests_and_skips_none() {
        assert_eq!(outcome(true, "# pass 4\n# fail 0\n# cancelled 0\n# skipped 0\n# todo 0\n"), (4, 0));
        assert_eq!(outcome(false, "# pass 4\n# fail 1\n# cancelled 1\n"), (4, 2));
        assert_eq!(outcome(true, "# pass 4\n# skipped 1\n"), (4, 1));
        assert_eq!(outcome(false, ""), (0, 1));
        assert_eq!(outcome(true, ""), (0, 1));
    }
}
