//! All statements, so that a test can prepare each against the real tables: a mistake in one that is hardly ever used must
//! not be found by the first who uses it.

use crate::schema::Schema;
use crate::{
    PgStore, PgVault, commit, contacts, conversations, dump, expiry, invites, links, load, mentions,
    messages, migrate, own, sessions, users, vault, verify, views,
};

use sqlx::{Executor, PgPool};

/// What runs on the tables of a store.
const STORE: &[&[&str]] = &[
    commit::STATEMENTS,
    contacts::STATEMENTS,
    conversations::STATEMENTS,
    dump::STATEMENTS,
    expiry::STATEMENTS,
    invites::STATEMENTS,
    links::STATEMENTS,
    load::STATEMENTS,
    mentions::STATEMENTS,
    messages::STATEMENTS,
    migrate::STATEMENTS,
    own::STATEMENTS,
    sessions::STATEMENTS,
    users::STATEMENTS,
    views::STATEMENTS,
];

#[tokio::test]
async fn every_statement_fits_the_tables() {
    let Some(url) = std::env::var("MVCHAT_TEST_DATABASE_URL").ok().filter(|url| !url.is_empty()) else {
        #[expect(clippy::print_stderr, reason = "whoever lists the tests reads standard output")]
        {
            eprintln!("left out: there is no database (`cargo xtask test` starts one)");
        }
        return;
    };
    let name = format!("law_{}_statements", std::process::id());
    let store = PgStore::options().schema(&name).accept_weak_durability().open(&url).await.unwrap();
    let keys = format!("{name}_vault");
    drop(PgVault::with_pool(store.pool().clone(), &keys).await.unwrap());
    let checks = verify::CHECKS.iter().map(|(_, check)| *check);
    let mut failed = prepare(
        store.pool(),
        &name,
        STORE.iter().chain(dump::MORE).copied().flatten().copied().chain(checks),
    )
    .await;
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

/// Constants that are texts and no statements.
const NO_STATEMENTS: [&str; 1] = ["ADDRESS"];

#[test]
fn no_statement_is_left_out() {
    let mut left_out = Vec::new();
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let after = |line: &str| line.split_once("STATEMENTS: &[&str]").map(|(_, names)| names.to_owned());
        let lists: String = text.split(";\n").filter_map(after).collect();
        for line in text.lines() {
            let name = line.strip_prefix("pub(crate) ").unwrap_or(line).strip_prefix("const ");
            let name = name.and_then(|line| line.split_once(": &str =")).map(|(name, _)| name);
            let is_listed =
                |name: &str| lists.split(|c: char| !c.is_ascii_uppercase() && c != '_').any(|it| it == name);
            if name.is_some_and(|name| !NO_STATEMENTS.contains(&name) && !is_listed(name)) {
                left_out.push(format!("{}: {line}", path.display()));
            }
        }
    }
    assert!(left_out.is_empty(), "add these to the STATEMENTS of their files: {left_out:#?}");
}
