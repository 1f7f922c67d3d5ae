//! Programs that Debian's packages have, for machines on which this user may install them.

use std::{fs, io::Write, path::Path};

use crate::run::Run;

/// What packages ask whether they may start their services; without it they may.
const POLICY: &str = "/usr/sbin/policy-rc.d";
/// Nothing may be started.
const NOTHING: &[u8] = b"#!/bin/sh\nexit 101\n";

/// Installs packages, separated by blanks.
///
/// # Errors
/// With what the package manager said; empty if there is none.
pub(crate) fn install(packages: &str) -> Result<(), String> {
    let apt = |words: &str| {
        let run = Run::new("apt-get").words("-o DPkg::Lock::Timeout=300").words(words);
        run.env("DEBIAN_FRONTEND", "noninteractive").capture()
    };
    // Without lists of packages nothing is found; what goes wrong here goes wrong below, too.
    let _ = apt("update");
    match apt(&format!("install --yes --no-install-recommends {packages}")) {
        Ok(done) if done.success => Ok(()),
        tried => Err(tried.map(|done| done.output.trim_end().to_owned()).unwrap_or_default()),
    }
}

/// As [`install`], without starting a service that a package brings along.
///
/// # Errors
/// As [`install`].
pub(crate) fn install_without_services(packages: &str) -> Result<(), String> {
    let policy = Policy::none(Path::new(POLICY));
    let done = install(packages);
    drop(policy);
    done
}

/// A policy of ours, removed when it is dropped; one that was there stays, and stays as it was.
struct Policy<'a>(&'a Path);

impl<'a> Policy<'a> {
    /// Writes one that allows nothing. Whoever may not do that may not install anything either.
    fn none(path: &'a Path) -> Option<Policy<'a>> {
        let mut options = fs::OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o755);
        let mut file = options.write(true).create_new(true).open(path).ok()?;
        let policy = Policy(path);
        file.write_all(NOTHING).ok()?;
        Some(policy)
    }
}

impl Drop for Policy<'_> {
    fn drop(&mut self) {
        // Were it to stay, services would not start by themselves, which their owner would notice.
        let _ = fs::remove_file(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_of_ours_goes_and_another_one_stays() {
        let path = std::env::temp_dir().join(format!("mvchat-policy-{}", std::process::id()));
        let policy = Policy::none(&path);
        assert_eq!(fs::read(&path).ok().as_deref(), Some(NOTHING));
        assert!(Policy::none(&path).is_none(), "there is one");
        assert!(path.exists());
        drop(policy);
        assert!(!path.exists());
    }
}
