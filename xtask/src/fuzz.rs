//! `fuzz`: libFuzzer makes up inputs for the laws of `fuzz/laws`, guided by what they reach in the code.

use std::{fs, path::PathBuf};

use crate::{run::Run, tree};

/// The targets, in the order in which they run.
const TARGETS: [&str; 8] = ["envelope", "notice", "irido", "cursor", "config", "token", "sealed", "session"];
/// How long each target runs when nobody says otherwise.
const SECONDS: &str = "60";
/// What makes LLVM count the edges that are taken and show what is compared. All of it is stable: the code is safe
/// Rust, so that there is nothing for a sanitizer, which would need a nightly compiler.
const INSTRUMENTATION: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Runs `--seconds S` of every target, or of `--target T`; `--keep` adds what reached new code to the corpus, in as few
/// files as it takes.
///
/// # Errors
/// When an argument is not known, the targets can't be built, or a law is broken: the output names the input.
pub(crate) fn fuzz(args: &[String]) -> Result<(), String> {
    let (mut seconds, mut only, mut keep) = (SECONDS.to_owned(), None, false);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("`{arg}` needs a value"));
        match arg.as_str() {
            "--seconds" => seconds.clone_from(value()?),
            "--target" => only = Some(value()?.clone()),
            "--keep" => keep = true,
            other => return Err(format!("`fuzz` knows no `{other}`")),
        }
    }
    seconds.parse::<u32>().map_err(|_| format!("`--seconds {seconds}` is no number"))?;
    let chosen = |target: &&str| only.as_deref().is_none_or(|only| only == *target);
    let targets: Vec<&str> = TARGETS.into_iter().filter(chosen).collect();
    if targets.is_empty() {
        return Err(format!("there is no such target; there are {}", TARGETS.join(", ")));
    }
    let programs = build(&targets)?;
    let broken: Vec<&str> =
        targets.into_iter().filter(|target| run(&programs, target, &seconds, keep).is_err()).collect();
    if broken.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the laws {} are broken; the inputs are in fuzz/target/found. Mend it, and move them to fuzz/corpus, where \
         every test run repeats them",
        broken.join(", ")
    ))
}

/// Builds the targets; returns their folder.
fn build(targets: &[&str]) -> Result<PathBuf, String> {
    let version = Run::new("rustc").words("-vV").capture().map_err(|error| format!("rustc: {error}"))?;
    let host = version.stdout.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or("`rustc -vV` does not say for which host it compiles")?.to_owned();
    // With a target, build scripts and macros are compiled without the flags.
    let mut run = Run::cargo().words("build --release --locked --manifest-path fuzz/Cargo.toml");
    for target in targets {
        run = run.words("--bin").arg(*target);
    }
    if targets.contains(&"config") {
        run = run.words("--features config");
    }
    run.words("--target-dir fuzz/target --target")
        .arg(&host)
        .env("RUSTFLAGS", INSTRUMENTATION)
        .env("CARGO_INCREMENTAL", "0")
        .show()
        .map_err(|error| format!("{error}; the targets need a C++ compiler, such as `g++`"))?;
    Ok(tree::root().join("fuzz/target").join(host).join("release"))
}

fn run(programs: &std::path::Path, target: &str, seconds: &str, keep: bool) -> Result<(), String> {
    let corpus = tree::root().join("fuzz/corpus").join(target);
    let found = tree::root().join("fuzz/target/found");
    let fresh = tree::root().join("fuzz/target/fresh").join(target);
    for folder in [&found, &fresh] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    println!("── {target}, {seconds} s");
    Run::new(programs.join(target))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/{target}-", found.display()))
        .words("-max_len=8192 -timeout=20 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=1")
        .arg(&fresh)
        .arg(&corpus)
        .show()?;
    if keep {
        // `-merge=1` keeps of the second folder what reaches anything that the first one does not.
        Run::new(programs.join(target)).words("-merge=1 -max_len=2048").arg(&corpus).arg(&fresh).show()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_refused() {
        let args = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(fuzz(&args("--seconds")), Err("`--seconds` needs a value".to_owned()));
        assert_eq!(fuzz(&args("--seconds long")), Err("`--seconds long` is no number".to_owned()));
        assert_eq!(fuzz(&args("--fast")), Err("`fuzz` knows no `--fast`".to_owned()));
        assert!(
            fuzz(&args("--target none")).is_err_and(|error| error.starts_with("there is no such target"))
        );
    }

    #[test]
    fn every_target_has_a_program_and_a_corpus() {
        let manifest = fs::read_to_string(tree::root().join("fuzz/Cargo.toml")).unwrap_or_default();
        for target in TARGETS {
            assert!(manifest.contains(&format!("path = \"targets/{target}.rs\"")), "{target}");
            assert!(tree::root().join("fuzz/corpus").join(target).is_dir(), "{target}");
        }
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    }
}
