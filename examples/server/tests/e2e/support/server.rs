//! The server's process and its folder.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use tempfile::TempDir;

/// A folder that outlives the servers on it, and the settings of all of them.
pub(crate) struct Data {
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
    store: &'static str,
    address: SocketAddr,
}

impl Data {
    /// An empty folder for a sled store.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, settings: Vec::new(), store: "sled", address: SocketAddr::from(([127, 0, 0, 1], 0)) }
    }

    /// Without a limit that a load test would meet.
    pub(crate) fn unlimited() -> Self {
        Self::new()
            .with("MVCHAT_LIMITS_RATE_LIMIT_MESSAGES", "100000")
            .with("MVCHAT_LIMITS_RATE_LIMIT_BYTES", "1GiB")
            .with("MVCHAT_LIMITS_MAX_MALFORMED", "0")
            .with("MVCHAT_LIMITS_RATES", "none")
    }

    /// Sets a key by its variable.
    pub(crate) fn with(mut self, variable: &'static str, value: &str) -> Self {
        self.settings.push((variable, value.to_owned()));
        self
    }

    /// On a database instead.
    pub(crate) fn on_postgres(url: &str) -> Self {
        let data = Self { store: "postgres", ..Self::unlimited() };
        data.with("MVCHAT_DATABASE_URL", url).with("MVCHAT_DATABASE_ACCEPT_LOSS", "true")
    }

    /// Where keys and store are.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What the servers have logged.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Starts a server: the first on a free port, later ones on the same.
    pub(crate) fn start(&mut self) -> Server {
        let server = Server::start(self);
        self.address = server.address;
        server
    }

    /// On the address of another one, which does not run any more.
    pub(crate) fn in_place_of(self, other: &Self) -> Self {
        Self { address: other.address, ..self }
    }

    /// Lets later servers listen where this one does.
    pub(crate) fn keep(&mut self, server: &Server) {
        self.address = server.address;
    }

    /// Begins to start a server, and does not wait until it is ready.
    pub(crate) fn begin(&self) -> Starting {
        Starting::new(self)
    }

    /// Takes over the keys of another folder, as an operator does who adds a server.
    pub(crate) fn with_keys_of(self, other: &Self) -> Self {
        std::fs::create_dir_all(self.path()).unwrap();
        let copied = Command::new("cp").arg("-rp").arg(other.path().join("keys")).arg(self.path()).status();
        assert!(copied.unwrap().success());
        self
    }
}

/// A process, killed when dropped.
struct Process(Child);

impl Process {
    /// `kill -9`; does something once the process can do nothing any more, and waits until it is gone.
    fn kill(mut self, meanwhile: impl FnOnce()) {
        self.0.kill().unwrap();
        meanwhile();
        assert_eq!(self.0.wait().unwrap().code(), None, "it had ended before");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An ended process can't be killed any more, which is fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that has said it is ready; killed when the test ends.
pub(crate) struct Server {
    process: Process,
    pub(crate) address: SocketAddr,
}

/// A server that has not said yet that it is ready; killed when dropped.
pub(crate) struct Starting {
    process: Process,
    out: Option<BufReader<ChildStdout>>,
    log: PathBuf,
}

impl Starting {
    fn new(data: &Data) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mvchat"));
        for (name, _) in std::env::vars_os() {
            // The settings of the machine that the tests run on are not the tests'.
            if name.to_string_lossy().starts_with("MVCHAT_") {
                command.env_remove(name);
            }
        }
        command.args(["serve", "--store", data.store, "--listen", &data.address.to_string(), "--data-dir"]);
        command.arg(data.path()).current_dir(data.folder.path()).envs(data.settings.iter().cloned());
        let log = File::options().create(true).append(true).open(data.log()).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let out = child.stdout.take().map(BufReader::new);
        Self { process: Process(child), out, log: data.log() }
    }

    /// Returns what reads its first line, which may take as long as the start does.
    pub(crate) fn reader(&mut self) -> impl FnOnce() -> String + Send + 'static {
        let mut out = self.out.take().unwrap();
        move || {
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            line
        }
    }

    /// `kill -9`; does something once the process can do nothing any more, and waits until it is gone.
    pub(crate) fn kill(self, meanwhile: impl FnOnce()) {
        self.process.kill(meanwhile);
    }

    /// Takes it for ready, because this was its first line.
    pub(crate) fn ready(self, line: &str) -> Server {
        let Some((_, address)) = line.trim().split_once("listening on http://") else {
            panic!("{line}{}", std::fs::read_to_string(&self.log).unwrap_or_default())
        };
        Server { address: address.parse().unwrap(), process: self.process }
    }
}

impl Server {
    fn start(data: &Data) -> Self {
        let mut starting = Starting::new(data);
        let line = starting.reader()();
        starting.ready(&line)
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/v0/ws", self.address)
    }

    /// `kill -9`, and waits until the process is gone, and with it its hold on port and folder.
    pub(crate) fn kill(self) {
        self.process.kill(|| {});
    }

    /// `kill -9`; does something once the process can do nothing any more, and waits until it is gone.
    pub(crate) fn kill_while(self, meanwhile: impl FnOnce()) {
        self.process.kill(meanwhile);
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        let id = self.process.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits for the end; returns the exit status.
    pub(crate) fn ended(mut self) -> Option<i32> {
        self.process.0.wait().unwrap().code()
    }

    /// The memory that is resident, in bytes, from procfs.
    pub(crate) fn resident(&self) -> u64 {
        let status = Path::new("/proc").join(self.process.0.id().to_string()).join("status");
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }
}
