//! Instructions instead of time: a count that a busy machine does not change.

use std::{collections::BTreeMap, env, fs, path::Path};

use crate::{run::Run, tree};

/// The parts of the script `mvchat-core/examples/instructions.rs`.
const PARTS: [&str; 4] = ["sends", "fanout", "login", "history"];
/// The numbers that the script is held to.
const BUDGETS: &str = "mvchat-core/benches/instructions.txt";
/// How far a count may be from its number, in percent: tables that are seeded by chance make a little of it.
const TOLERANCE: f64 = 5.0;
const HEAD: &str = "\
# Instructions of the parts of mvchat-core/examples/instructions.rs, as `cargo xtask bench instructions` counts them.
# `--write` writes them anew: say in the commit why they changed.
";

/// Counts, and compares with the committed numbers, or writes them.
///
/// # Errors
/// When callgrind is missing or fails, or when a count is too far from its number, in either direction: a part that
/// has become faster has a new number.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let write = match args {
        [] => false,
        [only] if only == "--write" => true,
        _ => return Err("`bench instructions` knows `--write` only".to_owned()),
    };
    let build = "build --release -p mvchat-core --features testkit --example instructions";
    Run::cargo().words(build).show()?;
    let counts = PARTS.iter().map(|part| Ok((*part, count(part)?))).collect::<Result<Vec<_>, String>>()?;
    let path = tree::root().join(BUDGETS);
    if write {
        return fs::write(&path, written(&counts)).map_err(|error| format!("{}: {error}", path.display()));
    }
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    compare(&counts, &budgets(&text)?)
}

/// Lets the C library copy as it does everywhere: with `rep movsb`, which it chooses by the machine's caches, callgrind
/// counts an instruction for each byte.
const TUNABLES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.cpu.x86_rep_movsb_threshold=1073741824");

/// Runs one part under callgrind.
fn count(part: &str) -> Result<u64, String> {
    let program = super::built("examples").join(format!("instructions{}", env::consts::EXE_SUFFIX));
    let out = env::temp_dir().join(format!("mvchat-instructions-{}", std::process::id()));
    let done = Run::new("valgrind")
        .words("--tool=callgrind --collect-atstart=no --toggle-collect=*measured*")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(&program)
        .arg(part)
        .env(TUNABLES.0, TUNABLES.1)
        .capture()
        .map_err(|error| {
            format!("cannot run valgrind ({error}): install it, as root with apt-get install valgrind")
        })?;
    let counted = if done.success { total(&out) } else { None };
    // What is left is in the folder for temporary files.
    let _ = fs::remove_file(&out);
    counted.ok_or_else(|| format!("callgrind counts nothing in `{part}`: {}", done.output.trim_end()))
}

/// Reads the sum of a profile.
fn total(profile: &Path) -> Option<u64> {
    let text = fs::read_to_string(profile).ok()?;
    let sum = text.lines().rev().find_map(|line| line.strip_prefix("totals:")?.trim().parse().ok());
    sum.filter(|sum| *sum > 0)
}

fn written(counts: &[(&str, u64)]) -> String {
    HEAD.to_owned() + &counts.iter().map(|(part, count)| format!("{part} {count}\n")).collect::<String>()
}

fn budgets(text: &str) -> Result<BTreeMap<String, u64>, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let read = |line: &str| {
        let (part, count) = line.split_once(' ')?;
        Some((part.to_owned(), count.trim().parse().ok()?))
    };
    lines.map(|line| read(line).ok_or_else(|| format!("{BUDGETS}: `{line}` is no part and number"))).collect()
}

fn compare(counts: &[(&str, u64)], budgets: &BTreeMap<String, u64>) -> Result<(), String> {
    let mut far = Vec::new();
    for (part, count) in counts {
        let budget = *budgets.get(*part).ok_or_else(|| format!("{BUDGETS} has no number for `{part}`"))?;
        let off = (*count as f64 / budget.max(1) as f64 - 1.0) * 100.0;
        println!("{part:<10} {count:>14}  {off:+.1} %");
        if off.abs() > TOLERANCE {
            far.push(format!("`{part}` by {off:+.1} %"));
        }
    }
    if far.is_empty() {
        return Ok(());
    }
    Err(format!(
        "more than {TOLERANCE} % off: {}; `cargo xtask bench instructions --write` if that is meant",
        far.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let counts = [("sends", 12), ("login", 1_000)];
        let budgets = budgets(&written(&counts)).expect("it was just written");
        assert_eq!(budgets, BTreeMap::from([("sends".to_owned(), 12), ("login".to_owned(), 1_000)]));
        assert!(super::budgets("sends many").is_err());
    }

    #[test]
    fn a_count_that_is_far_off_is_found_in_both_directions() {
        let budgets = BTreeMap::from([("sends".to_owned(), 1_000)]);
        assert!(
            compare(&[("sends", 1_049)], &budgets).is_ok() && compare(&[("sends", 951)], &budgets).is_ok()
        );
        for far in [1_051, 949] {
            let told = compare(&[("sends", far)], &budgets).expect_err("more than 5 %");
            assert!(told.contains("`sends` by"), "{told}");
        }
        assert!(compare(&[("login", 1)], &budgets).is_err(), "no number");
    }

    #[test]
    fn every_part_has_a_number() {
        let text = fs::read_to_string(tree::root().join(BUDGETS)).expect("the numbers are committed");
        assert!(
            budgets(&text)
                .expect("they can be read")
                .keys()
                .map(String::as_str)
                .eq(["fanout", "history", "login", "sends"])
        );
    }
}
