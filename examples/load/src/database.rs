//! A database of our own, on a server that somebody else runs.

use crate::Tried;
use crate::meter::{self, Cpu};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// A database, to be removed in the end.
pub(crate) struct Database {
    server: String,
    name: String,
    pub(crate) url: String,
    /// The process that all others of the server come from, if it runs here.
    postmaster: Option<u32>,
}

impl Database {
    /// Makes an empty one on the server of an address.
    ///
    /// # Errors
    /// With what the server says.
    pub(crate) async fn make(server: &str) -> Tried<Self> {
        let name = format!("mvchat_bench_{}", uuid::Uuid::new_v4().simple());
        let mut connection = PgConnection::connect(server).await?;
        connection.execute(AssertSqlSafe(format!("create database {name}"))).await?;
        let backend: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut connection).await?;
        connection.close().await?;
        let backend =
            u32::try_from(backend).ok().filter(|id| meter::name(*id).as_deref() == Some("postgres"));
        let postmaster = backend.and_then(meter::parent).filter(|id| *id > 1);
        Ok(Self { server: server.to_owned(), url: named(server, &name), name, postmaster })
    }

    /// Returns the version of a server, without what a distribution adds to it.
    ///
    /// # Errors
    /// If it can't be reached.
    pub(crate) async fn version(server: &str) -> Tried<String> {
        let mut connection = PgConnection::connect(server).await?;
        let version: String = sqlx::query_scalar("show server_version").fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(version.split(' ').next().unwrap_or_default().to_owned())
    }

    /// Processor time of the server with all its processes, if it runs here.
    pub(crate) fn cpu(&self) -> Option<Cpu> {
        meter::cpu_of_family(self.postmaster?)
    }

    /// Removes it.
    ///
    /// # Errors
    /// With what the server says.
    pub(crate) async fn remove(self) -> Tried<()> {
        let mut connection = PgConnection::connect(&self.server).await?;
        let drop = format!("drop database if exists {} with (force)", self.name);
        connection.execute(AssertSqlSafe(drop)).await?;
        Ok(connection.close().await?)
    }
}

/// Returns the address of another database on the same server.
fn named(url: &str, name: &str) -> String {
    let (address, options) = url.split_once('?').map_or((url, None), |(url, options)| (url, Some(options)));
    let scheme = address.find("://").map_or(0, |at| at + 3);
    let server = address[scheme..].find('/').map_or(address, |at| &address[..scheme + at]);
    let options = options.map_or_else(String::new, |options| format!("?{options}"));
    format!("{server}/{name}{options}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_in_its_address() {
        for (url, wanted) in [
            ("postgres://me@127.0.0.1:5/postgres", "postgres://me@127.0.0.1:5/x"),
            ("postgres://me:p@host", "postgres://me:p@host/x"),
            ("postgres://host/db?sslmode=disable", "postgres://host/x?sslmode=disable"),
        ] {
            assert_eq!(named(url, "x"), wanted);
        }
    }
}
