//! Licences, sources, bans and advisories of the dependencies, by cargo-deny.

use std::{path::PathBuf, time::Duration};

use crate::{outcome::Outcome, run::Run, stages::lints, tree};

/// The version whose configuration format `deny.toml` is written in.
const VERSION: &str = "0.20.2";

/// Checks all lock files; the tools' own licences do not matter, because the tools are not shipped.
pub(super) fn deny() -> Outcome {
    let program = match program() {
        Ok(program) => program,
        Err(outcome) => return outcome,
    };
    let workspace = Run::new(&program)
        .words("--locked --all-features check --hide-inclusion-graph bans licenses sources");
    let workspace = Outcome::of_check(workspace.capture(), REMEDY);
    if workspace.failed > 0 {
        return workspace;
    }
    lints::of_tools(|tool| {
        let run =
            format!("--locked --manifest-path tools/{tool}/Cargo.toml --config deny.toml check sources");
        Outcome::of_check(Run::new(&program).words(&run).capture(), REMEDY)
    })
}

/// Reports known vulnerabilities. The database changes without the project and may be out of reach, so that this stage
/// tells and never fails.
pub(super) fn advisories() -> Outcome {
    let Ok(program) = program() else { return Outcome::noted("not checked: no cargo-deny") };
    let run = Run::new(program)
        .words("--locked --all-features check --hide-inclusion-graph advisories")
        .env("GIT_TERMINAL_PROMPT", "0")
        .limit(Duration::from_secs(60));
    match run.capture() {
        Ok(done) if done.success => Outcome::passed(),
        Ok(done) if done.output.contains("error[") => {
            let found = done.output.lines().filter(|line| line.starts_with("error[")).collect::<Vec<_>>();
            Outcome::noted(format!("to be looked at, not blocking: {}", found.join("; ")))
        }
        _ => Outcome::noted("not checked: the advisory database is out of reach"),
    }
}

const REMEDY: &str = "install it with: cargo install --locked cargo-deny@0.20.2";

/// Finds the pinned version on the path or among the project's tools, and builds it once where it is missing.
fn program() -> Result<PathBuf, Outcome> {
    let name = format!("cargo-deny{}", std::env::consts::EXE_SUFFIX);
    let own = tree::tools().join("bin").join(&name);
    let known = [PathBuf::from(name), own.clone()];
    if let Some(program) = known.into_iter().find(is_pinned) {
        return Ok(program);
    }
    // Without optimisation: a third of the build time, and the check still takes a second.
    let install = Run::cargo()
        .words("install --quiet --debug --locked --root")
        .arg(tree::tools())
        .arg("--target-dir")
        .arg(tree::tools().join("build"))
        .arg(format!("cargo-deny@{VERSION}"))
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_INCREMENTAL", "0");
    let installed = Outcome::of_check(install.capture(), REMEDY);
    if installed.failed > 0 {
        return Err(Outcome { note: format!("cargo-deny cannot be installed; {REMEDY}"), ..installed });
    }
    Ok(own)
}

fn is_pinned(program: &PathBuf) -> bool {
    Run::new(program)
        .words("--version")
        .capture()
        .is_ok_and(|done| done.stdout.trim() == format!("cargo-deny {VERSION}"))
}
