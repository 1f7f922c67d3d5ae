//! What is wrong with the store, if something is.

use crate::disk::Full;
use crate::error::unavailable;
use mvchat_core::seam::{StoreError, StoreResult};
use parking_lot::Mutex;
use std::sync::OnceLock;

/// Why calls are refused.
#[derive(Default)]
pub(crate) struct Health {
    /// The failure after which nothing is done any more.
    failed: OnceLock<String>,
    /// Why writes are refused for now.
    full: Mutex<Option<Full>>,
}

impl Health {
    /// Errors: `Unavailable` once a write failed on its way to the disk.
    pub(crate) fn check(&self) -> StoreResult<()> {
        match self.failed.get() {
            None => Ok(()),
            Some(why) => Err(unavailable(format!(
                "the store stopped because it could not keep a write ({why}); open it again when the disk is well"
            ))),
        }
    }

    /// Stops the store for good; the first reason stays.
    pub(crate) fn fail(&self, why: String) {
        tracing::error!(%why, "the store could not keep a write and stops until it is opened again");
        let _ = self.failed.set(why);
    }

    /// Notes whether the disk is nearly full, and logs when that changes.
    pub(crate) fn set_full(&self, full: Option<Full>) {
        let mut before = self.full.lock();
        match (&*before, &full) {
            (None, Some(why)) => tracing::error!(%why, "the disk is nearly full: writes are refused"),
            (Some(_), None) => tracing::info!("the disk has space again: writes are accepted"),
            _ => {}
        }
        *before = full;
    }

    /// Says why a call was not answered.
    pub(crate) fn why_unanswered(&self) -> StoreError {
        if let Err(failed) = self.check() {
            return failed;
        }
        let full = self.full.lock().as_ref().map(Full::to_string);
        unavailable(full.unwrap_or_else(|| "the store was closed or is overloaded".to_owned()))
    }

    /// Says why writes are refused for now. A disk that was full when the last write came may have space again, which
    /// `free` tells.
    pub(crate) fn trouble(&self, free: impl FnOnce() -> Option<u64>) -> Option<String> {
        if let Err(failed) = self.check() {
            return Some(failed.to_string());
        }
        let full = self.full.lock();
        let full = full.as_ref()?;
        let space_again = free().is_some_and(|free| free >= full.needed);
        (!space_again).then(|| full.to_string())
    }
}
