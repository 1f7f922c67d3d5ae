//! A PostgreSQL server of one's own, for as long as tests run.
//!
//! Uses the standard library only: tests that stop and start a server include this file, too.

use std::{
    env, fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Where Debian puts each version's programs.
const DEBIAN: &str = "/usr/lib/postgresql";
/// How long the server may take to start, also after it was killed.
const PATIENCE: Duration = Duration::from_secs(60);
/// Who the server runs as when this process is root, which it refuses to run as.
const USERS: [&str; 2] = ["postgres", "nobody"];
/// Tests need no protection from power cuts; what they kill are processes.
const SETTINGS: [&str; 6] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "autovacuum_naptime=5s",
    "log_min_messages=warning",
    "shared_buffers=64MB",
];

/// A running server with an empty database; stopped and removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    user: Option<(u32, u32)>,
    durable: bool,
    child: Option<Child>,
}

impl Postgres {
    /// Makes a database in a temporary folder and starts a server for it on a free port of the loopback address.
    ///
    /// # Errors
    /// With what is missing and the remedy, or with what the server said.
    pub(crate) fn start() -> Result<Postgres, String> {
        Postgres::start_with(false)
    }

    /// Like [`Postgres::start`], with a server that keeps what it acknowledges through a power cut.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    #[allow(dead_code, reason = "used by measurements only")]
    pub(crate) fn start_durable() -> Result<Postgres, String> {
        Postgres::start_with(true)
    }

    fn start_with(durable: bool) -> Result<Postgres, String> {
        let programs = programs().ok_or(
            "there is no PostgreSQL: apt-get install postgresql as root, put `postgres` and `initdb` into the PATH, \
             or name a database for tests in MVCHAT_TEST_DATABASE_URL",
        )?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = port.map_err(|error| format!("there is no free port: {error}"))?.port();
        let folder = env::temp_dir().join(format!("mvchat-postgres-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        let user = other_user(&folder)?;
        let mut server = Postgres { programs, folder, port, user, durable, child: None };
        server.init()?;
        server.resume()?;
        Ok(server)
    }

    /// Returns the address of the database.
    pub(crate) fn url(&self) -> String {
        format!("postgres://mvchat@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts the server on the database that is there; does nothing while it runs.
    ///
    /// # Errors
    /// With what the server said.
    pub(crate) fn resume(&mut self) -> Result<(), String> {
        let started = Instant::now();
        while self.child.is_none() {
            // A server that was killed leaves processes behind, which take a moment to notice.
            match self.spawn() {
                Err(error) if started.elapsed() > PATIENCE => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(100)),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Ends the server as a crash would.
    #[allow(dead_code, reason = "used by the tests that include this file")]
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Ends the server, with its connections but in order.
    pub(crate) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let asked = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        let started = Instant::now();
        while asked.is_ok() && started.elapsed() < Duration::from_secs(10) {
            if let Ok(Some(_)) = child.try_wait() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
    }

    fn init(&self) -> Result<(), String> {
        let mut command = self.command("initdb");
        command.args(["--username=mvchat", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        let done = command.arg("-D").arg(self.data()).output();
        match done {
            Ok(done) if done.status.success() => Ok(()),
            Ok(done) => Err(format!("initdb fails: {}", String::from_utf8_lossy(&done.stderr).trim_end())),
            Err(error) => Err(format!("cannot run initdb: {error}")),
        }
    }

    /// Starts the server and waits until it answers.
    fn spawn(&mut self) -> Result<(), String> {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(["-c", if self.durable { "fsync=on" } else { "fsync=off" }]);
        let said = self.folder.join("log");
        let log = fs::File::create(&said).map_err(|error| format!("cannot write its log: {error}"))?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let mut child = child.map_err(|error| format!("cannot run postgres: {error}"))?;
        let started = Instant::now();
        while !self.is_ready(child.id()) {
            let ended = !matches!(child.try_wait(), Ok(None));
            if ended || started.elapsed() > PATIENCE {
                let _ = child.kill();
                let _ = child.wait();
                let said = fs::read_to_string(&said).unwrap_or_default();
                return Err(format!("PostgreSQL does not start: {}", said.trim_end()));
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.child = Some(child);
        Ok(())
    }

    /// Reads the server's own note of its process and its state.
    fn is_ready(&self, id: u32) -> bool {
        let note = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let mut lines = note.lines();
        let same = lines.next().is_some_and(|line| line.trim() == id.to_string());
        same && lines.nth(6).is_some_and(|line| line.trim() == "ready")
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir(&self.folder).env_clear().env("LC_ALL", "C").env("TZ", "UTC");
        #[cfg(unix)]
        if let Some((user, group)) = self.user {
            use std::os::unix::process::CommandExt;
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
        // What is left is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Finds the folder of the server's programs: in the PATH, or the newest of Debian's.
fn programs() -> Option<PathBuf> {
    let complete = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    let path = env::var_os("PATH").unwrap_or_default();
    if let Some(folder) = env::split_paths(&path).find(complete) {
        return Some(folder);
    }
    let versions = fs::read_dir(DEBIAN).ok()?.flatten().map(|entry| entry.path());
    let number = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let mut versions: Vec<_> =
        versions.filter_map(|folder| Some((number(&folder)?, folder.join("bin")))).collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, folder)| folder).find(complete)
}

/// Gives the folder to somebody who may run the server, if this process may not; returns who that is.
fn other_user(folder: &Path) -> Result<Option<(u32, u32)>, String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        // Whoever has just made the folder is who runs this process.
        let own =
            fs::metadata(folder).map_err(|error| format!("cannot look at {}: {error}", folder.display()))?;
        if own.uid() != 0 {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let (user, group) =
            USERS.iter().find_map(|name| ids(&users, name)).ok_or("there is no user `nobody`")?;
        std::os::unix::fs::chown(folder, Some(user), Some(group))
            .map_err(|error| format!("cannot give {} away: {error}", folder.display()))?;
        Ok(Some((user, group)))
    }
    #[cfg(not(unix))]
    {
        let _ = (folder, USERS);
        Ok(None)
    }
}

/// Reads the ids of a user and its group.
#[cfg(unix)]
fn ids(users: &str, name: &str) -> Option<(u32, u32)> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}
