//! The server that a run starts for itself.

use crate::database::Database;
use crate::folder::Folder;
use crate::target::Plan;
use crate::{Problem, Tried};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long a server may take to start, or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where a server keeps its data, and where in there its keys are.
const DATA: &str = "data";
const KEYS: &str = "data/keys/ring.json";
/// The header by which people log in to our own servers, because passwords are slow on purpose.
pub(crate) const HEADER: &str = "x-bench-user";
/// A day of chat from one address is an attack elsewhere.
const SETTINGS: [(&str, &str); 8] = [
    ("MVCHAT_LIMITS_RATES", "none"),
    ("MVCHAT_LIMITS_RATE_LIMIT_MESSAGES", "100000"),
    ("MVCHAT_LIMITS_RATE_LIMIT_BYTES", "1GiB"),
    ("MVCHAT_LIMITS_MAX_SUBSCRIBER_COUNT", "10000"),
    ("MVCHAT_AUTH_HEADER_NAME", HEADER),
    ("MVCHAT_AUTH_HEADER_TRUSTED", "127.0.0.0/8"),
    ("MVCHAT_LOG", "warn"),
    ("MVCHAT_DATABASE_ACCEPT_LOSS", "true"),
];

/// A server of our own.
pub(crate) struct Own {
    program: PathBuf,
    store: String,
    transport: String,
    folder: Folder,
    pub(crate) database: Option<Database>,
    /// The address of the database, which may be another server's.
    database_url: Option<String>,
    address: String,
    child: Option<Child>,
}

impl Own {
    pub(crate) async fn prepare(plan: &Plan) -> Tried<Self> {
        let database = match plan.store.as_str() {
            "postgres" => {
                let url = plan.database.as_deref().ok_or("the store postgres needs --database-url")?;
                Some(Database::make(url).await?)
            }
            _ => None,
        };
        Ok(Self {
            program: plan.program.clone(),
            store: plan.store.clone(),
            transport: plan.transport.clone(),
            folder: Folder::within(&plan.folder)?,
            database_url: database.as_ref().map(|database| database.url.clone()),
            database,
            address: "127.0.0.1:0".to_owned(),
            child: None,
        })
    }

    /// Prepares another server with the same database and the same keys; this one has to have been started, because
    /// that makes both.
    pub(crate) fn prepare_beside(&self, plan: &Plan) -> Tried<Self> {
        let folder = Folder::within(&plan.folder)?;
        let keys = folder.path().join(KEYS);
        std::fs::create_dir_all(keys.parent().unwrap_or(&keys))?;
        std::fs::copy(self.folder.path().join(KEYS), keys)?;
        Ok(Self {
            program: self.program.clone(),
            store: self.store.clone(),
            transport: self.transport.clone(),
            folder,
            database: None,
            database_url: self.database_url.clone(),
            address: "127.0.0.1:0".to_owned(),
            child: None,
        })
    }

    /// Its process, while it runs.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.as_ref()?.id()
    }

    /// Where it listens, as host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/v0/ws", self.address)
    }

    pub(crate) async fn start(&mut self) -> Tried<()> {
        let folder = self.folder.path();
        let log = folder.join("log");
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            // The settings of whoever measures are not the server's.
            if name.to_string_lossy().starts_with("MVCHAT_") {
                command.env_remove(name);
            }
        }
        command.args(["serve", "--store", &self.store, "--transport", &self.transport]);
        command.args(["--listen", &self.address, "--data-dir"]).arg(folder.join(DATA));
        command.current_dir(folder).envs(SETTINGS);
        if let Some(url) = &self.database_url {
            command.env("MVCHAT_DATABASE_URL", url);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        command.stderr(std::fs::File::options().create(true).append(true).open(&log)?);
        let mut child = command.spawn().map_err(|error| format!("the server does not start: {error}"))?;
        let line = first_line(&mut child).await?;
        let (_, address) = line.trim().split_once("listening on http://").ok_or_else(|| failed(&log))?;
        self.address = address.to_owned();
        self.child = Some(child);
        Ok(())
    }

    /// SIGTERM, and SIGKILL for a server that does not care.
    pub(crate) async fn stop(&mut self) -> Tried<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        if let Some(id) = child.id() {
            let asked = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
            if asked.is_ok() && timeout(PATIENCE, child.wait()).await.is_ok() {
                return Ok(());
            }
        }
        Ok(child.kill().await?)
    }

    /// Stops it, and removes what it kept.
    pub(crate) async fn finish(mut self) -> Tried<()> {
        self.stop().await?;
        match self.database.take() {
            Some(database) => database.remove().await,
            None => Ok(()),
        }
    }
}

/// Reads the first line of a child's standard output; empty if there is none.
pub(crate) async fn first_line(child: &mut Child) -> Tried<String> {
    let out = child.stdout.take().ok_or("the child has no standard output")?;
    let mut line = String::new();
    timeout(PATIENCE, BufReader::new(out).read_line(&mut line))
        .await
        .map_err(|_| "the child is silent")??;
    Ok(line)
}

fn failed(log: &Path) -> Problem {
    let said = std::fs::read_to_string(log).unwrap_or_default();
    format!("the server does not start: {}", said.trim_end()).into()
}
