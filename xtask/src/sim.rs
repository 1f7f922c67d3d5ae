//! `sim`: many seeds of the simulation, or one of them again.

use crate::run::Run;

/// How many seeds run when nobody says otherwise.
const SEEDS: u64 = 500;
/// How many seeds share a process: a run depends on its seed only, so this is a matter of speed.
const TOGETHER: u64 = 250;

/// Runs `--seeds N` seeds from `--seed S` (one, if only that is given); `--trace` shows everything that happens, `--twice`
/// runs each seed in two processes of its own and compares what happened.
///
/// # Errors
/// When an argument cannot be read, or a promise was not kept: the output holds the command that does the same again. Or
/// when a seed did not do the same twice.
pub(crate) fn sim(args: &[String]) -> Result<(), String> {
    let (mut first, mut seeds, mut trace, mut twice) = (None, None, false, false);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seed" => first = Some(number(arg, args.next())?),
            "--seeds" => seeds = Some(number(arg, args.next())?),
            "--trace" => trace = true,
            "--twice" => twice = true,
            other => return Err(format!("`sim` knows no `{other}`")),
        }
    }
    let mut left = seeds.unwrap_or(if first.is_some() { 1 } else { SEEDS });
    let mut next = first.unwrap_or(1);
    if twice {
        return compare(next, left);
    }
    let mut failed = Vec::new();
    while left > 0 {
        let now = left.min(TOGETHER);
        let mut run = simulate(next, now);
        if trace {
            run = run.env("MVCHAT_SIM_TRACE", "1");
        }
        if run.show().is_err() {
            failed.push(format!("{next} to {}", next + now - 1));
        }
        (next, left) = (next + now, left - now);
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("promises were broken in the seeds {}", failed.join(", ")))
    }
}

fn simulate(first: u64, seeds: u64) -> Run {
    Run::cargo()
        .words("test -q -p mvchat-core --profile sim --features testkit --test sim")
        .words("-- --exact seeds::every_seed_keeps_every_promise --nocapture")
        .env("MVCHAT_SIM_SEED", first.to_string())
        .env("MVCHAT_SIM_SEEDS", seeds.to_string())
}

/// Runs each seed in two processes and compares what happened.
fn compare(first: u64, seeds: u64) -> Result<(), String> {
    let mut other = Vec::new();
    for seed in first..first + seeds {
        if hash(seed)? != hash(seed)? {
            other.push(seed.to_string());
        }
    }
    println!("{} of {seeds} seeds did the same twice", seeds - other.len() as u64);
    if other.is_empty() {
        Ok(())
    } else {
        Err(format!("something else happened in the seeds {}", other.join(", ")))
    }
}

/// Runs a seed in a process of its own; returns what stands for all that happened.
fn hash(seed: u64) -> Result<String, String> {
    let run = simulate(seed, 1).env("MVCHAT_SIM_HASH", "1");
    let done = run.capture().map_err(|error| format!("cargo cannot be started: {error}"))?;
    let start = format!("seed {seed} ");
    let hash = done.stdout.lines().find_map(|line| line.strip_prefix(&start));
    hash.map(str::to_owned)
        .filter(|_| done.success)
        .ok_or_else(|| format!("seed {seed} failed:\n{}", done.output))
}

fn number(name: &str, value: Option<&String>) -> Result<u64, String> {
    let value = value.ok_or_else(|| format!("`{name}` needs a number"))?;
    value.parse().map_err(|_| format!("`{name} {value}` is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_refused() {
        let args = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(sim(&args("--seeds x")), Err("`--seeds x` is no number".to_owned()));
        assert_eq!(sim(&args("--seed")), Err("`--seed` needs a number".to_owned()));
        assert_eq!(sim(&args("--speed 1")), Err("`sim` knows no `--speed`".to_owned()));
        assert_eq!(sim(&args("--seeds 0")), Ok(()));
    }
}
