//! The sub-commands besides `serve`: a module each.

pub mod audit;
pub mod bench;
pub mod db;
pub mod health;
pub mod keys;
pub mod token;
pub mod user;

use std::{
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use clap::Args;
use mvchat_core::{Chat, Keys};

use crate::{
    cli::ServeArgs,
    config::{Config, Environment, Flags},
};

/// Which data are meant: those of the server that is configured so.
#[derive(Debug, Default, Args)]
#[non_exhaustive]
pub struct DataArgs {
    /// Folder for keys and the embedded store [default: mvchat-data] [env: MVCHAT_DATA_DIR].
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Configuration file in YAML [env: MVCHAT_CONFIG].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl DataArgs {
    /// Loads the configuration that a server with these settings would run with.
    pub(crate) fn load(self) -> Result<Config, String> {
        let Self { data_dir, config } = self;
        load(ServeArgs { data_dir, config, ..ServeArgs::default() })
    }
}

pub(crate) fn load(args: ServeArgs) -> Result<Config, String> {
    match Config::load(&Flags::from(args), &Environment::of_process()) {
        Ok((config, _)) => Ok(config),
        Err(problems) => Err(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

/// Opens the ring of a server, for its signatures.
pub(crate) fn open_keys(config: &Config) -> Result<Keys, String> {
    crate::chat::ring_alone(config).map_err(|error| error.to_string())
}

/// Prints what a command is asked for.
pub(crate) fn print(text: &str) -> Result<(), String> {
    io::stdout().write_all(text.as_bytes()).map_err(|error| format!("cannot write: {error}"))
}

/// Tells what goes on, beside what is printed.
pub(crate) fn tell(text: &str) {
    // With standard error closed there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// How long what was begun may take to end.
const DRAIN: Duration = Duration::from_secs(5);

/// Does something with the data of a server that does not run, and prints what comes of it.
pub(crate) fn by_hand(
    args: ServeArgs,
    work: impl AsyncFnOnce(&Config) -> io::Result<String>,
) -> Result<(), String> {
    let config = load(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    print(&runtime.block_on(work(&config)).map_err(|error| error.to_string())?)
}

/// Opens the chat of a configuration without serving it, does something, and closes it.
///
/// # Errors
/// If it can't be opened, for example because a server runs on the same folder; or as the work.
pub(crate) async fn with_chat<T>(
    config: &Config,
    work: impl AsyncFnOnce(&Chat) -> io::Result<T>,
) -> io::Result<T> {
    let chat = crate::chat::open(config).await?;
    let done = work(&chat).await;
    chat.drain(DRAIN).await;
    done
}

/// Reads the first line of standard input: a secret does not belong on a command line, which others can read.
///
/// # Errors
/// If there is none.
pub(crate) fn read_secret(what: &str) -> io::Result<String> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let secret = line.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(io::Error::other(format!("give the {what} on standard input, in one line")));
    }
    Ok(secret.to_owned())
}
