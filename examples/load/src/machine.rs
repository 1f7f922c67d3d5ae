//! Where and with what a run was made: no more than a reader of figures needs.

use crate::meter;
use serde::Serialize;
use std::fs;

/// The machine and the versions.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Machine {
    /// The processor's model.
    pub processor: String,
    /// How many threads it runs at once.
    pub cores: usize,
    /// Memory in GiB.
    pub memory: f64,
    /// The system's kernel.
    pub kernel: String,
    /// How many tasks wanted to run in the minute before; more than cores means that others worked, too.
    pub load: f64,
    /// The server's and the database's versions.
    pub versions: Vec<(String, String)>,
}

impl Machine {
    /// Looks at this machine.
    pub fn here() -> Self {
        let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let models = file("/proc/cpuinfo");
        let model = models.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            processor: model.map_or_else(|| "unknown".to_owned(), |(_, model)| model.trim().to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: meter::memory().unwrap_or_default(),
            kernel: kernel(&file("/proc/sys/kernel/osrelease")),
            load: file("/proc/loadavg")
                .split(' ')
                .next()
                .and_then(|load| load.parse().ok())
                .unwrap_or_default(),
            versions: vec![("mvchat".to_owned(), env!("CARGO_PKG_VERSION").to_owned())],
        }
    }

    /// Adds the version of something.
    pub(crate) fn knows(&mut self, name: &str, version: String) {
        self.versions.push((name.to_owned(), version));
    }
}

/// Returns the version without what a distribution or a host adds to it.
fn kernel(release: &str) -> String {
    let number = release.trim().split(|c: char| !(c.is_ascii_digit() || c == '.')).next().unwrap_or_default();
    format!("{} {number}", std::env::consts::OS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_known_by_its_number() {
        assert_eq!(kernel("6.1.0-18-cloud-of-somebody\n"), format!("{} 6.1.0", std::env::consts::OS));
    }
}
