//! `crash` and `powercut`: the real server, taken down under load as often as one likes.

use crate::{database, run::Run};

/// How many kills there are when nobody says otherwise.
const KILLS: u64 = 50;
/// How many power cuts there are when nobody says otherwise.
const CUTS: &str = "30";
/// For so many kills of the reference server on PostgreSQL, two of the database's server follow.
const SERVER_KILLS: (u64, u64) = (2, 5);

/// Runs `--cycles N` kills of the reference server on sled, or with `--store postgres` on a PostgreSQL server of its own,
/// and then two fifths as many kills of such a server; `--seed S` lets the same kills fall again, `--load N` bounds how
/// many messages there are between two of them, `--at-once N` how many each person has on the way to each conversation.
///
/// # Errors
/// When an argument is not known, or something that was acknowledged is not there once.
pub(crate) fn crash(args: &[String]) -> Result<(), String> {
    let options = [
        ("--cycles", "MVCHAT_CRASH_CYCLES"),
        ("--seed", "MVCHAT_CRASH_SEED"),
        ("--load", "MVCHAT_CRASH_LOAD"),
        ("--at-once", "MVCHAT_CRASH_AT_ONCE"),
    ];
    let (store, rest) = without("--store", args)?;
    let kills = |test: &str| -> Result<Run, String> {
        let run = Run::cargo()
            .words("test -p mvchat-server --all-features --test e2e --")
            .arg(test)
            .words("--exact --nocapture")
            .env("MVCHAT_CRASH_CYCLES", KILLS.to_string());
        with_options("crash", run, &rest, &options)
    };
    match store.unwrap_or("sled") {
        "sled" => kills("crash::kills_under_load_lose_nothing_and_double_nothing")?.show(),
        "postgres" => {
            let kills = kills("crash::kills_on_postgres_lose_nothing_and_double_nothing")?;
            let cycles = match value_of("--cycles", &rest) {
                Some(number) => number.parse().map_err(|_| format!("`{number}` is no number"))?,
                None => KILLS,
            };
            let database = database::require()?;
            kills.env(database::ADDRESS, database.url()).show()?;
            Run::cargo()
                .words("test -p mvchat-store-postgres --all-features --test crash -- death --nocapture")
                .arg("--test-threads=1")
                .env("MVCHAT_CRASH_ROUNDS", (cycles * SERVER_KILLS.0).div_ceil(SERVER_KILLS.1).to_string())
                .env(database::ADDRESS, database.url())
                .show()
        }
        other => Err(format!("`crash` knows no store `{other}`")),
    }
}

/// Runs `--cycles N` power cuts, `--seed S` at the same changes of the disk again; `--changes N` bounds how many of them
/// there are between two cuts.
///
/// # Errors
/// When an argument is not known, when file systems can't be mounted, or when something that was acknowledged is not
/// there once.
pub(crate) fn powercut(args: &[String]) -> Result<(), String> {
    let run = Run::cargo()
        .words("test -p mvchat-server --all-features --test faults -- power --nocapture --test-threads 1")
        .env("MVCHAT_TEST_FUSE", "1")
        .env("MVCHAT_POWERCUT_CYCLES", CUTS);
    let options = [
        ("--cycles", "MVCHAT_POWERCUT_CYCLES"),
        ("--seed", "MVCHAT_POWERCUT_SEED"),
        ("--changes", "MVCHAT_POWERCUT_CHANGES"),
    ];
    with_options("powercut", run, args, &options)?.show()
}

/// Returns the value of an option, and the arguments without it.
fn without<'a>(name: &str, args: &'a [String]) -> Result<(Option<&'a str>, Vec<String>), String> {
    let Some(at) = args.iter().position(|arg| arg == name) else { return Ok((None, args.to_vec())) };
    let value = args.get(at + 1).ok_or_else(|| format!("`{name}` needs a value"))?;
    Ok((Some(value), [&args[..at], &args[at + 2..]].concat()))
}

fn value_of<'a>(name: &str, args: &'a [String]) -> Option<&'a str> {
    let at = args.iter().position(|arg| arg == name)?;
    args.get(at + 1).map(String::as_str)
}

/// Hands numbers on in the environment.
fn with_options(
    command: &str,
    mut run: Run,
    args: &[String],
    options: &[(&str, &str)],
) -> Result<Run, String> {
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let value = args.next().ok_or_else(|| format!("`{arg}` needs a number"))?;
        let option = options.iter().find(|(name, _)| name == arg);
        let (_, variable) = option.ok_or_else(|| format!("`{command}` knows no `{arg}`"))?;
        run = run.env(variable, value);
    }
    Ok(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_refused() {
        let args = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(crash(&args("--cycles")), Err("`--cycles` needs a number".to_owned()));
        assert_eq!(crash(&args("--circles 1")), Err("`crash` knows no `--circles`".to_owned()));
        assert_eq!(crash(&args("--store paper")), Err("`crash` knows no store `paper`".to_owned()));
        assert_eq!(crash(&args("--store")), Err("`--store` needs a value".to_owned()));
        let many = crash(&args("--store postgres --cycles many"));
        assert_eq!(many, Err("`many` is no number".to_owned()));
        assert_eq!(powercut(&args("--load 1")), Err("`powercut` knows no `--load`".to_owned()));
    }
}
