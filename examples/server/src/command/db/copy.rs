//! `mvchat db copy`: everything from one store into another.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use clap::Args;
use mvchat_core::{
    builtin::keys::{FileVault, MemoryVault},
    engine::{CopyError, CopyReport, CopyStage, copy, copy_keys},
    seam::{Loading, Portable, keys::Vault},
};
use mvchat_store_postgres::{PgStore, PgVault};
use mvchat_store_sled::SledStore;

use super::progress::Progress;
use crate::{
    cli::ServeArgs,
    command::{load, print},
    config::{Config, DatabaseConfig},
};

/// From where, to where.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct CopyArgs {
    /// The source: a data folder, `postgres` for the configured database, or the address of another one.
    #[arg(long, value_name = "STORE")]
    pub from: String,
    /// The target, which has to be empty or an unfinished copy of the same source.
    #[arg(long, value_name = "STORE")]
    pub to: String,
    /// Configuration file in YAML [env: MVCHAT_CONFIG].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// A store with the users' keys that belong to it.
struct Place {
    store: Box<dyn Portable>,
    vault: Box<dyn Vault>,
    /// Where the keys that wrap those of the users would be.
    ring: Option<PathBuf>,
}

impl CopyArgs {
    /// Does it.
    ///
    /// # Errors
    /// A sentence for the administrator.
    pub fn run(self) -> Result<(), String> {
        let config = load(ServeArgs { config: self.config.clone(), ..ServeArgs::default() })?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        print(&runtime.map_err(|error| error.to_string())?.block_on(self.copy(&config))?)
    }

    async fn copy(self, config: &Config) -> Result<String, String> {
        let from = Place::source(&self.from, &config.database).await?;
        let to = Place::target(&self.to, &config.database).await?;
        let progress = Progress::begin();
        // Nothing is written into a vault that is in use.
        if to.store.loading().await.map_err(|error| error.to_string())? == Loading::Taken {
            return Err(CopyError::Taken.to_string());
        }
        // The keys first: who may read the store needs them.
        let keys =
            copy_keys(&*from.vault, &*to.vault, |done| progress.show("users' keys".to_owned(), done, done));
        let keys = keys.await.map_err(|error| error.to_string())?;
        let copied = copy(&*from.store, &*to.store, |told| {
            let what = match told.stage {
                CopyStage::Copying => "copying",
                _ => "checking",
            };
            progress.show(format!("{what} {}", told.part.as_str()), told.done, told.total);
        });
        let copied = copied.await;
        drop(progress);
        match copied {
            Ok(report) => Ok(said(&report, keys, from.ring.as_deref(), to.ring.as_deref())),
            Err(CopyError::Differs(report)) => {
                Err(format!("{}\n{}", CopyError::Differs(report.clone()), table(&report)))
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Place {
    async fn source(place: &str, database: &DatabaseConfig) -> Result<Self, String> {
        if let Some(url) = address(place, database)? {
            return Self::postgres(&url, database).await;
        }
        let folder = Path::new(place);
        // Opening would make one.
        if !folder.join("store").join("db").is_file() {
            return Err(format!("{place} holds no sled store"));
        }
        let vault = vault_folder(folder);
        let store = SledStore::open(folder).map_err(|error| cannot_open(place, &error))?;
        let vault: Box<dyn Vault> = match vault.is_dir() {
            true => Box::new(FileVault::open(vault).map_err(|error| cannot_open(place, &error))?),
            // Nobody has a key yet.
            false => Box::new(MemoryVault::default()),
        };
        Ok(Self { store: Box::new(store), vault, ring: Some(folder.join("keys")) })
    }

    async fn target(place: &str, database: &DatabaseConfig) -> Result<Self, String> {
        if let Some(url) = address(place, database)? {
            return Self::postgres(&url, database).await;
        }
        let folder = Path::new(place);
        let store = SledStore::options().accept_unfinished().open(folder);
        let store = store.map_err(|error| cannot_open(place, &error))?;
        let vault = FileVault::open(vault_folder(folder)).map_err(|error| cannot_open(place, &error))?;
        Ok(Self { store: Box::new(store), vault: Box::new(vault), ring: Some(folder.join("keys")) })
    }

    async fn postgres(url: &str, database: &DatabaseConfig) -> Result<Self, String> {
        let options = PgStore::options().accept_unfinished();
        let options = if database.accept_loss { options.accept_weak_durability() } else { options };
        // The address may hold a password and is not repeated.
        let failed = |error| cannot_open("the database", &error);
        let store = options.open(url).await.map_err(failed)?;
        let vault = PgVault::connect(url).await.map_err(failed)?;
        Ok(Self { store: Box::new(store), vault: Box::new(vault), ring: None })
    }
}

/// Returns the address if a database is meant.
pub(super) fn address(place: &str, database: &DatabaseConfig) -> Result<Option<String>, String> {
    match place {
        "postgres" if database.url.is_empty() => {
            Err("no database is configured: set MVCHAT_DATABASE_URL".to_owned())
        }
        "postgres" => Ok(Some(database.url.clone())),
        url if url.starts_with("postgres://") || url.starts_with("postgresql://") => Ok(Some(url.to_owned())),
        _ => Ok(None),
    }
}

fn vault_folder(folder: &Path) -> PathBuf {
    folder.join("keys").join("vault")
}

fn cannot_open(what: &str, error: &dyn std::error::Error) -> String {
    format!("cannot open {what}: {error}")
}

fn said(report: &CopyReport, keys: u64, from: Option<&Path>, to: Option<&Path>) -> String {
    let mut said = table(report);
    let again = if report.resumed { "an earlier run went on, " } else { "" };
    // Writing to a text never fails.
    let _ = writeln!(said, "{keys:>12}  users' keys, wrapped\n{again}both stores hold the same");
    let ring =
        |folder: Option<&Path>| folder.map(|folder| format!(" ({})", folder.display())).unwrap_or_default();
    let _ = writeln!(
        said,
        "the key ring{} stays where it is: whoever serves the copy needs that ring{}",
        ring(from),
        ring(to)
    );
    said
}

fn table(report: &CopyReport) -> String {
    let mut lines = String::new();
    for part in &report.parts {
        let alike = if part.source == part.target { String::new() } else { format!("  but {}", part.target) };
        let _ = writeln!(
            lines,
            "{:>12}  {}  {}{alike}",
            part.source.items,
            part.part.as_str(),
            part.source.short()
        );
    }
    lines
}
