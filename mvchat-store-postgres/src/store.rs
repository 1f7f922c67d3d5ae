//! The handle of the store.

use crate::bus::PgBus;
use crate::error::{failed, internal, is_conflict, is_lost};
use crate::hints::Hints;
use crate::options::PgOptions;
use crate::schema::Schema;
use async_trait::async_trait;
use mvchat_core::proto::{ConvId, Position};
use mvchat_core::seam::{Bus, Change, Durability, Outcome, Store, StoreResult};
use parking_lot::Mutex;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Executor, PgConnection, PgPool, Postgres, SqlStr};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often a statement that was undone for no fault of its own is run again.
const ATTEMPTS: u32 = 5;
/// How long nobody waits after that was in vain.
const IMPATIENCE: Duration = Duration::from_secs(1);

/// A durable store in a schema of a PostgreSQL database, for any number of nodes.
///
/// A cheap handle: clones share one pool of connections.
///
/// # Examples
/// ```no_run
/// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
/// use mvchat_store_postgres::PgStore;
///
/// let store = PgStore::connect("postgres://app@localhost/app").await?;
/// # Ok(())
/// # }
/// ```
///
/// In the app's own pool, under another name:
/// ```no_run
/// # async fn open(pool: sqlx::PgPool) -> Result<(), Box<dyn std::error::Error>> {
/// # use mvchat_store_postgres::PgStore;
/// let store = PgStore::with_pool(pool).schema("chat").build().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PgStore {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pool: PgPool,
    /// Whether the pool was made for the store, and so ends with it.
    own_pool: bool,
    schema: Schema,
    durability: Durability,
    hints: Hints,
    /// The highest place that a write of this handle has got.
    reached: AtomicU64,
    /// Until when nobody waits for old transactions.
    impatient: Mutex<Option<Instant>>,
    patience: Duration,
}

/// A statement with its arguments.
pub(crate) type Statement<'a> = Query<'a, Postgres, PgArguments>;

impl PgStore {
    /// Connects with the default options, and brings the tables to what this program needs.
    ///
    /// # Errors
    /// See [`PgOptions::open`].
    pub async fn connect(url: &str) -> StoreResult<Self> {
        Self::options().open(url).await
    }

    /// Returns the default options, to change them.
    pub fn options() -> PgOptions {
        PgOptions::default()
    }

    /// Begins to open a store on a pool of the app.
    pub fn with_pool(pool: PgPool) -> PgOptions {
        PgOptions::of_pool(pool)
    }

    /// Returns the pool.
    pub fn pool(&self) -> &PgPool {
        &self.shared.pool
    }

    /// Makes a handle of the bus between nodes whose stores are on this schema; engines take one of their own accord.
    pub fn node_bus(&self) -> PgBus {
        self.shared.hints.bus()
    }

    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }

    /// Completes a statement with the schema's name.
    pub(crate) fn sql(&self, text: &'static str) -> SqlStr {
        self.shared.schema.sql(text)
    }

    /// Completes a text that can't be prepared.
    pub(crate) fn named(&self, text: &str) -> String {
        self.shared.schema.named(text)
    }

    pub(crate) fn schema_name(&self) -> &str {
        &self.shared.schema.name
    }

    /// Returns a connection of its own whose statements may take as long as they need.
    pub(crate) async fn patient(&self) -> StoreResult<PgConnection> {
        let mut connection = self.shared.pool.acquire().await.map_err(failed)?.detach();
        let patience =
            "set statement_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0";
        connection.execute(patience).await.map_err(failed)?;
        Ok(connection)
    }

    /// Runs a statement that only reads; once more if the connection was lost.
    pub(crate) async fn read<'a>(&self, make: impl Fn() -> Statement<'a>) -> StoreResult<Vec<PgRow>> {
        match make().fetch_all(&self.shared.pool).await {
            Err(error) if is_lost(&error) => make().fetch_all(&self.shared.pool).await.map_err(failed),
            result => result.map_err(failed),
        }
    }

    /// Runs a statement that writes; again if the database undid it because of others.
    pub(crate) async fn write<'a>(&self, make: impl Fn() -> Statement<'a>) -> StoreResult<Vec<PgRow>> {
        for _ in 1..ATTEMPTS {
            match make().fetch_all(&self.shared.pool).await {
                Err(error) if is_conflict(&error) => {}
                result => return result.map_err(failed),
            }
        }
        make().fetch_all(&self.shared.pool).await.map_err(failed)
    }

    /// Like [`PgStore::write`], for a statement that answers with one row.
    pub(crate) async fn write_one<'a>(&self, make: impl Fn() -> Statement<'a>) -> StoreResult<PgRow> {
        let rows = self.write(make).await?;
        rows.into_iter().next().ok_or_else(|| internal("a statement that has one row answered without"))
    }

    /// Notes that a write got this place.
    pub(crate) fn reached(&self, position: Position) {
        self.shared.reached.fetch_max(position.0, Ordering::Relaxed);
    }

    /// Returns the place of this handle's last write, if everything up to there is known.
    pub(crate) fn last_own(&self, horizon: Position) -> Position {
        Position(self.shared.reached.load(Ordering::Relaxed)).min(horizon)
    }

    /// Tells other nodes where something was committed.
    pub(crate) fn tell(&self, convs: impl Iterator<Item = ConvId>) {
        self.shared.hints.tell(convs);
    }

    /// Runs a read that answers with a horizon: up to where everything is known. Transactions that began before
    /// this store's last write hold it back; they are waited for a short while, so that what was written is read.
    pub(crate) async fn settled<T, F: Future<Output = StoreResult<(T, Position)>>>(
        &self,
        read: impl Fn() -> F,
    ) -> StoreResult<(T, Position)> {
        let reached = self.shared.reached.load(Ordering::Relaxed);
        let started = Instant::now();
        let mut pause = Duration::from_micros(500);
        loop {
            let (answer, horizon) = read().await?;
            if horizon.0 >= reached || !self.is_patient(started) {
                return Ok((answer, horizon));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Returns whether a read that began then may go on to wait.
    fn is_patient(&self, started: Instant) -> bool {
        let now = Instant::now();
        let mut impatient = self.shared.impatient.lock();
        if impatient.is_some_and(|until| now < until) {
            return false;
        }
        if now.duration_since(started) < self.shared.patience {
            return true;
        }
        *impatient = Some(now + IMPATIENCE);
        false
    }
}

#[async_trait]
impl Store for PgStore {
    fn durability(&self) -> Durability {
        self.shared.durability
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn commit_free(&self, changes: Vec<Change>) -> StoreResult<Vec<Outcome>> {
        self.change(changes, false).await
    }

    async fn stirred(&self) {
        self.shared.hints.heard().await;
    }

    fn bus(&self) -> Option<Arc<dyn Bus>> {
        Some(Arc::new(self.node_bus()))
    }
}

impl Shared {
    pub(crate) fn new(
        pool: PgPool,
        own_pool: bool,
        schema: Schema,
        durability: Durability,
        hints: Hints,
        patience: Duration,
    ) -> Self {
        let (reached, impatient) = (AtomicU64::new(0), Mutex::new(None));
        Self { pool, own_pool, schema, durability, hints, reached, impatient, patience }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.own_pool
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            // Says good-bye to the server; without a runtime it finds out by itself.
            let pool = self.pool.clone();
            runtime.spawn(async move { pool.close().await });
        }
    }
}

impl fmt::Debug for PgStore {
    /// Shows the schema's name only: an address may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PgStore({})", self.shared.schema.name)
    }
}
