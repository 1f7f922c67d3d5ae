//! The database that tests use: the one that the environment names, or a server of their own.

use std::env;

use crate::{debian, postgres::Postgres};

/// How tests are told where the database is.
pub(crate) const ADDRESS: &str = "MVCHAT_TEST_DATABASE_URL";

/// A database for tests, which ends with this value if it was started for them.
pub(crate) enum Database {
    Given(String),
    Own(Postgres),
}

impl Database {
    /// Returns its address.
    pub(crate) fn url(&self) -> String {
        match self {
            Database::Given(url) => url.clone(),
            Database::Own(server) => server.url(),
        }
    }
}

/// Finds a database, or starts one; installs the server where this user may.
///
/// # Errors
/// With what is missing and the remedy.
pub(crate) fn require() -> Result<Database, String> {
    if let Some(url) = env::var(ADDRESS).ok().filter(|url| !url.is_empty()) {
        return Ok(Database::Given(url));
    }
    let first = match Postgres::start() {
        Ok(server) => return Ok(Database::Own(server)),
        Err(missing) => missing,
    };
    if !first.starts_with("there is no PostgreSQL") {
        return Err(first);
    }
    debian::install("postgresql").map_err(|said| format!("{first}\n{said}"))?;
    Postgres::start().map(Database::Own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_starts_and_stops() {
        let mut server = match Postgres::start() {
            Ok(server) => server,
            // A machine without PostgreSQL hears of it from `cargo xtask test`.
            Err(missing) => {
                assert!(missing.starts_with("there is no PostgreSQL"), "{missing}");
                return;
            }
        };
        assert!(server.url().starts_with("postgres://mvchat@127.0.0.1:"));
        server.stop();
        server.resume().expect("it starts again");
    }
}
