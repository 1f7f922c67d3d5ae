//! How the tables come to be what the program needs.

use crate::error::{failed, internal};
use crate::schema::Schema;
use mvchat_core::seam::StoreResult;
use sqlx::{AssertSqlSafe, Executor, PgConnection, PgPool, Row};

const VERSION: &str = "select coalesce(max(version), 0) from @.migrations";
pub(crate) const STATEMENTS: &[&str] = &[VERSION];

/// The steps of a family of tables, in order; step `n` makes version `n`.
///
/// A step that was released is never changed. A function keeps its name as long as its arguments and its meaning do:
/// nodes of the version before may still call it.
#[derive(Debug)]
pub(crate) struct Migrations {
    steps: &'static [&'static [&'static str]],
}

/// What [`PgStore`](crate::PgStore) needs.
pub(crate) const STORE: Migrations = Migrations {
    steps: &[
        &[
            include_str!("../sql/0001_tables.sql"),
            include_str!("../sql/0002_read.sql"),
            include_str!("../sql/0003_commit.sql"),
            include_str!("../sql/0004_own.sql"),
            include_str!("../sql/0005_expiry.sql"),
            include_str!("../sql/0006_move.sql"),
        ],
        &[include_str!("../sql/0007_files.sql")],
    ],
};

/// What [`PgVault`](crate::PgVault) needs.
pub(crate) const VAULT: Migrations = Migrations { steps: &[&[include_str!("../sql/vault.sql")]] };

impl Migrations {
    /// Returns the version that the last step makes.
    pub(crate) fn newest(&self) -> i32 {
        // There are a few steps.
        self.steps.len() as i32
    }

    /// Returns the version of the tables; 0 if there are none.
    pub(crate) async fn version(&self, pool: &PgPool, schema: &Schema) -> StoreResult<i32> {
        let mut connection = pool.acquire().await.map_err(failed)?;
        version(&mut connection, schema).await
    }
}

async fn version(connection: &mut PgConnection, schema: &Schema) -> StoreResult<i32> {
    // The catalogue's tables themselves: what functions such as `to_regclass` remember can be older.
    let known = "select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
                 where n.nspname = $1 and c.relname = 'migrations'";
    let known = sqlx::query(known).bind(&schema.name);
    if known.fetch_optional(&mut *connection).await.map_err(failed)?.is_none() {
        return Ok(0);
    }
    let newest = sqlx::query(schema.sql(VERSION));
    newest.fetch_one(connection).await.and_then(|row| row.try_get(0)).map_err(failed)
}

/// Brings the tables to the newest version. Several nodes may do that at once; one that is killed leaves nothing
/// half done, because a step is one transaction with its note.
pub(crate) async fn migrate(tables: &Migrations, pool: &PgPool, schema: &Schema) -> StoreResult<()> {
    // A connection of its own, which is closed in the end: if this call is dropped, the server undoes the step.
    let mut connection = pool.acquire().await.map_err(failed)?.detach();
    let newest = tables.newest();
    loop {
        let now = version(&mut connection, schema).await?;
        if now > newest {
            return Err(internal(format!(
                "schema {} has version {now} and this program knows {newest}: a newer one was here",
                schema.name
            )));
        }
        let Some(step) = usize::try_from(now).ok().and_then(|done| tables.steps.get(done)) else {
            return sqlx::Connection::close(connection).await.map_err(failed);
        };
        run(&mut connection, schema, step, now + 1).await?;
    }
}

/// Runs one step, unless somebody else has by now.
async fn run(connection: &mut PgConnection, schema: &Schema, step: &[&str], number: i32) -> StoreResult<()> {
    let name = &schema.name;
    // Only who has the lock goes on; it is given back with the transaction.
    let begin = format!(
        "begin; set local lock_timeout = '60s'; set local statement_timeout = 0; \
         select pg_advisory_xact_lock(hashtextextended('mvchat migrations of {name}', 0));"
    );
    connection.execute(AssertSqlSafe(begin)).await.map_err(failed)?;
    if version(connection, schema).await? >= number {
        connection.execute("rollback").await.map_err(failed)?;
        return Ok(());
    }
    let mut text = String::new();
    if number == 1 {
        let known = sqlx::query("select from pg_catalog.pg_namespace n where n.nspname = $1").bind(name);
        if known.fetch_optional(&mut *connection).await.map_err(failed)?.is_none() {
            // Only where it is needed: whoever may not make schemas can be given one.
            text += &format!("create schema {name};\n");
        }
        text += &schema.named(
            "create table @.migrations (version integer primary key, at timestamptz not null default now());\n",
        );
    }
    for part in step {
        text += &schema.named(part);
        text.push('\n');
    }
    text += &schema.named(&format!("insert into @.migrations (version) values ({number}); commit;"));
    connection.execute(AssertSqlSafe(text)).await.map_err(failed)?;
    tracing::info!(schema = %name, version = number, "the tables are of a new version");
    Ok(())
}
