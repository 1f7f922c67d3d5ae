//! `crash`: the real server, killed under load as often as one likes.

use crate::run::Run;

/// How many kills there are when nobody says otherwise.
const CYCLES: &str = "50";

/// Runs `--cycles N` kills of the reference server on sled; `--seed S` lets the same kills fall again.
///
/// # Errors
/// When an argument is not known, or something that was acknowledged is not there once.
pub(crate) fn crash(args: &[String]) -> Result<(), String> {
    let (mut cycles, mut seed) = (CYCLES.to_owned(), None);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let value = args.next().ok_or_else(|| format!("`{arg}` needs a number"))?;
        match arg.as_str() {
            "--cycles" => cycles.clone_from(value),
            "--seed" => seed = Some(value),
            other => return Err(format!("`crash` knows no `{other}`")),
        }
    }
    let mut run = Run::cargo()
        .words("test -p mvchat-server --test e2e --")
        .words("crash::kills_under_load_lose_nothing_and_double_nothing --exact --nocapture")
        .env("MVCHAT_CRASH_CYCLES", cycles);
    if let Some(seed) = seed {
        run = run.env("MVCHAT_CRASH_SEED", seed);
    }
    run.show()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_refused() {
        let args = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(crash(&args("--cycles")), Err("`--cycles` needs a number".to_owned()));
        assert_eq!(crash(&args("--circles 1")), Err("`crash` knows no `--circles`".to_owned()));
    }
}
