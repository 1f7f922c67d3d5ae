//! The server's configuration: every effective setting, typed, from flags, environment, file and defaults.
//!
//! A flag wins over an environment variable, a variable over the file, the file over the preset, the preset
//! over the default. `mvchat config example` prints every key; the table is `keys.rs`.

mod auth;
mod duration;
mod environment;
mod example;
mod expand;
mod file;
mod keys;
mod load;
mod mail;
mod network;
mod problem;
mod rates;
mod read;
mod size;
mod suggest;
mod tls;
mod unbuilt;
mod value;
mod yaml;

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use mvchat_core::proto::{Limits, Rates};

pub use auth::{AuthConfig, HeaderConfig, JwtConfig, NamingKind};
pub use environment::Environment;
pub use example::example;
pub use load::{Flags, Warnings};
pub use mail::{MailConfig, MailTls};
pub use network::Network;
pub use problem::{Origin, Problem, Warning};
pub use tls::TlsConfig;

/// Every setting the server runs with. Its `Debug` shows no secrets, so it may be logged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Config {
    /// The set of defaults that the other settings start from.
    pub preset: Preset,
    /// The folder that holds the keys and the embedded store.
    pub data_dir: DataDir,
    /// Where conversations are kept.
    pub store: StoreKind,
    /// The database, for the store that needs one.
    pub database: DatabaseConfig,
    /// What carries the connections.
    pub transport: TransportKind,
    /// What is logged, and how.
    pub log: LogConfig,
    /// Where traces go.
    pub traces: TracesConfig,
    /// The listening socket and its connections.
    pub server: ServerConfig,
    /// The address for operators.
    pub admin: AdminConfig,
    /// Accounts and tokens.
    pub auth: AuthConfig,
    /// The keys of data at rest.
    pub keys: KeysConfig,
    /// The audit log.
    pub audit: AuditConfig,
    /// What users may do, and how much of it.
    pub limits: LimitsConfig,
    /// Mail to people.
    pub mail: MailConfig,
}

/// A set of defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Preset {
    /// mvchat's own values.
    #[default]
    Standard,
    /// The values that mvChat2 really enforced: 30 frames a second, unsend within 5 minutes, passwords of 6 bytes.
    MvChat2,
    /// mvchat's own values, and at most 30 messages of a user in every minute.
    Mrezhen,
}

/// The data folder; `mvchat-data` in the working directory by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir(pub PathBuf);

impl Default for DataDir {
    fn default() -> Self {
        Self(PathBuf::from("mvchat-data"))
    }
}

/// A database.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DatabaseConfig {
    /// Its address, with the password; empty if there is none.
    pub url: String,
    /// It may lose what was acknowledged.
    pub accept_loss: bool,
}

impl fmt::Debug for DatabaseConfig {
    /// Shows whether there is an address, but not which.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = if self.url.is_empty() { "none" } else { "(hidden)" };
        f.debug_struct("DatabaseConfig").field("url", &url).field("accept_loss", &self.accept_loss).finish()
    }
}

/// The store behind the chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StoreKind {
    /// Nothing survives a restart.
    Memory,
    /// The embedded store, below the data folder.
    #[default]
    Sled,
    /// A PostgreSQL database, for one server or several.
    Postgres,
}

/// The web framework that carries the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TransportKind {
    /// axum.
    #[default]
    Axum,
    /// warp.
    Warp,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogConfig {
    /// One line of text, or one JSON object, per event.
    pub format: LogFormat,
    /// A level, or directives such as `warn,mvchat_core=debug`.
    pub level: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::default(), level: "info".to_owned() }
    }
}

/// Where traces go.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TracesConfig {
    /// The collector as `http://host[:port][/path]`, without a `/` at the end; empty for none.
    pub endpoint: String,
    /// What the server is called among others.
    pub service: String,
    /// One of so many traces is kept.
    pub one_in: u32,
}

impl Default for TracesConfig {
    fn default() -> Self {
        Self { endpoint: String::new(), service: "mvchat".to_owned(), one_in: 1 }
    }
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one object per line.
    Json,
}

/// The listening socket and its connections.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The address; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Someone else ends TLS in front of this server.
    pub behind_proxy: bool,
    /// Client addresses are taken from `X-Forwarded-For`, from trusted proxies only.
    pub use_x_forwarded_for: bool,
    /// The proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<Network>,
    /// The web origins whose pages may connect, as `scheme://host[:port]` in lower case.
    pub allowed_origins: Vec<String>,
    /// How long a request's head may take.
    pub read_timeout: Duration,
    /// How long a connection may stay open between two requests.
    pub idle_timeout: Duration,
    /// How long a message may take over a WebSocket, from its first byte to its last.
    pub message_timeout: Duration,
    /// How long the server may take to stop after a signal.
    pub shutdown_timeout: Duration,
    /// How many connections may be open at once, WebSockets included.
    pub max_connections: usize,
    /// How many of them may be of one address; loopback and trusted proxies may have any number.
    pub max_connections_per_ip: usize,
    /// The server's own TLS.
    pub tls: TlsConfig,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 6060)),
            behind_proxy: false,
            use_x_forwarded_for: false,
            trusted_proxies: ["127.0.0.0/8", "::1/128"].iter().filter_map(|text| text.parse().ok()).collect(),
            allowed_origins: Vec::new(),
            read_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            message_timeout: Duration::from_secs(20),
            shutdown_timeout: Duration::from_secs(10),
            max_connections: 20_000,
            max_connections_per_ip: 1_000,
            tls: TlsConfig::default(),
        }
    }
}

/// The address for operators.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AdminConfig {
    /// Where `/metrics` is served; nowhere if there is none.
    pub listen: Option<SocketAddr>,
}

/// The environment variable that holds the key ring if [`KeySource::Environment`] is set.
pub const RING_VARIABLE: &str = "MVCHAT_KEY_RING";

/// The keys of data at rest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct KeysConfig {
    /// Where the ring is from.
    pub source: KeySource,
    /// After which time the key-encryption key is replaced; zero means never.
    pub rotate_every: Duration,
    /// After which time the key that signs tokens is replaced; zero means never.
    pub rotate_signing_every: Duration,
    /// After which time a retired key is destroyed; zero means never.
    pub destroy_after: Duration,
}

/// Where the key ring is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum KeySource {
    /// `keys/ring.json` below the data folder, made if it is missing.
    #[default]
    File,
    /// The environment variable [`RING_VARIABLE`], for secrets managers.
    Environment,
}

/// The audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditConfig {
    /// Whether it is kept, below the data folder.
    pub enabled: bool,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// What users may do, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitsConfig {
    /// How long after sending a message may be edited.
    pub edit_window: Duration,
    /// How long after sending a message may be unsent.
    pub unsend_window: Duration,
    /// How often a message may be edited.
    pub max_edit_count: u32,
    /// The largest WebSocket message, in bytes.
    pub max_message_size: usize,
    /// The largest number of members of a group.
    pub max_subscriber_count: usize,
    /// Frames per second that one connection may send.
    pub rate_limit_messages: u32,
    /// Bytes per second that one connection may send; four times as many at once.
    pub rate_limit_bytes: u32,
    /// Frames at once that are no requests before their connection is closed; 0 closes none.
    pub max_malformed: u32,
    /// Refused frames of a minute before their connection is closed; 0 closes none.
    pub max_refused: u32,
    /// How often something may be done.
    pub rates: Rates,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            edit_window: Duration::from_mins(15),
            unsend_window: Duration::from_mins(10),
            max_edit_count: 10,
            max_message_size: 64 * 1024,
            max_subscriber_count: 1_500,
            rate_limit_messages: 50,
            rate_limit_bytes: 256 * 1024,
            max_malformed: 5,
            max_refused: 1_000,
            rates: Limits::default().rates,
        }
    }
}

impl Config {
    /// The defaults of a preset.
    pub fn of_preset(preset: Preset) -> Self {
        let mut config = Self { preset, ..Self::default() };
        match preset {
            Preset::Standard => {}
            Preset::MvChat2 => {
                config.limits.rate_limit_messages = 30;
                config.limits.rate_limit_bytes = u32::MAX;
                config.limits.max_malformed = 0;
                config.limits.max_refused = 0;
                config.limits.rates = Limits::mvchat2().rates;
                config.limits.unsend_window = Duration::from_mins(5);
                config.auth.min_password_length = 6;
            }
            Preset::Mrezhen => config.limits.rates = Limits::mrezhen().rates,
        }
        config
    }
}
