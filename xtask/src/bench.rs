//! Measurements.

use std::{env, fs, path::PathBuf};

use crate::{postgres::Postgres, run::Run, tree};

pub(crate) mod instructions;
mod peers;

/// The page whose tables a full run writes.
const PAGE: &str = "book/src/performance.md";

/// Runs what is named, or everything.
///
/// # Errors
/// When there is no such measurement, or it fails.
pub(crate) fn bench(args: &[String]) -> Result<(), String> {
    match args {
        [name] if name == "store" => store(),
        [name, rest @ ..] if name == "edge" => edge(rest),
        [name, rest @ ..] if name == "instructions" => instructions::run(rest),
        [name, rest @ ..] if name == "peers" => peers::run(rest),
        _ => suite(args),
    }
}

/// Measures the reference server's memory, and what half-open connections and slow readers do to others.
fn edge(args: &[String]) -> Result<(), String> {
    Run::cargo().words("build --release -p mvchat-server --bin mvchat --example edge").show()?;
    let program = tree::root().join("target").join("release").join("examples").join("edge");
    args.iter().fold(Run::new(program), |run, arg| run.arg(arg)).show()
}

/// Measures durable sends through the engine on a PostgreSQL server of its own, beside raw SQL.
fn store() -> Result<(), String> {
    let server = Postgres::start_durable()?;
    let run = Run::cargo().words("run --release -p mvchat-store-postgres --example beside_sql --");
    run.arg(server.url()).show()
}

/// Puts all loads on the reference server, built as for production; on sled and on a PostgreSQL server of its own.
fn suite(args: &[String]) -> Result<(), String> {
    let whole = is_whole(args)?;
    Run::cargo().words("build --release -p mvchat-server --bin mvchat").show()?;
    let folder = reports()?;
    let program = built(&format!("mvchat{}", env::consts::EXE_SUFFIX));
    let server = Postgres::start_durable()?;
    // The database is in the folder for temporary files, so that is the disk that everything is measured on.
    let mut run = Run::new(program).words("bench suite --database-url").arg(server.url());
    run = run.arg("--folder").arg(env::temp_dir());
    for (format, file) in [("--json", "report.json"), ("--html", "report.html")] {
        run = run.arg(format).arg(folder.join(file));
    }
    if whole {
        run = run.arg("--book").arg(PAGE);
    }
    for arg in args {
        run = run.arg(arg);
    }
    let done = run.show();
    println!("the report with plots: {}", folder.join("report.html").display());
    done
}

/// Returns the folder for reports.
fn reports() -> Result<PathBuf, String> {
    let folder = tree::root().join("target").join("bench");
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    Ok(folder)
}

/// Returns where cargo puts what it builds as for production.
fn built(name: &str) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| tree::root().join("target"), PathBuf::from);
    target.join("release").join(name)
}

/// Reads whether everything is measured at its full length, as the book wants it.
fn is_whole(args: &[String]) -> Result<bool, String> {
    let mut whole = true;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--quick" => whole = false,
            "--rounds" | "--only" | "--also" => {
                args.next().ok_or_else(|| format!("`{arg}` needs a value"))?;
                whole &= arg == "--also";
            }
            other => return Err(format!("`bench` knows no `{other}`: try `cargo xtask help`")),
        }
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_run_goes_into_the_book() {
        let whole = |words: &str| is_whole(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(whole(""), Ok(true));
        assert_eq!(whole("--also warp"), Ok(true));
        assert_eq!(whole("--quick"), Ok(false));
        assert_eq!(whole("--only dm"), Ok(false));
        assert!(whole("--only").is_err() && whole("everything").is_err());
    }
}
