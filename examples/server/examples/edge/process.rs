//! The servers' processes, and what the system says about them.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::Outcome;

/// Lets this process, and those that it starts, open as many files as there are connections.
#[cfg(unix)]
pub(crate) fn raise_limits() -> Outcome<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    /// How many, if the system lets them.
    const FILES: u64 = 65_536;
    let now = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: Some(FILES), maximum: now.maximum.map(|most| most.max(FILES)) };
    let most = Rlimit { current: now.maximum, maximum: now.maximum };
    // Only a privileged process may raise its own bound.
    Ok(setrlimit(Resource::Nofile, wanted).or_else(|_| setrlimit(Resource::Nofile, most))?)
}

/// Elsewhere there is no bound to raise.
#[cfg(not(unix))]
pub(crate) fn raise_limits() -> Outcome<()> {
    Ok(())
}

/// A server, killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    _folder: TempDir,
}

impl Server {
    /// Starts the reference server, built beside this program, with these settings.
    pub(crate) async fn reference(settings: &[(&str, &str)]) -> Outcome<Self> {
        let mut command = Command::new(program("mvchat")?);
        command.args(["serve", "--listen", "127.0.0.1:0", "--store", "memory"]);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MVCHAT_") {
                command.env_remove(name);
            }
        }
        command.envs(settings.iter().copied());
        Self::start(command).await
    }

    /// Starts this program as an echo server.
    pub(crate) async fn echo() -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["echo", "127.0.0.1:0"]);
        Self::start(command).await
    }

    async fn start(mut command: Command) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        command.current_dir(folder.path()).kill_on_drop(true);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take().ok_or("no standard output")?;
        let line = BufReader::new(out).lines().next_line().await?.ok_or("the server has ended")?;
        let (_, address) = line.split_once("http://").ok_or("the server has not said where it listens")?;
        Ok(Self { child, address: address.trim().parse()?, _folder: folder })
    }

    /// Returns the memory that is resident, in KiB.
    pub(crate) fn resident(&self) -> Outcome<f64> {
        let id = self.child.id().ok_or("the server has ended")?;
        let status = Path::new("/proc").join(id.to_string()).join("status");
        let status = std::fs::read_to_string(status)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

/// Finds a program that was built with this one.
fn program(name: &str) -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let built = own.parent().and_then(Path::parent).unwrap_or(Path::new("."));
    let path = built.join(name);
    match path.is_file() {
        true => Ok(path),
        false => Err(io::Error::other(format!("{} is not there: build it in the same way", path.display()))),
    }
}
