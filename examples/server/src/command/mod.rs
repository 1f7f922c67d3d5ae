//! The sub-commands besides `serve`: a module each.

pub mod audit;
pub mod keys;
pub mod user;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;
use mvchat_core::Keys;

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
        let flags = Flags::from(ServeArgs { data_dir, config, ..ServeArgs::default() });
        match Config::load(&flags, &Environment::of_process()) {
            Ok((config, _)) => Ok(config),
            Err(problems) => Err(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
        }
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
