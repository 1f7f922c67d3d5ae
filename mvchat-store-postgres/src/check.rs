//! Whether the server keeps what it acknowledges.

use crate::error::{failed, internal};
use mvchat_core::seam::{Durability, StoreResult};
use sqlx::{PgPool, Row};

/// Reads the settings that decide about durability.
///
/// `weak` accepts a server that may lose what it acknowledged.
pub(crate) async fn check_durability(pool: &PgPool, weak: bool) -> StoreResult<Durability> {
    let row = sqlx::query(
        "select current_setting('server_version_num')::int, current_setting('fsync'), \
         current_setting('full_page_writes'), current_setting('synchronous_commit'), pg_is_in_recovery()",
    )
    .fetch_one(pool)
    .await
    .map_err(failed)?;
    let get = |index: usize| row.try_get::<String, _>(index).map_err(failed);
    let (version, replica): (i32, bool) = (row.try_get(0).map_err(failed)?, row.try_get(4).map_err(failed)?);
    if version < 140_000 {
        return Err(internal("PostgreSQL 14 or newer is needed"));
    }
    if replica {
        return Err(internal("the database is a replica, which can't be written to"));
    }
    let settings = [("fsync", get(1)?), ("full_page_writes", get(2)?), ("synchronous_commit", get(3)?)];
    let off: Vec<&str> = settings.iter().filter(|(_, value)| value == "off").map(|(name, _)| *name).collect();
    if off.is_empty() {
        return Ok(Durability::Sync);
    }
    let off = off.join(" and ");
    if !weak {
        return Err(internal(format!(
            "the server has {off} off and may lose what it acknowledged: switch it on, or accept weak durability"
        )));
    }
    tracing::warn!(off, "the database may lose what it acknowledged");
    Ok(Durability::Process)
}
