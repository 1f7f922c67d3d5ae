//! The database behind the chat, and what an operator does with it.

use std::io::{self, Write};

use mvchat_core::seam::StoreError;
use mvchat_store_postgres::{PgOptions, PgStore, PgVault};

use crate::{cli::TablesCommand, config::DatabaseConfig};

/// Opens the store and the vault beside it.
///
/// # Errors
/// If there is no address, or with what the database says; never with the address, which holds a password.
pub(crate) async fn open(config: &DatabaseConfig) -> io::Result<(PgStore, PgVault)> {
    let store = options(config).open(address(config)?).await.map_err(cannot_open)?;
    Ok((store, vault(config).await?))
}

/// Opens the vault alone.
///
/// # Errors
/// As [`open`].
pub(crate) async fn vault(config: &DatabaseConfig) -> io::Result<PgVault> {
    PgVault::connect(address(config)?).await.map_err(cannot_open)
}

fn cannot_open(error: StoreError) -> io::Error {
    io::Error::other(format!("cannot open the database: {error}"))
}

/// Carries out a command and prints what came of it.
///
/// # Errors
/// If there is no address, with what the database says, or if `verify` finds something.
pub async fn run(command: &TablesCommand, config: &DatabaseConfig) -> io::Result<()> {
    let failed = |error| io::Error::other(format!("the database failed: {error}"));
    let mut out = io::stdout();
    match command {
        TablesCommand::Status(_) => {
            let status = options(config).status(address(config)?).await.map_err(failed)?;
            writeln!(out, "schema {}: version {} of {}", status.schema, status.version, status.needed)
        }
        TablesCommand::Migrate(_) => {
            open(config).await?;
            writeln!(out, "the tables are those that this program needs")
        }
        TablesCommand::Verify(_) => {
            let (store, _) = open(config).await?;
            let problems = store.verify().await.map_err(failed)?;
            for problem in &problems {
                writeln!(out, "{problem}")?;
            }
            match problems.len() {
                0 => writeln!(out, "nothing is wrong"),
                found => Err(io::Error::other(format!("{found} problems"))),
            }
        }
    }
}

fn options(config: &DatabaseConfig) -> PgOptions {
    let options = PgStore::options();
    if config.accept_loss { options.accept_weak_durability() } else { options }
}

fn address(config: &DatabaseConfig) -> io::Result<&str> {
    match config.url.as_str() {
        "" => {
            Err(io::Error::other("there is no database: give --database-url, or better MVCHAT_DATABASE_URL"))
        }
        url => Ok(url),
    }
}
