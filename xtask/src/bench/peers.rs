//! The reference server beside another messenger.

use std::{env, path::Path};

use crate::{debian, postgres::Postgres, run::Run};

/// Debian's packages: the messenger, and what it needs for PostgreSQL.
const PACKAGES: &str = "ejabberd erlang-p1-pgsql";
/// What Debian keeps about each of them while it is there.
const NOTES: [&str; 2] =
    ["/var/lib/dpkg/info/ejabberd.md5sums", "/var/lib/dpkg/info/erlang-p1-pgsql.md5sums"];

/// Puts the same load on mvchat and on ejabberd, on one PostgreSQL server, and writes the tables into the book unless this
/// is a trial of other lengths.
///
/// # Errors
/// When ejabberd or PostgreSQL is missing, or something goes wrong in a run.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let whole = is_whole(args)?;
    require()?;
    Run::cargo().words("build --release -p mvchat-server --bin mvchat").show()?;
    let folder = super::reports()?;
    let server = Postgres::start_durable()?;
    let mut run = Run::new(super::built(&format!("mvchat{}", env::consts::EXE_SUFFIX)));
    run = run.words("bench peers --database-url").arg(server.url()).arg("--folder").arg(env::temp_dir());
    for (format, file) in [("--json", "peers.json"), ("--html", "peers.html")] {
        run = run.arg(format).arg(folder.join(file));
    }
    if whole {
        run = run.arg("--book").arg(super::PAGE);
    }
    let done = args.iter().fold(run, |run, arg| run.arg(arg)).show();
    println!("the report with plots: {}", folder.join("peers.html").display());
    done
}

/// Checks that ejabberd is there; installs it where this user may.
fn require() -> Result<(), String> {
    let here = || NOTES.iter().all(|note| Path::new(note).exists());
    if here() {
        return Ok(());
    }
    let said = debian::install_without_services(PACKAGES).err().unwrap_or_default();
    if here() {
        return Ok(());
    }
    let remedy = format!("there is no ejabberd: apt-get install {PACKAGES} as root, on Debian");
    Err(format!("{remedy}\n{said}").trim_end().to_owned())
}

/// Reads whether the runs are as long as the book wants them.
fn is_whole(args: &[String]) -> Result<bool, String> {
    let mut args = args.iter();
    let mut whole = true;
    while let Some(arg) = args.next() {
        if !["--rounds", "--seconds"].contains(&arg.as_str()) {
            return Err(format!("`bench peers` knows no `{arg}`: try `cargo xtask help`"));
        }
        args.next().ok_or_else(|| format!("`{arg}` needs a value"))?;
        whole &= arg == "--rounds";
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_of_other_lengths_leaves_the_book() {
        let whole = |words: &str| is_whole(&words.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(whole(""), Ok(true));
        assert_eq!(whole("--rounds 5"), Ok(true));
        assert_eq!(whole("--rounds 1 --seconds 2"), Ok(false));
        assert!(whole("--rounds").is_err() && whole("--quick").is_err());
    }
}
