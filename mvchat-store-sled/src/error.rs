//! How failures of the disk and of sled become the seam's errors.

use mvchat_core::seam::{StoreError, StoreErrorKind};

pub(crate) fn not_found(what: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::NotFound, what)
}

pub(crate) fn full() -> StoreError {
    StoreError::new(StoreErrorKind::Full, "a user has too many conversations")
}

pub(crate) fn already_exists(what: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::AlreadyExists, what)
}

pub(crate) fn unavailable(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, what)
}

pub(crate) fn internal(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::new(StoreErrorKind::Internal, what)
}

/// An input or output error may pass, everything else that sled reports is a defect or broken data.
pub(crate) fn from_sled(error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(_) => unavailable(error),
        _ => internal(error),
    }
}
