//! The users' wrapped keys.

use crate::error::{failed, internal};
use crate::migrate::VAULT;
use crate::options::PgOptions;
use crate::schema::Schema;
use async_trait::async_trait;
use mvchat_core::seam::keys::{KeyError, KeyErrorKind, Vault, WrappedKey};
use mvchat_core::seam::{StoreError, StoreErrorKind, StoreResult};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

const LOAD: &str = "select k.wrapped from @.keys k where k.user_id = $1";
/// A key that is there already is left alone.
const CREATE: &str =
    "insert into @.keys (user_id, wrapped) values ($1, $2) on conflict do nothing returning user_id";
const REPLACE: &str =
    "update @.keys k set wrapped = $3 where k.user_id = $1 and k.wrapped = $2 returning k.user_id";
const ERASE: &str = "delete from @.keys k where k.user_id = $1";
const LIST: &str =
    "select k.user_id from @.keys k where ($1::uuid is null or k.user_id > $1) order by k.user_id limit $2";
pub(crate) const STATEMENTS: &[&str] = &[LOAD, CREATE, REPLACE, ERASE, LIST];

/// A vault in a schema of its own, `mvchat_vault`, which every node of a server shares.
///
/// Leave the schema out of the backups of the messages, or put it into another database: a copy of the messages
/// without it reads nothing, and an erased key is then erased everywhere.
#[derive(Clone)]
pub struct PgVault {
    pool: PgPool,
    schema: Arc<Schema>,
}

impl PgVault {
    /// Connects, and makes the table if it is not there.
    ///
    /// # Errors
    /// See [`PgOptions::open`].
    pub async fn connect(url: &str) -> StoreResult<Self> {
        let pool = PgOptions::default().connections(4).pool_for(url)?;
        Self::with_pool(pool, "mvchat_vault").await
    }

    /// Opens the vault in a pool of the app and in a schema.
    ///
    /// # Errors
    /// See [`PgOptions::open`].
    pub async fn with_pool(pool: PgPool, schema: &str) -> StoreResult<Self> {
        let schema = Schema::new(schema)?;
        PgOptions::default().prepare(&VAULT, &pool, &schema).await?;
        Ok(Self { pool, schema: Arc::new(schema) })
    }
}

#[async_trait]
impl Vault for PgVault {
    async fn load(&self, user: Uuid) -> Result<Option<WrappedKey>, KeyError> {
        let row = sqlx::query(self.schema.sql(LOAD)).bind(user).fetch_optional(&self.pool).await;
        row.map_err(lost)?.as_ref().map(unpacked).transpose()
    }

    async fn create(&self, user: Uuid, key: &WrappedKey) -> Result<Option<WrappedKey>, KeyError> {
        loop {
            let made = sqlx::query(self.schema.sql(CREATE)).bind(user).bind(packed(key));
            if made.fetch_optional(&self.pool).await.map_err(lost)?.is_some() {
                return Ok(None);
            }
            // Whoever was faster may have been erased meanwhile; then there is room again.
            if let Some(there) = self.load(user).await? {
                return Ok(Some(there));
            }
        }
    }

    async fn replace(&self, user: Uuid, old: &WrappedKey, new: &WrappedKey) -> Result<bool, KeyError> {
        let query = sqlx::query(self.schema.sql(REPLACE)).bind(user).bind(packed(old)).bind(packed(new));
        Ok(query.fetch_optional(&self.pool).await.map_err(lost)?.is_some())
    }

    async fn erase(&self, user: Uuid) -> Result<(), KeyError> {
        sqlx::query(self.schema.sql(ERASE)).bind(user).execute(&self.pool).await.map_err(lost).map(drop)
    }

    async fn list(&self, after: Option<Uuid>, limit: usize) -> Result<Vec<Uuid>, KeyError> {
        let limit = crate::rows::limit(limit);
        let rows = sqlx::query(self.schema.sql(LIST)).bind(after).bind(limit).fetch_all(&self.pool).await;
        rows.map_err(lost)?.iter().map(|row| row.try_get(0).map_err(lost)).collect()
    }
}

impl fmt::Debug for PgVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PgVault({})", self.schema.name)
    }
}

fn lost(error: sqlx::Error) -> KeyError {
    let error: StoreError = failed(error);
    let kind = if error.kind() == StoreErrorKind::Unavailable {
        KeyErrorKind::Unavailable
    } else {
        KeyErrorKind::Io
    };
    KeyError::new(kind, "the vault's database failed").with_source(error)
}

/// Writes a key: the generation, the length of the name of the key that it needs, that name, the bytes.
fn packed(key: &WrappedKey) -> Vec<u8> {
    let mut bytes = key.generation.to_be_bytes().to_vec();
    // Names are short; one that is not could not be read again, and `unpacked` would say so.
    bytes.extend_from_slice(&u16::try_from(key.kek.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend_from_slice(key.kek.as_bytes());
    bytes.extend_from_slice(&key.bytes);
    bytes
}

fn unpacked(row: &PgRow) -> Result<WrappedKey, KeyError> {
    let bytes: Vec<u8> = row.try_get(0).map_err(lost)?;
    read(&bytes).ok_or_else(|| {
        KeyError::new(KeyErrorKind::Corrupt, "a stored key can't be read")
            .with_source(internal("a damaged row"))
    })
}

fn read(bytes: &[u8]) -> Option<WrappedKey> {
    let (generation, rest) = bytes.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (name, key) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let name = std::str::from_utf8(name).ok()?;
    Some(WrappedKey::new(name, u32::from_be_bytes(*generation), key.to_vec()))
}
