//! An ejabberd of our own, from Debian's package: with its archive in PostgreSQL, and with nothing that the comparison
//! does not need.
//!
//! Erlang is started by itself and without its distribution, so that there is no service, no node name and no `epmd`; the
//! configuration, the accounts and all that it writes are of this run only.

use crate::database::Database;
use crate::folder::Folder;
use crate::run::Usage;
use crate::target::Plan;
use crate::{Problem, Tried, meter};
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::HeaderValue;

/// The only host.
pub(super) const HOST: &str = "localhost";
/// Everybody's password; nobody else can reach the server.
pub(super) const PASSWORD: &str = "of-a-bench";
/// Where Debian's packages put libraries: ejabberd in a folder for each kind of machine, others below Erlang's.
const LIBRARIES: &str = "/usr/lib";
const ERLANG: &str = "erlang/lib";
const SCHEMA: &str = "/usr/share/ejabberd/sql/pg.sql";
/// How long it may take to start, or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked for meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// The package.
pub(crate) struct Installed {
    pub(crate) version: String,
    /// The folder that has ejabberd among other libraries.
    libraries: PathBuf,
    /// The statements that make the tables.
    schema: String,
}

impl Installed {
    /// Looks for it.
    ///
    /// # Errors
    /// If something of it is missing, with the remedy.
    pub(crate) fn find() -> Tried<Self> {
        let missing = "there is no ejabberd: install Debian's packages ejabberd and erlang-p1-pgsql";
        let (libraries, version) = installed(Path::new(LIBRARIES)).ok_or(missing)?;
        let schema = fs::read_to_string(SCHEMA).map_err(|error| format!("{missing} ({SCHEMA}: {error})"))?;
        Ok(Self { version, libraries, schema })
    }
}

/// Returns the folder that has ejabberd in it, and the version, if the driver for PostgreSQL is there, too.
fn installed(root: &Path) -> Option<(PathBuf, String)> {
    let within = |folder: &Path, start: &str| {
        let names = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.file_name());
        let found = names.filter_map(|name| name.to_str()?.strip_prefix(start).map(str::to_owned));
        // The package's own revision is of no interest.
        found.min().map(|version| version.split('-').next().unwrap_or_default().to_owned())
    };
    within(&root.join(ERLANG), "p1_pgsql-")?;
    fs::read_dir(root).ok()?.flatten().find_map(|entry| {
        let folder = entry.path();
        within(&folder, "ejabberd-").map(|version| (folder, version))
    })
}

/// A running server.
pub(crate) struct Ejabberd {
    child: Child,
    port: u16,
    database: Database,
    folder: Folder,
}

impl Ejabberd {
    /// Starts it with so many accounts in an empty database.
    ///
    /// # Errors
    /// With what it says, or with what the database says.
    pub(crate) async fn start(installed: &Installed, plan: &Plan, accounts: usize) -> Tried<Self> {
        let url = plan.database.as_deref().ok_or("the archive needs --database-url")?;
        let folder = Folder::within(&plan.folder)?;
        let database = Database::make(url).await?;
        fill(&database.url, &installed.schema, accounts).await?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?.port();
        // YAML reads JSON as well.
        let config = folder.path().join("ejabberd.yml");
        fs::write(&config, config_of(port, &database.url.parse()?).to_string())?;
        let mut child = erlang(installed, folder.path(), &config)?;
        listening(&mut child, port, folder.path()).await?;
        Ok(Self { child, port, database, folder })
    }

    /// The name of an account, before the host.
    pub(crate) fn account(&self, index: usize) -> String {
        format!("u{index}")
    }

    /// The request that opens a connection.
    ///
    /// # Errors
    /// If there is no such address.
    pub(crate) fn request(&self) -> Tried<Request> {
        let mut request = format!("ws://127.0.0.1:{}/ws", self.port).into_client_request()?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("xmpp"));
        Ok(request)
    }

    /// What it has used up to now, with all that it has started.
    pub(crate) fn usage(&self) -> Usage {
        let cpu = self.child.id().and_then(meter::cpu_of_family);
        Usage { database: self.database.cpu(), ..Usage::of(cpu) }
    }

    /// What it has to say about a problem.
    pub(crate) fn about(&self, problem: &Problem) -> Problem {
        format!("{problem}; ejabberd says: {}", said(self.folder.path())).into()
    }

    /// How many messages are in the archive.
    ///
    /// # Errors
    /// With what the database says.
    pub(crate) async fn archived(&self) -> Tried<u64> {
        let mut connection = PgConnection::connect(&self.database.url).await?;
        let count: i64 =
            sqlx::query_scalar("select count(*) from archive").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(u64::try_from(count)?)
    }

    /// Ends it, and removes what it kept.
    ///
    /// # Errors
    /// If the database can't be removed.
    pub(crate) async fn finish(mut self) -> Tried<()> {
        stop(&mut self.child).await?;
        self.database.remove().await
    }
}

/// Makes the tables and the accounts.
async fn fill(url: &str, schema: &str, accounts: usize) -> Tried<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(schema.to_owned())).execute(&mut connection).await?;
    sqlx::query("insert into users (username, password) select 'u' || n, $1 from generate_series(0, $2) n")
        .bind(PASSWORD)
        .bind(i32::try_from(accounts)?)
        .execute(&mut connection)
        .await?;
    Ok(connection.close().await?)
}

/// What it is told: one host, accounts and the archive in the database, no limits, no TLS, nothing else.
fn config_of(port: u16, database: &PgConnectOptions) -> Value {
    json!({
        "hosts": [HOST],
        "loglevel": "error",
        "listen": [{
            "port": port,
            "ip": "127.0.0.1",
            "module": "ejabberd_http",
            // Of its own accord it lets five wait, and then loses connections.
            "backlog": 1_024,
            "request_handlers": {"/ws": "ejabberd_http_ws"},
        }],
        "auth_method": "sql",
        "auth_password_format": "plain",
        "sql_type": "pgsql",
        "sql_server": database.get_host(),
        "sql_port": database.get_port(),
        "sql_username": database.get_username(),
        "sql_database": database.get_database().unwrap_or(database.get_username()),
        "sql_pool_size": 10,
        "new_sql_schema": false,
        "modules": {"mod_mam": {"db_type": "sql", "default": "always"}},
    })
}

/// Starts Erlang with the package's own options, on all processors.
fn erlang(installed: &Installed, folder: &Path, config: &Path) -> Tried<Child> {
    let log = fs::File::create(folder.join("said"))?;
    let mut command = Command::new("erl");
    command.args(["-noinput", "+K", "true", "+P", "250000", "-mnesia", "dir"]);
    // Erlang reads the value as one of its own terms.
    command.arg(format!("{:?}", folder.join("mnesia").display().to_string())).args(["-s", "ejabberd"]);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", folder).env("ERL_LIBS", &installed.libraries).env("ERL_CRASH_DUMP_BYTES", "0");
    command.env("EJABBERD_CONFIG_PATH", config).env("EJABBERD_LOG_PATH", folder.join("ejabberd.log"));
    command.current_dir(folder).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command.spawn().map_err(|error| format!("Erlang does not start: {error}"))?)
}

/// Waits until connections are taken, which is the last thing to come when it starts.
async fn listening(child: &mut Child, port: u16, folder: &Path) -> Tried<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let started = Instant::now();
    while TcpStream::connect(address).await.is_err() {
        if child.try_wait()?.is_some() || started.elapsed() > PATIENCE {
            return Err(Problem::from(format!("ejabberd does not start: {}", said(folder))));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// What it has written, at its start and into its log.
fn said(folder: &Path) -> String {
    let files = ["said", "ejabberd.log"].map(|name| fs::read_to_string(folder.join(name)));
    files.into_iter().flatten().collect::<String>().trim_end().to_owned()
}

/// SIGTERM, upon which Erlang ends in order, and SIGKILL if it does not.
async fn stop(child: &mut Child) -> Tried<()> {
    if let Some(id) = child.id() {
        let asked = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
        if asked.is_ok() && timeout(PATIENCE, child.wait()).await.is_ok() {
            return Ok(());
        }
    }
    Ok(child.kill().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_names_the_database_and_the_port() {
        let database = "postgres://me@127.0.0.1:5433/x".parse().unwrap();
        let config = config_of(1_234, &database);
        assert_eq!((&config["sql_port"], &config["sql_database"]), (&json!(5433), &json!("x")));
        assert_eq!(config["sql_username"], "me");
        assert_eq!(
            (&config["listen"][0]["port"], &config["listen"][0]["ip"]),
            (&json!(1_234), &json!("127.0.0.1"))
        );
    }

    #[test]
    fn a_package_is_whole_only_with_its_driver() {
        let folder = Folder::within(&std::env::temp_dir()).unwrap();
        let make = |name: &str| fs::create_dir_all(folder.path().join(name)).unwrap();
        make("some-machine/ejabberd-23.01-1");
        make("some-machine/ejabberd-23.01");
        assert_eq!(installed(folder.path()), None);
        make("erlang/lib/p1_pgsql-1.1.20");
        let libraries = folder.path().join("some-machine");
        assert_eq!(installed(folder.path()), Some((libraries, "23.01".to_owned())));
    }
}
