//! What the database says, in the store's words.

use mvchat_core::seam::{StoreError, StoreErrorKind};

/// A value that this crate did not write, or a defect.
pub(crate) fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::new(StoreErrorKind::Internal, source)
}

pub(crate) fn not_found(what: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::NotFound, what)
}

pub(crate) fn full() -> StoreError {
    StoreError::new(StoreErrorKind::Full, "a user has too many conversations")
}

pub(crate) fn already_exists(what: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::AlreadyExists, what)
}

/// Sorts a failure of the database by whether a retry may help.
pub(crate) fn failed(error: sqlx::Error) -> StoreError {
    let kind = match &error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => StoreErrorKind::Unavailable,
        sqlx::Error::Database(database) => match database.code().as_deref() {
            Some("23505") => StoreErrorKind::AlreadyExists,
            Some(code) if is_temporary(code) => StoreErrorKind::Unavailable,
            _ => StoreErrorKind::Internal,
        },
        _ => StoreErrorKind::Internal,
    };
    StoreError::new(kind, error)
}

/// Returns whether a statement was undone for no fault of its own and may be run again.
pub(crate) fn is_conflict(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| {
        // Serialization failure, deadlock.
        matches!(&*code, "40001" | "40P01")
    })
}

/// Returns whether the connection was lost, so that it is not known what became of the statement.
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        // The server ends its connections when it is stopped.
        sqlx::Error::Database(error) => matches!(error.code().as_deref(), Some("57P01" | "57P02")),
        _ => false,
    }
}

/// Classes: connection, rollback, resources, limits, intervention of the operator, system; and locks.
fn is_temporary(code: &str) -> bool {
    ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class))
        || code == "55P03"
        || code == "25006"
}
