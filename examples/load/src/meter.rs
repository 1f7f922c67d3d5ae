//! What processes use, as Linux tells in procfs; elsewhere nothing is known.

use std::fs;
use std::ops::{Add, Sub};

/// Linux counts the processor time of processes in hundredths of a second, whatever its own clock is.
const TICK: f64 = 0.01;
/// From one binary prefix to the next.
const KIB: f64 = 1_024.0;

/// Processor time, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cpu {
    pub(crate) user: f64,
    pub(crate) system: f64,
}

impl Cpu {
    pub(crate) fn total(self) -> f64 {
        self.user + self.system
    }
}

impl Sub for Cpu {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self { user: self.user - other.user, system: self.system - other.system }
    }
}

impl Add for Cpu {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { user: self.user + other.user, system: self.system + other.system }
    }
}

/// One line of `/proc/PID/stat`.
struct Stat {
    parent: u32,
    own: Cpu,
    /// Of children that have ended.
    children: Cpu,
}

fn stat(id: u32) -> Option<Stat> {
    read_stat(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

fn read_stat(line: &str) -> Option<Stat> {
    // The name may hold anything, also blanks and brackets.
    let (_, rest) = line.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| Some(fields.get(at)?.parse::<f64>().ok()? * TICK);
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: Cpu { user: ticks(11)?, system: ticks(12)? },
        children: Cpu { user: ticks(13)?, system: ticks(14)? },
    })
}

/// The processor time that a process has used.
pub(crate) fn cpu(id: u32) -> Option<Cpu> {
    Some(stat(id)?.own)
}

/// The processor time of a process and of all that it has started, also of what has ended: a database's server.
pub(crate) fn cpu_of_family(parent: u32) -> Option<Cpu> {
    let Stat { own, children, .. } = stat(parent)?;
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let living = ids.filter_map(stat).filter(|stat| stat.parent == parent);
    Some(living.fold(own + children, |sum, stat| sum + stat.own + stat.children))
}

/// Who started a process.
pub(crate) fn parent(id: u32) -> Option<u32> {
    Some(stat(id)?.parent)
}

/// What a process is called.
pub(crate) fn name(id: u32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{id}/comm")).ok()?.trim_end().to_owned())
}

/// The memory of a process that is resident, in KiB.
pub(crate) fn resident(id: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// How many files a process may have open, of this process and those that it starts.
pub(crate) fn open_files() -> Option<usize> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The memory of the machine, in GiB.
pub(crate) fn memory() -> Option<f64> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? / KIB / KIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_hides_nothing() {
        let line = "71 (a ) S (b) S 7 71 71 0 -1 4194560 1 2 3 4 150 50 20 10 20 0 1 0 99 1 1";
        let stat = read_stat(line).unwrap();
        assert_eq!(stat.parent, 7);
        assert_eq!(stat.own, Cpu { user: 1.5, system: 0.5 });
        assert_eq!(stat.children.total(), 0.30000000000000004);
        assert!(read_stat("71 (x) S 7").is_none());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_something() {
        let me = std::process::id();
        assert!(resident(me).unwrap() > 500.0);
        assert!(cpu(me).is_some() && parent(me).is_some() && memory().unwrap() > 0.1);
        assert!(open_files().unwrap() > 16);
        assert!(cpu_of_family(me).unwrap().total() >= cpu(me).unwrap().total() - 0.02);
    }
}
