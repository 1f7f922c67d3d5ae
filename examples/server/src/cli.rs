//! The command line of `mvchat`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use mvchat_load::BenchArgs;

use crate::{
    command::{
        audit::AuditCommand,
        db::{CopyArgs, ImportArgs},
        health::HealthArgs,
        keys::KeysCommand,
        token::TokenCommand,
        user::UserCommand,
    },
    config::Flags,
};

/// A complete messenger in one process.
///
/// Settings come from flags, then environment variables, then the configuration file, then defaults.
#[derive(Debug, Parser)]
#[command(name = "mvchat", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do; exhaustive, so that a command without code behind it does not compile.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server until SIGTERM or SIGINT.
    Serve(Box<ServeArgs>),
    /// Ask the running server whether it serves; exit status 1 if it does not.
    Health(HealthArgs),
    /// Look after the database of the store postgres, and move between stores.
    #[command(subcommand)]
    Db(DbCommand),
    /// Look at configurations.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look after the keys of data at rest.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Look at the audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Look after users.
    #[command(subcommand)]
    User(UserCommand),
    /// Make and check tokens while the server is stopped.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Put load on a server, and measure what it takes.
    Bench(BenchArgs),
}

/// What can be done with stores.
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// The tables of the store postgres.
    #[command(flatten)]
    Tables(TablesCommand),
    /// Copy everything from one store into another, compare the two, and print what was found; no server may run on
    /// either. Exit status 0 if both hold the same; otherwise 1, and nobody can use the copy yet: run it again.
    Copy(CopyArgs),
    /// Bring along what an mvChat2 server keeps: users with their passwords, conversations, messages, marks, contacts. May
    /// be repeated: it goes on where it ended, and changes nothing when everything is there.
    #[command(name = "import-mvchat2")]
    ImportMvchat2(ImportArgs),
}

/// What can be done with the tables of the store postgres.
#[derive(Debug, Subcommand)]
pub enum TablesCommand {
    /// Say which version the tables have, and which this program needs.
    Status(Box<ServeArgs>),
    /// Bring the tables to the version that this program needs, as `serve` also does.
    Migrate(Box<ServeArgs>),
    /// Look for gaps and contradictions; exit status 1 if there are any.
    Verify(Box<ServeArgs>),
}

/// What can be done with configurations.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check a configuration as `serve` would, and say everything that is wrong with it.
    Check(Box<ServeArgs>),
    /// Print an annotated file with every key and its default.
    Example,
}

/// The flags that set keys. Values are read later, so that all problems are reported together.
#[derive(Clone, Debug, Default, Args)]
#[non_exhaustive]
pub struct ServeArgs {
    /// Address and port to listen on; port 0 picks a free one [default: 127.0.0.1:6060] [env: MVCHAT_LISTEN].
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Folder for keys and the embedded store [default: mvchat-data] [env: MVCHAT_DATA_DIR].
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Where conversations are kept: memory, sled or postgres [default: sled] [env: MVCHAT_STORE].
    #[arg(long, value_name = "STORE")]
    pub store: Option<String>,
    /// Address of the database for the store postgres; better in [env: MVCHAT_DATABASE_URL], because others on this
    /// machine can read a command line.
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// The web framework that answers for the chat: axum or warp [default: axum] [env: MVCHAT_TRANSPORT].
    #[arg(long, value_name = "TRANSPORT")]
    pub transport: Option<String>,
    /// Configuration file in YAML [env: MVCHAT_CONFIG].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Allow addresses other than loopback: a proxy in front ends TLS [env: MVCHAT_BEHIND_PROXY].
    #[arg(long)]
    pub behind_proxy: bool,
    /// Log level or directives [default: info] [env: MVCHAT_LOG].
    #[arg(long, value_name = "LEVEL")]
    pub log: Option<String>,
    /// Form of log lines: text or json [default: text] [env: MVCHAT_LOG_FORMAT].
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
}

impl From<ServeArgs> for Flags {
    fn from(args: ServeArgs) -> Self {
        let given = [
            ("server.listen", "--listen", args.listen),
            ("data_dir", "--data-dir", args.data_dir),
            ("store", "--store", args.store),
            ("database.url", "--database-url", args.database_url),
            ("transport", "--transport", args.transport),
            ("server.behind_proxy", "--behind-proxy", args.behind_proxy.then(|| "true".to_owned())),
            ("log.level", "--log", args.log),
            ("log.format", "--log-format", args.log_format),
        ];
        let settings =
            given.into_iter().filter_map(|(path, flag, value)| Some((path, flag, value?))).collect();
        Self { config: args.config, settings }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::config::{Config, Environment, Origin};

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_reaches_its_key() {
        let wrong = || Some(String::new());
        let flags = Flags::from(ServeArgs {
            listen: wrong(),
            data_dir: wrong(),
            store: wrong(),
            database_url: None,
            transport: wrong(),
            log: wrong(),
            log_format: wrong(),
            config: None,
            behind_proxy: false,
        });
        let problems = Config::load(&flags, &Environment::default()).unwrap_err();
        let origins: Vec<_> = problems.into_iter().map(|problem| problem.origin).collect();
        let names = ["--listen", "--data-dir", "--store", "--transport", "--log", "--log-format"];
        assert_eq!(origins, names.map(Origin::Flag));

        let flags = Flags::from(ServeArgs { behind_proxy: true, ..ServeArgs::default() });
        assert!(Config::load(&flags, &Environment::default()).unwrap().0.server.behind_proxy);
    }
}
