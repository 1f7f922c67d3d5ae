//! All statements, so that a test can prepare each against the real tables: a mistake in one that is hardly ever used must
//! not be found by the first who uses it.

use crate::{
    commit, contacts, conversations, dump, expiry, files, invites, links, load, mentions, messages, migrate,
    options, own, sessions, users, vault, verify, views,
};

/// What runs on the tables of a store.
const STORE: &[&[&str]] = &[
    commit::STATEMENTS,
    contacts::STATEMENTS,
    conversations::STATEMENTS,
    dump::STATEMENTS,
    expiry::STATEMENTS,
    files::STATEMENTS,
    invites::STATEMENTS,
    links::STATEMENTS,
    load::STATEMENTS,
    mentions::STATEMENTS,
    messages::STATEMENTS,
    migrate::STATEMENTS,
    options::STATEMENTS,
    own::STATEMENTS,
    sessions::STATEMENTS,
    users::STATEMENTS,
    views::STATEMENTS,
];

/// Returns whether a statement is one of those that are prepared in the test: whatever is used has to be.
pub(crate) fn is_known(text: &str) -> bool {
    let mut known = STORE.iter().chain([&vault::STATEMENTS]).copied().flatten().copied();
    known.any(|known| known == text) || verify::CHECKS.iter().any(|(_, check)| *check == text)
}

#[cfg(test)]
mod tests {
    use super::STORE;
    use crate::schema::Schema;
    use crate::{PgStore, PgVault, vault, verify};
    use sqlx::{Executor, PgPool};

    #[tokio::test]
    async fn every_statement_fits_the_tables() {
        let Some(url) = std::env::var("MVCHAT_TEST_DATABASE_URL").ok().filter(|url| !url.is_empty()) else {
            eprintln!("left out: there is no database (`cargo xtask test` starts one)");
            return;
        };
        let name = format!("law_{}_statements", std::process::id());
        let store = PgStore::options().schema(&name).accept_weak_durability().open(&url).await.unwrap();
        let keys = format!("{name}_vault");
        drop(PgVault::with_pool(store.pool().clone(), &keys).await.unwrap());
        let checks = verify::CHECKS.iter().map(|(_, check)| *check);
        let mut failed =
            prepare(store.pool(), &name, STORE.iter().copied().flatten().copied().chain(checks)).await;
        failed.extend(prepare(store.pool(), &keys, vault::STATEMENTS.iter().copied()).await);
        let drop = format!("drop schema {name} cascade; drop schema {keys} cascade");
        sqlx::raw_sql(sqlx::AssertSqlSafe(drop)).execute(store.pool()).await.unwrap();
        assert!(failed.is_empty(), "{failed:#?}");
    }

    /// Prepares statements; returns those that the server refuses, and why.
    async fn prepare(pool: &PgPool, schema: &str, texts: impl Iterator<Item = &'static str>) -> Vec<String> {
        let (schema, mut failed) = (Schema::new(schema).unwrap(), Vec::new());
        for text in texts {
            if let Err(error) = pool.prepare(schema.sql(text)).await {
                failed.push(format!("{error}: {text}"));
            }
        }
        failed
    }
}
