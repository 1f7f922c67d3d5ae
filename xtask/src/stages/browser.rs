//! The web chat in Chromium, against the server that `up` builds.

use std::{io, path::Path, time::Duration};

use crate::{
    outcome::Outcome,
    run::{Finished, Run},
    tree, web,
};

const TESTS: &str = "examples/web/tests";
/// Far more than the tests take, far less than for ever.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Builds bundle and server, gets the browser and the libraries where they are missing, and runs the tests.
pub(super) fn browser() -> Outcome {
    if let Err(reason) = prepare() {
        return Outcome::failed(reason, "");
    }
    let run =
        Run::new("node").words("--test --test-reporter=tap --test-concurrency=1").arg(format!("{TESTS}/"));
    of_node(run.limit(LIMIT).capture())
}

fn prepare() -> Result<(), String> {
    web::web()?;
    Run::cargo().words("build --quiet -p mvchat-server --bin mvchat").show()?;
    let chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    if std::env::var_os("CHROMIUM").is_none() && !chromium.iter().any(|path| Path::new(path).exists()) {
        // Without the rights to install it, this fails, and its own words say why.
        let installed = Run::new("apt-get").words("install --yes --no-install-recommends chromium").show();
        installed.map_err(|reason| format!("{reason}; install Chromium, or name it in CHROMIUM"))?;
    }
    if !is_fresh(&tree::root().join(TESTS)) {
        Run::new("npm")
            .words("ci --no-audit --no-fund --ignore-scripts --prefix")
            .arg(tree::root().join(TESTS))
            .show()
            .map_err(|reason| format!("{reason}; install Node.js 20 or newer with npm"))?;
    }
    Ok(())
}

/// Tells whether the libraries that the lock file names are installed.
fn is_fresh(folder: &Path) -> bool {
    let changed = |name: &str| folder.join(name).metadata().and_then(|file| file.modified()).ok();
    match (changed("package-lock.json"), changed("node_modules/.package-lock.json")) {
        (Some(wanted), Some(installed)) => wanted <= installed,
        _ => false,
    }
}

/// Reads the counts at the end of what Node's test runner prints. A test that was not run counts as failed.
fn of_node(run: io::Result<Finished>) -> Outcome {
    let done = match run {
        Ok(done) => done,
        Err(error) => {
            return Outcome::failed(format!("cannot run: {error}; install Node.js 20 or newer"), "");
        }
    };
    let count = |name: &str| {
        let line = done.stdout.lines().rev().find_map(|line| line.strip_prefix("# ")?.strip_prefix(name));
        line.and_then(|number| number.trim().parse::<u64>().ok())
    };
    let passed = count("pass ").unwrap_or(0);
    let wrong =
        ["fail ", "cancelled ", "skipped ", "todo "].iter().filter_map(|name| count(name)).sum::<u64>();
    let failed = wrong.max(u64::from(!done.success || passed == 0));
    Outcome { passed, failed, note: format!("{passed} passed, {failed} failed"), output: done.output }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(success: bool, stdout: &str) -> (u64, u64) {
        let done = Finished { success, stdout: stdout.to_owned(), output: String::new() };
        let outcome = of_node(Ok(done));
        (outcome.passed, outcome.failed)
    }

    #[test]
    fn a_good_run_counts_its_tests() {
        assert_eq!(
            counts(true, "# tests 2\n# pass 2\n# fail 0\n# cancelled 0\n# skipped 0\n# todo 0\n"),
            (2, 0)
        );
    }

    #[test]
    fn what_was_not_run_failed() {
        assert_eq!(counts(true, "# pass 2\n# fail 0\n# skipped 1\n"), (2, 1));
        assert_eq!(counts(false, "# pass 2\n# fail 0\n"), (2, 1));
        assert_eq!(counts(true, ""), (0, 1));
    }
}
