//! `crash` and `powercut`: the real server, taken down under load as often as one likes.

use crate::run::Run;

/// How many kills there are when nobody says otherwise.
const KILLS: &str = "50";
/// How many power cuts there are when nobody says otherwise.
const CUTS: &str = "30";

/// Runs `--cycles N` kills of the reference server on sled; `--seed S` lets the same kills fall again, `--load N` bounds
/// how many messages there are between two of them, `--at-once N` how many each person has on the way to each
/// conversation.
///
/// # Errors
/// When an argument is not known, or something that was acknowledged is not there once.
pub(crate) fn crash(args: &[String]) -> Result<(), String> {
    let run = Run::cargo()
        .words("test -p mvchat-server --all-features --test e2e --")
        .words("crash::kills_under_load_lose_nothing_and_double_nothing --exact --nocapture")
        .env("MVCHAT_CRASH_CYCLES", KILLS);
    let options = [
        ("--cycles", "MVCHAT_CRASH_CYCLES"),
        ("--seed", "MVCHAT_CRASH_SEED"),
        ("--load", "MVCHAT_CRASH_LOAD"),
        ("--at-once", "MVCHAT_CRASH_AT_ONCE"),
    ];
    with_options("crash", run, args, &options)?.show()
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
        assert_eq!(powercut(&args("--load 1")), Err("`powercut` knows no `--load`".to_owned()));
    }
}
