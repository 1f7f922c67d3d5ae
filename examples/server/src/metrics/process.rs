//! What the system knows of the process, by the names that all Prometheus clients use. Read from procfs; where there is
//! none, there are no values.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mvchat_core::engine::metrics::{Family, Info, Value};

pub(super) const CATALOGUE: [Info; 4] = [RESIDENT, OPEN_FILES, MAX_FILES, THREADS];

const RESIDENT: Info =
    Info::gauge("process_resident_memory_bytes", &[], "Memory of the process that is resident, in bytes.");
const OPEN_FILES: Info = Info::gauge("process_open_fds", &[], "File descriptors that are open.");
const MAX_FILES: Info = Info::gauge("process_max_fds", &[], "File descriptors that may be open.");
const THREADS: Info = Info::gauge("process_threads", &[], "Threads of the process.");

pub(super) fn families() -> Vec<Family> {
    let status = fs::read_to_string(own("status")).unwrap_or_default();
    let limits = fs::read_to_string(own("limits")).unwrap_or_default();
    let resident = field(&status, "VmRSS:").map(|kib| kib * 1024.0);
    let files = fs::read_dir(own("fd")).ok().map(|files| files.count() as f64);
    let values = [resident, files, field(&limits, "Max open files"), field(&status, "Threads:")];
    let families = CATALOGUE.into_iter().zip(values);
    families
        .map(|(info, value)| match value {
            Some(value) => Family::of(info, Value::Gauge(value)),
            None => Family::new(info),
        })
        .collect()
}

fn own(name: &str) -> PathBuf {
    Path::new("/proc").join("self").join(name)
}

/// Finds the number behind the name of a field at the beginning of a line.
fn field(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_names() {
        let status = "Name:\tmvchat\nVmRSS:\t   1536 kB\nThreads:\t7\n";
        assert_eq!(field(status, "VmRSS:"), Some(1_536.0));
        assert_eq!(field(status, "Threads:"), Some(7.0));
        assert_eq!(field(status, "VmSwap:"), None);
        let limits =
            "Max processes             127 127 processes\nMax open files            1024 4096 files\n";
        assert_eq!(field(limits, "Max open files"), Some(1_024.0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_knows_itself() {
        let families = families();
        for family in &families {
            let [sample] = &family.samples[..] else { panic!("{family:?}") };
            assert!(matches!(sample.value, Value::Gauge(number) if number > 0.0), "{family:?}");
        }
    }
}
