//! How a store is opened.

use crate::check::check_durability;
use crate::error::{failed, internal};
use crate::hints::Hints;
use crate::migrate::{Migrations, STORE, migrate};
use crate::rows::get;
use crate::schema::{Schema, SchemaStatus};
use crate::store::{PgStore, Shared};
use mvchat_core::seam::{StoreError, StoreErrorKind, StoreResult};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::str::FromStr;
use std::time::Duration;

/// How a store is opened: made by [`PgStore::options`] or [`PgStore::with_pool`].
///
/// # Defaults
/// Schema `mvchat`; 10 connections; 2 s to get one; 10 s for a statement, 5 s for a lock; 200 ms of patience; migrates; refuses a server
/// whose settings do not keep what was acknowledged.
#[derive(Clone, Debug)]
#[must_use]
pub struct PgOptions {
    pool: Option<PgPool>,
    schema: String,
    connections: u32,
    acquire: Duration,
    statement: Duration,
    lock: Duration,
    patience: Duration,
    migrate: bool,
    weak: bool,
    unfinished: bool,
}

impl Default for PgOptions {
    fn default() -> Self {
        Self {
            pool: None,
            schema: "mvchat".to_owned(),
            connections: 10,
            acquire: Duration::from_secs(2),
            statement: Duration::from_secs(10),
            lock: Duration::from_secs(5),
            patience: Duration::from_millis(200),
            migrate: true,
            weak: false,
            unfinished: false,
        }
    }
}

impl PgOptions {
    pub(crate) fn of_pool(pool: PgPool) -> Self {
        Self { pool: Some(pool), ..Self::default() }
    }

    /// Names the schema: at most 40 lower-case letters, digits and underscores.
    pub fn schema(self, name: impl Into<String>) -> Self {
        Self { schema: name.into(), ..self }
    }

    /// Sets the most connections; without effect on a pool that was given.
    pub fn connections(self, most: u32) -> Self {
        Self { connections: most.max(2), ..self }
    }

    /// Sets how long a statement may take; without effect on a pool that was given.
    pub fn statement_timeout(self, timeout: Duration) -> Self {
        Self { statement: timeout, ..self }
    }

    /// Sets how long a statement may wait for a lock; without effect on a pool that was given.
    pub fn lock_timeout(self, timeout: Duration) -> Self {
        Self { lock: timeout, ..self }
    }

    /// Sets how long a read of the log, or of what was touched since, waits for transactions that began before this
    /// store's last write. Whoever runs long transactions that write in the same server delays what other nodes and
    /// followers of the log learn, nothing else.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Leaves the tables as they are; opening then fails if they are not those that this program needs.
    pub fn without_migration(self) -> Self {
        Self { migrate: false, ..self }
    }

    /// Accepts a server that may lose what it acknowledged, and says so in the log and by
    /// [`Durability`](mvchat_core::seam::Durability).
    pub fn accept_weak_durability(self) -> Self {
        Self { weak: true, ..self }
    }

    /// Also opens what another store is being copied into, to go on with that.
    pub fn accept_unfinished(self) -> Self {
        Self { unfinished: true, ..self }
    }

    /// Connects and opens the store.
    ///
    /// # Errors
    /// `Unavailable` if the database can't be reached; `Internal` if the address or the schema's name is malformed,
    /// if the tables belong to a newer program, or if the server does not keep what it acknowledged; `Conflict` if
    /// another store is being copied into the schema, and that was not finished.
    pub async fn open(self, url: &str) -> StoreResult<PgStore> {
        let pool = self.pool_for(url)?;
        self.start(pool, true).await
    }

    /// Opens the store on the pool that was given.
    ///
    /// The pool's connections are the caller's: their timeouts stay as they are.
    ///
    /// # Errors
    /// Like [`PgOptions::open`].
    pub async fn build(mut self) -> StoreResult<PgStore> {
        let pool = self.pool.take().ok_or_else(|| internal("there is no pool; open an address instead"))?;
        self.start(pool, false).await
    }

    /// Returns how far the schema in a database is. Changes nothing.
    ///
    /// # Errors
    /// Like [`PgOptions::open`].
    pub async fn status(self, url: &str) -> StoreResult<SchemaStatus> {
        let pool = self.pool_for(url)?;
        let schema = Schema::new(&self.schema)?;
        let version = STORE.version(&pool, &schema).await;
        pool.close().await;
        Ok(SchemaStatus::new(&self.schema, version?, STORE.newest()))
    }

    /// Makes a pool that connects when it is used first.
    pub(crate) fn pool_for(&self, url: &str) -> StoreResult<PgPool> {
        let timeout = |limit: Duration| limit.as_millis().to_string();
        let options = PgConnectOptions::from_str(url)
            // The error would show the address, and with it the password.
            .map_err(|_| {
                internal("the database's address is malformed: postgres://user:password@host/database")
            })?
            .application_name("mvchat")
            .options([
                ("statement_timeout", timeout(self.statement)),
                ("lock_timeout", timeout(self.lock)),
                ("idle_in_transaction_session_timeout", timeout(self.statement)),
            ]);
        let pool = PgPoolOptions::new()
            .max_connections(self.connections)
            .acquire_timeout(self.acquire)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    // A connection that was used a moment ago needs no question.
                    if meta.idle_for > Duration::from_secs(1) {
                        sqlx::Connection::ping(connection).await?;
                    }
                    Ok(true)
                })
            });
        Ok(pool.connect_lazy_with(options))
    }

    async fn start(self, pool: PgPool, own: bool) -> StoreResult<PgStore> {
        let schema = Schema::new(&self.schema)?;
        let durability = check_durability(&pool, self.weak).await?;
        self.prepare(&STORE, &pool, &schema).await?;
        if !self.unfinished {
            refuse_unfinished(&pool, &schema).await?;
            let behind = sqlx::query(schema.sql(GO_ON)).fetch_one(&pool).await.map_err(failed)?;
            if get(&behind, 0)? {
                tracing::info!(schema = %schema.name, "the tables come from another server; their order goes on");
            }
        }
        let hints = Hints::start(&pool, &schema.name);
        Ok(PgStore::new(Shared::new(pool, own, schema, durability, hints, self.patience)))
    }

    /// Brings the tables to what this program needs, or checks that they are.
    pub(crate) async fn prepare(
        &self,
        tables: &Migrations,
        pool: &PgPool,
        schema: &Schema,
    ) -> StoreResult<()> {
        if self.migrate {
            return migrate(tables, pool, schema).await;
        }
        let version = tables.version(pool, schema).await?;
        if version == tables.newest() {
            return Ok(());
        }
        let newest = tables.newest();
        Err(internal(format!(
            "schema {} has version {version}, and {newest} is needed: migrate",
            schema.name
        )))
    }
}

const BEGUN: &str = "select from @.loading";
const GO_ON: &str = "select @.go_on_where_it_was()";
pub(crate) const STATEMENTS: &[&str] = &[BEGUN, GO_ON];

async fn refuse_unfinished(pool: &PgPool, schema: &Schema) -> StoreResult<()> {
    let begun = sqlx::query(schema.sql(BEGUN)).fetch_optional(pool).await;
    match begun.map_err(failed)? {
        Some(_) => Err(StoreError::new(
            StoreErrorKind::Conflict,
            format!(
                "schema {} holds a copy that was not finished: finish it, or drop the schema",
                schema.name
            ),
        )),
        None => Ok(()),
    }
}
