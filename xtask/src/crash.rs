//! `crash`: the real server, killed under load as often as one likes.

use crate::{database, run::Run};

/// How many kills there are when nobody says otherwise.
const CYCLES: u64 = 50;
/// Of so many kills of the reference server on PostgreSQL, two are followed by one of the database's server.
const SERVER_KILLS: (u64, u64) = (2, 5);

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    cycles: u64,
    seed: Option<String>,
    postgres: bool,
}

impl Asked {
    fn of(args: &[String]) -> Result<Self, String> {
        let mut asked = Self { cycles: CYCLES, seed: None, postgres: false };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let value = args.next().ok_or_else(|| format!("`{arg}` needs a value"))?;
            match (arg.as_str(), value.as_str()) {
                ("--cycles", number) => {
                    asked.cycles = number.parse().map_err(|_| format!("`{number}` is no number"))?;
                }
                ("--seed", seed) => asked.seed = Some(seed.to_owned()),
                ("--store", "sled") => asked.postgres = false,
                ("--store", "postgres") => asked.postgres = true,
                (other, _) => return Err(format!("`crash` knows no `{other} {value}`")),
            }
        }
        Ok(asked)
    }
}

/// Runs `--cycles N` kills of the reference server on sled, or with `--store postgres` on a PostgreSQL server of its own,
/// and then two fifths as many kills of such a server; `--seed S` lets the same kills fall again.
///
/// # Errors
/// When an argument is not known, or something that was acknowledged is not there once.
pub(crate) fn crash(args: &[String]) -> Result<(), String> {
    let asked = Asked::of(args)?;
    if !asked.postgres {
        return kills(&asked, "crash::kills_under_load_lose_nothing_and_double_nothing").show();
    }
    let database = database::require()?;
    let kills = kills(&asked, "crash::kills_on_postgres_lose_nothing_and_double_nothing");
    kills.env(database::ADDRESS, database.url()).show()?;
    let rounds = (asked.cycles * SERVER_KILLS.0).div_ceil(SERVER_KILLS.1);
    Run::cargo()
        .words("test -p mvchat-store-postgres --test crash -- death --nocapture --test-threads=1")
        .env("MVCHAT_CRASH_ROUNDS", rounds.to_string())
        .env(database::ADDRESS, database.url())
        .show()
}

fn kills(asked: &Asked, test: &str) -> Run {
    let run =
        Run::cargo().words("test -p mvchat-server --test e2e --").arg(test).words("--exact --nocapture");
    let run = run.env("MVCHAT_CRASH_CYCLES", asked.cycles.to_string());
    match &asked.seed {
        Some(seed) => run.env("MVCHAT_CRASH_SEED", seed),
        None => run,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_refused() {
        let args = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(crash(&args("--cycles")), Err("`--cycles` needs a value".to_owned()));
        assert_eq!(crash(&args("--cycles many")), Err("`many` is no number".to_owned()));
        assert_eq!(crash(&args("--circles 1")), Err("`crash` knows no `--circles 1`".to_owned()));
        assert_eq!(crash(&args("--store paper")), Err("`crash` knows no `--store paper`".to_owned()));
        let asked = Asked { cycles: 7, seed: Some("3".to_owned()), postgres: true };
        assert_eq!(Asked::of(&args("--store postgres --cycles 7 --seed 3")), Ok(asked));
    }
}
