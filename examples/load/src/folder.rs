//! A folder for a run.

use crate::Tried;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Tells apart the folders of one process.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A new folder, removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes one in another, which has to be there.
    ///
    /// # Errors
    /// If that can't be done.
    pub(crate) fn within(parent: &Path) -> Tried<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("mvchat-bench-{}-{number}", std::process::id()));
        fs::create_dir_all(&path)
            .map_err(|error| format!("cannot make a folder in {}: {error}", parent.display()))?;
        // Servers are started elsewhere.
        Ok(Self(path.canonicalize()?))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays.
        let _ = fs::remove_dir_all(&self.0);
    }
}
