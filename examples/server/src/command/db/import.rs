//! `mvchat db import-mvchat2`: what an mvChat2 server keeps, into one of our stores.

use std::{collections::HashSet, fmt::Write as _, path::PathBuf};

use clap::Args;
use mvchat_core::{
    Keys,
    builtin::keys::FileVault,
    engine::{CopyError, CopyReport, import},
    seam::{Item, Loading, Part, Portable},
};
use mvchat_store_postgres::{PgStore, PgVault};
use mvchat_store_sled::SledStore;
use uuid::Uuid;

use super::{copy::address, progress::Progress};
use crate::{
    chat::{keys_folder, open_ring},
    cli::ServeArgs,
    command::{load, print},
    config::{Config, KeySource, StoreKind},
    mvchat2::{ContentKey, Mvchat2},
};

/// From where, to where.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct ImportArgs {
    /// The address of mvChat2's database; better in the environment, because others on this machine can read a command
    /// line.
    #[arg(long, value_name = "URL", env = "MVCHAT2_DATABASE_URL", hide_env_values = true)]
    pub from: String,
    /// The key of its messages, `database.encryption_key` of its configuration, in base64; better in the environment.
    #[arg(long, value_name = "KEY", env = "MVCHAT2_ENCRYPTION_KEY", hide_env_values = true)]
    pub key: String,
    /// The target, if not the configured store: a data folder, `postgres`, or the address of a database. It has to be
    /// empty, or an import of the same database that was not finished.
    #[arg(long, value_name = "STORE")]
    pub to: Option<String>,
    /// Only look: say what would be brought along, and what not.
    #[arg(long)]
    pub dry_run: bool,
    /// Folder for keys and the embedded store [default: mvchat-data] [env: MVCHAT_DATA_DIR].
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Configuration file in YAML [env: MVCHAT_CONFIG].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl ImportArgs {
    /// Does it.
    ///
    /// # Errors
    /// A sentence for the administrator.
    pub fn run(self) -> Result<(), String> {
        let (data_dir, config) = (self.data_dir.clone(), self.config.clone());
        let config = load(ServeArgs { data_dir, config, ..ServeArgs::default() })?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        print(&runtime.map_err(|error| error.to_string())?.block_on(self.import(&config))?)
    }

    async fn import(self, config: &Config) -> Result<String, String> {
        let key = ContentKey::read(&self.key)?;
        let progress = Progress::begin();
        progress.show("looking".to_owned(), 0, 0);
        let mut source = Mvchat2::open(&self.from, key).await?;
        let remarks = remarked(&source);
        if self.dry_run {
            return Ok(format!("{remarks}nothing was written\n"));
        }
        let (store, keys) = target(self.to.as_deref(), config).await?;
        let failed = |error: mvchat_core::seam::StoreError| error.to_string();
        if store.loading().await.map_err(failed)? == Loading::Taken {
            let missing = missing(&source, &*store).await.map_err(failed)?;
            return match missing {
                0 => Ok("everybody is there already; nothing was changed\n".to_owned()),
                _ => Err(CopyError::Taken.to_string()),
            };
        }
        source.seal_with(keys);
        let from = source.identity();
        let imported = import(&mut source, from, &*store, |told| {
            progress.show(format!("bringing {}", told.part.as_str()), told.done, told.total);
        });
        let imported = imported.await;
        drop(progress);
        match imported {
            Ok(report) => Ok(format!("{}{remarks}", table(&report))),
            Err(CopyError::Differs(report)) => {
                Err(format!("what is there now is not what was read:\n{}", table(&report)))
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Opens the store with the keys that seal what comes into it.
async fn target(to: Option<&str>, config: &Config) -> Result<(Box<dyn Portable>, Keys), String> {
    let url = match (to, config.store) {
        (Some(place), _) => address(place, &config.database)?,
        (None, StoreKind::Postgres) => address("postgres", &config.database)?,
        (None, StoreKind::Sled) => None,
        (None, _) => return Err("the store `memory` keeps nothing".to_owned()),
    };
    let said = |error: &dyn std::error::Error| format!("cannot open the target: {error}");
    let ring = || open_ring(config).map_err(|error| said(&error));
    if let Some(url) = url {
        let options = PgStore::options().accept_unfinished();
        let options = if config.database.accept_loss { options.accept_weak_durability() } else { options };
        let store = options.open(&url).await.map_err(|error| said(&error))?;
        let vault = PgVault::connect(&url).await.map_err(|error| said(&error))?;
        let keys = match config.keys.source {
            KeySource::File => Keys::load_or_create_beside(keys_folder(config), vault).await,
            KeySource::Environment => Ok(Keys::new(ring()?, vault)),
        };
        return Ok((Box::new(store), keys.map_err(|error| said(&error))?));
    }
    let folder = to.map_or_else(|| config.data_dir.0.clone(), PathBuf::from);
    let keys = match config.keys.source {
        KeySource::File => Keys::load_or_create(folder.join("keys")),
        KeySource::Environment => {
            let ring = ring()?;
            FileVault::open(folder.join("keys").join("vault")).map(|vault| Keys::new(ring, vault))
        }
    };
    let keys = keys.map_err(|error| said(&error))?;
    let store = SledStore::options().accept_unfinished().open(folder).map_err(|error| said(&error))?;
    Ok((Box::new(store), keys))
}

/// Counts the users who are not in a store that is in use.
async fn missing(source: &Mvchat2, store: &dyn Portable) -> mvchat_core::seam::StoreResult<usize> {
    let mut dump = store.dump().await?;
    let mut left: HashSet<Uuid> = source.users().clone();
    let mut after = None;
    loop {
        let page = dump.page(Part::Users, after, 500).await?;
        for item in page.items {
            if let Item::User(user) = item {
                left.remove(&user.id.0);
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(left.len());
        }
    }
}

fn remarked(source: &Mvchat2) -> String {
    let mut lines = String::new();
    if source.remarks().is_empty() {
        return lines;
    }
    lines.push_str("to know:\n");
    for (what, count) in source.remarks() {
        // Writing to a text never fails.
        let _ = writeln!(lines, "{count:>12}  {what}");
    }
    lines
}

fn table(report: &CopyReport) -> String {
    let mut lines = String::new();
    for part in report.parts.iter().filter(|part| part.source.items > 0 || part.source != part.target) {
        let alike = part.source.items == part.target.items;
        let but = if alike { String::new() } else { format!(", but there are {}", part.target.items) };
        let _ = writeln!(lines, "{:>12}  {}{but}", part.source.items, part.part.as_str());
    }
    lines
}
