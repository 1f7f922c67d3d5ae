//! Getting the test suite, which runs on Python 2.7 and nothing newer.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{run::Run, tree};

/// The last version that supports Python 2.7.
const VIRTUALENV: &str = "virtualenv<20.16";
const SUITE: &str = "autobahntestsuite==25.10.1";
const REMEDY: &str = "install Python 2.7, for example with `pyenv install 2.7.18`";

/// Installs the suite below the tools' folder, unless it is there; returns its program.
///
/// # Errors
/// When there is no Python 2.7 or no Python 3, or a package can't be fetched.
pub(super) fn install() -> Result<PathBuf, String> {
    let folder = tree::tools().join("autobahn");
    let program = folder.join("python2/bin/wstest");
    if program.is_file() {
        return Ok(program);
    }
    let python = python2().ok_or(REMEDY)?;
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    println!("installing {SUITE}, once; this takes some minutes");
    let own = folder.join("python3");
    Run::new("python3").words("-m venv").arg(&own).show()?;
    Run::new(own.join("bin/pip")).words("--quiet install").arg(VIRTUALENV).show()?;
    let make = Run::new(own.join("bin/virtualenv")).words("--quiet --python").arg(python);
    make.arg(folder.join("python2")).show()?;
    Run::new(folder.join("python2/bin/pip")).words("--quiet install").arg(SUITE).show()?;
    Ok(program)
}

/// Finds Python 2.7: on the search path, or among those of pyenv.
fn python2() -> Option<PathBuf> {
    let works = |program: &Path| {
        let run = Run::new(program).arg("-c").arg("import sys; assert sys.version_info[:2] == (2, 7)");
        run.capture().is_ok_and(|done| done.success)
    };
    let pyenv = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".pyenv")))?;
    let versions = fs::read_dir(pyenv.join("versions")).into_iter().flatten().flatten();
    let versions = versions.map(|version| version.path().join("bin/python2.7"));
    std::iter::once(PathBuf::from("python2.7")).chain(versions).find(|program| works(program))
}
