//! What tests in JavaScript need: Node.js, the libraries that their lock files name, and a browser.

use std::{env, path::Path};

use crate::{debian, run::Run};

/// The oldest Node.js that the tests run on.
const OLDEST: u32 = 20;
/// Where systems put Chromium. `CHROMIUM` names another place.
const BROWSERS: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/// Checks that Node.js is there and new enough.
///
/// # Errors
/// When it is not, with the remedy.
pub(crate) fn require_node() -> Result<(), String> {
    let remedy = format!("install Node.js {OLDEST} or newer with npm");
    let found = Run::new("node").words("--version").capture();
    let found = found.map_err(|error| format!("cannot run node: {error}; {remedy}"))?;
    match major(&found.stdout) {
        Some(version) if version >= OLDEST => Ok(()),
        _ => Err(format!("node is {}; {remedy}", found.stdout.trim())),
    }
}

/// Reads the first number of a version such as `v20.20.2`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Installs what a folder's lock file names, unless that has been done since the file last changed.
///
/// # Errors
/// When npm is not there or fails, with what it said.
pub(crate) fn require_libraries(folder: &Path) -> Result<(), String> {
    let changed = |name: &str| folder.join(name).metadata().and_then(|file| file.modified()).ok();
    if let (Some(wanted), Some(installed)) =
        (changed("package-lock.json"), changed("node_modules/.package-lock.json"))
        && wanted <= installed
    {
        return Ok(());
    }
    let run =
        Run::new("npm").words("ci --no-audit --no-fund --ignore-scripts --prefix").arg(folder).capture();
    match run {
        Ok(done) if done.success => Ok(()),
        Ok(done) => Err(format!("npm ci fails in {}\n{}", folder.display(), done.output.trim_end())),
        Err(error) => Err(format!("cannot run npm: {error}; install Node.js {OLDEST} or newer with npm")),
    }
}

/// Checks that Chromium is there; installs it where this user may.
///
/// # Errors
/// When it is missing and cannot be installed, with the remedy.
pub(crate) fn require_chromium() -> Result<(), String> {
    if env::var_os("CHROMIUM").is_some() || BROWSERS.iter().any(|path| Path::new(path).exists()) {
        return Ok(());
    }
    // Without a font for them, pictures of the web chat show boxes instead of emoji.
    debian::install("chromium fonts-noto-color-emoji").map_err(|said| {
        format!("there is no Chromium: apt-get install chromium as root, or name it in CHROMIUM\n{said}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("v8.1.0"), Some(8));
        assert_eq!(major("20"), None);
        assert_eq!(major(""), None);
    }
}
