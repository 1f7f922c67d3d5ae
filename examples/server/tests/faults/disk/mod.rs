//! A disk that does what disks do when they should not: it loses what was not synced when the power goes, gets full,
//! and fails.
//!
//! It is a file system in this process's memory, mounted with FUSE, so that the real server writes to it through the
//! real system calls. A file's bytes are safe from its `fsync` or `fdatasync` on, a name from the `fsync` of its folder
//! on; what `sync_file_range` pushes is not, because that neither writes metadata nor empties a device's cache.

mod content;
mod cut;
mod filesystem;
pub(crate) mod laws;
mod tree;

pub(crate) use cut::Loss;

use crate::support::Random;
use filesystem::{Held, Mounted};
use fuser::{BackgroundSession, Config, Errno, MountOption};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;
use tree::Tree;

/// A mounted disk; unmounted when dropped.
pub(crate) struct Disk {
    shared: Arc<Shared>,
    _session: BackgroundSession,
}

/// What the file system and the test share.
struct Shared {
    state: Mutex<State>,
    /// Whether the power is gone.
    dark: watch::Sender<bool>,
}

struct State {
    tree: Tree,
    /// How many changes were carried out or refused.
    changes: u64,
    /// At which change the power goes.
    cut_at: Option<u64>,
    /// Requests that nobody answers any more, because the power is gone.
    held: Vec<Held>,
    /// What fails from now on.
    failing: Option<(Failing, Errno)>,
}

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failing {
    Writes,
    Syncs,
}

impl Disk {
    /// Mounts a disk of so many bytes at a folder.
    ///
    /// # Errors
    /// With the remedy, where file systems can't be mounted.
    pub(crate) fn mount(at: &Path, capacity: u64) -> Result<Self, String> {
        std::fs::create_dir_all(at).map_err(|error| error.to_string())?;
        let metadata = std::fs::metadata(at).map_err(|error| error.to_string())?;
        let tree = Tree::new((metadata.uid(), metadata.gid()), capacity);
        let state = State { tree, changes: 0, cut_at: None, held: Vec::new(), failing: None };
        let shared = Arc::new(Shared { state: Mutex::new(state), dark: watch::channel(false).0 });
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("mvchat-faults".to_owned()), MountOption::NoAtime];
        let session = fuser::spawn_mount(Mounted(shared.clone()), at, &config).map_err(|error| {
            format!(
                "a file system can't be mounted ({error}): these tests need FUSE, so load the kernel's module `fuse`; \
                 run them as root or install `fusermount3` (Debian: apt-get install fuse3); in a container, add the \
                 device /dev/fuse and the capability SYS_ADMIN"
            )
        })?;
        Ok(Self { shared, _session: session })
    }

    /// Cuts the power after so many more changes.
    pub(crate) fn cut_after(&self, changes: u64) {
        let mut state = self.state();
        state.cut_at = Some(state.changes + changes);
    }

    /// Waits until the power is gone.
    pub(crate) async fn dark(&self) {
        let mut dark = self.shared.dark.subscribe();
        // The sender lives as long as the disk.
        let _ = dark.wait_for(|dark| *dark).await;
    }

    /// Lets go of who waits for the disk; to be called once they are sure to die.
    pub(crate) fn release(&self) {
        let held = std::mem::take(&mut self.state().held);
        held.into_iter().for_each(Held::fail);
    }

    /// Brings the power back, with what the cut left; returns how many changes are lost.
    pub(crate) fn restore(&self, loss: Loss, random: &mut Random) -> usize {
        self.release();
        let mut state = self.state();
        state.cut_at = None;
        let lost = state.tree.cut(loss, random);
        self.shared.dark.send_replace(false);
        lost
    }

    /// Lets something fail, or nothing any more.
    pub(crate) fn fail(&self, failing: Option<(Failing, Errno)>) {
        self.state().failing = failing;
    }

    /// Takes all space but so many bytes, or gives it back.
    pub(crate) fn leave_free(&self, bytes: u64) {
        let mut state = self.state();
        state.tree.capacity = state.tree.used() + bytes;
    }

    /// Forgets a cut that has not happened.
    pub(crate) fn disarm(&self) {
        self.state().cut_at = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }
}
