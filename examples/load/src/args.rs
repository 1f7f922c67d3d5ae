//! The command line of `mvchat bench`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Load on a server, and what it can at best do.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct BenchArgs {
    /// What is done.
    #[command(subcommand)]
    pub command: BenchCommand,
}

/// What can be measured.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum BenchCommand {
    /// Connections that do nothing: the memory of each.
    Idle(IdleArgs),
    /// Messages between two, kept durably: from the plan to the acknowledgement and to the delivery.
    Dm(DmArgs),
    /// Messages to groups whose members are all there.
    Fanout(FanoutArgs),
    /// Many senders into one conversation, as fast as it goes.
    Hot(HotArgs),
    /// Messages between two, alone and beside something heavy: logins with passwords, somebody who reads a long history,
    /// a large group.
    Beside(BesideArgs),
    /// A day of chat: logging in, lists, history, messages, marks, typing, who is here.
    Mixed(MixedArgs),
    /// The server is restarted, and everybody comes back.
    Storm(StormArgs),
    /// People come back after a while: what that costs should follow what has changed.
    Catchup(CatchupArgs),
    /// More people than one server may have connections, on several; some write to somebody anywhere.
    #[command(mut_arg("store", |store| store.default_value("postgres")))]
    #[command(mut_arg("seconds", |seconds| seconds.default_value("30")))]
    Crowd(CrowdArgs),
    /// What stands beside the figures: the least that has to be done.
    #[command(subcommand)]
    Floor(FloorCommand),
    /// All scenarios and floors, in interleaved rounds, with ratios.
    Suite(SuiteArgs),
    /// Messages between two, durably on the same PostgreSQL: beside ejabberd with its archive, which has to be installed.
    Peers(PeersArgs),
    /// A floor's server, or one of several generators, started by the run itself.
    #[command(subcommand, hide = true)]
    Child(ChildCommand),
}

/// Which server is measured, for how long, and where the figures go.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct CommonArgs {
    /// The WebSocket of a server that runs already, such as ws://127.0.0.1:6060/v0/ws; its rates must be off.
    /// Otherwise a server is started for the run.
    #[arg(long)]
    pub url: Option<String>,
    /// The store of a server that is started: memory, sled or postgres.
    #[arg(long, default_value = "sled")]
    pub store: String,
    /// The transport of a server that is started.
    #[arg(long, default_value = "axum")]
    pub transport: String,
    /// A PostgreSQL server in which a database can be made for the run.
    #[arg(long, env = "MVCHAT_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Where data are kept while a run lasts, on the disk that is to be measured.
    #[arg(long, default_value = ".")]
    pub folder: PathBuf,
    /// How long the load lasts, in seconds.
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// How long messages are, in bytes.
    #[arg(long, default_value_t = 250)]
    pub bytes: usize,
    /// Write the figures as JSON into this file; - prints them instead of the table.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Write a report with plots into this file.
    #[arg(long)]
    pub html: Option<PathBuf>,
}

impl CommonArgs {
    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.clamp(0.1, 86_400.0))
    }
}

/// Of `idle`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct IdleArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields say what they are")]
    pub common: CommonArgs,
    /// How many are logged in.
    #[arg(long, default_value_t = 2_000)]
    pub connections: usize,
}

/// Of `dm`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct DmArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields say what they are")]
    pub common: CommonArgs,
    /// How many pairs; one of each writes to the other.
    #[arg(long, default_value_t = 100)]
    pub pairs: usize,
    /// Messages per second in all, by a schedule.
    #[arg(long, default_value_t = 1_000.0)]
    pub rate: f64,
    /// No schedule: each pair sends again when the last message was acknowledged. Latencies say little then.
    #[arg(long)]
    pub closed: bool,
}

/// Of `fanout`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct FanoutArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields say what they are")]
    pub common: CommonArgs,
    /// How many groups there are, of different people.
    #[arg(long, default_value_t = 1)]
    pub groups: usize,
    /// How many members each group has.
    #[arg(long, default_value_t = 100)]
    pub members: usize,
    /// How many of them write, all at the same instants.
    #[arg(long, default_value_t = 1)]
    pub senders: usize,
    /// Messages per second in all.
    #[arg(long, default_value_t = 100.0)]
    pub rate: f64,
}

/// Of `beside`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct BesideArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields say what they are")]
    pub common: CommonArgs,
    /// What is going on meanwhile.
    #[arg(value_enum)]
    pub burden: Burden,
    /// How much of it: logins a second, messages of the conversation that is read, members of the group.
    #[arg(long)]
    pub much: Option<usize>,
    /// How many pairs; one of each writes to the other.
    #[arg(long, default_value_t = 100)]
    pub pairs: usize,
    /// Messages per second in all, by a schedule.
    #[arg(long, default_value_t = 500.0)]
    pub rate: f64,
}

/// What one person or a few do to a server, and others should not feel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Burden {
    /// Logins with a password, 100 a second, each on a connection of its own.
    Logins,
    /// Somebody reads a conversation of 100,000 messages from its end to its beginning, as fast as it goes.
    History,
    /// Messages to a group of 1,500 members who are all there, five a second.
    Group,
}

/// Of `hot`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct HotArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields say what they are")]
    pub common: CommonArgs,
    /// How many write, each as soon as the last message was acknowledged.
    #[arg(long, default_value_t = 64)]
    pub senders: usize,
    /// Not into one conversation, but each into another one of the same members: for comparison.
    #[arg(long)]
    pub spread: bool,
}

/// Of `mixed`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct MixedArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields say what they are")]
    pub common: CommonArgs,
    /// How many people there are.
    #[arg(long, default_value_t = 200)]
    pub people: usize,
    /// What they do per second in all.
    #[arg(long, default_value_t = 500.0)]
    pub rate: f64,
}

/// Of `storm`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct StormArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields say what they are")]
    pub common: CommonArgs,
    /// How many are connected when the server is restarted.
    #[arg(long, default_value_t = 1_000)]
    pub people: usize,
}

/// Of `catchup`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct CatchupArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields say what they are")]
    pub common: CommonArgs,
    /// How many come back.
    #[arg(long, default_value_t = 100)]
    pub people: usize,
    /// How many groups they are all in.
    #[arg(long, default_value_t = 10)]
    pub groups: usize,
    /// How many messages come while they are away.
    #[arg(long, default_value_t = 20)]
    pub changes: usize,
    /// How many messages others exchange meanwhile, in a long absence.
    #[arg(long, default_value_t = 5_000)]
    pub elsewhere: usize,
}

/// Of `crowd`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct CrowdArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields say what they are")]
    pub common: CommonArgs,
    /// How many are logged in, in all.
    #[arg(long, default_value_t = 95_000)]
    pub connections: usize,
    /// How many servers they are on; there are as many generators.
    #[arg(long, default_value_t = 5)]
    pub nodes: usize,
    /// How many pairs, chosen at random; one of each writes to the other.
    #[arg(long, default_value_t = 2_000)]
    pub pairs: usize,
    /// Messages per second in all, by a schedule.
    #[arg(long, default_value_t = 1_000.0)]
    pub rate: f64,
}

/// The least that has to be done.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum FloorCommand {
    /// A bare axum server that passes ready frames on to all other connections.
    Fanout(FanoutArgs),
    /// A tuned axum server that echoes: the memory of a connection.
    Echo(IdleArgs),
    /// The same rows, inserted into PostgreSQL in batches and nothing else.
    Rows(RowsArgs),
    /// How often the disk appends and syncs.
    Sync(SyncArgs),
}

/// Of `floor rows`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct RowsArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields say what they are")]
    pub common: CommonArgs,
    /// How many messages are on their way at once, each in a conversation of its own.
    #[arg(long, default_value_t = 256)]
    pub outstanding: usize,
}

/// Of `floor sync`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct SyncArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields say what they are")]
    pub common: CommonArgs,
}

/// Of `suite`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct SuiteArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields say what they are")]
    pub common: CommonArgs,
    /// How often everything is run, one after the other.
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Less of everything, so that it takes five minutes.
    #[arg(long)]
    pub quick: bool,
    /// Another transport, beside the first.
    #[arg(long)]
    pub also: Option<String>,
    /// Only what has this in its name.
    #[arg(long)]
    pub only: Option<String>,
    /// The page of the book whose tables are written.
    #[arg(long)]
    pub book: Option<PathBuf>,
}

/// Of `peers`.
#[derive(Clone, Debug, Args)]
#[non_exhaustive]
pub struct PeersArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields say what they are")]
    pub common: CommonArgs,
    /// How often everything is run, one after the other.
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// The page of the book whose tables are written.
    #[arg(long)]
    pub book: Option<PathBuf>,
}

/// The servers of floors, and generators.
#[derive(Clone, Copy, Debug, Subcommand)]
#[non_exhaustive]
pub enum ChildCommand {
    /// Passes frames on.
    Fanout,
    /// Echoes.
    Echo,
    /// Has connections to one of several servers.
    Crowd,
}
