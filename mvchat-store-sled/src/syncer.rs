//! Making what sled wrote durable.
//!
//! On Linux sled's `flush` ends with `sync_file_range`, which neither writes a file's new length nor empties the
//! device's cache. What makes a write durable is `fdatasync` on an own handle of the file `db`. Everything else that sled has
//! beside it needs nothing more at a commit: `conf` is written once, when the store is made; snapshots are written and
//! synced when it is opened; and the rows are kept so small that no file in `blobs` ever comes to be (see
//! [`PIECE`](crate::read::PIECE)).

use std::fs::File;
use std::io;
use std::path::Path;

/// Makes durable what was written before.
pub(crate) trait Syncer: Send + Sync {
    fn sync(&self) -> io::Result<()>;
}

/// Syncs the database file.
///
/// The handle stays open for as long as the store: Linux reports a failed write-back once to every handle that was
/// open when it happened, so none gets lost between two syncs.
pub(crate) struct DbFile(File);

impl DbFile {
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        File::options().read(true).write(true).open(dir.join("db")).map(Self)
    }
}

impl Syncer for DbFile {
    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// Syncs a directory, so that the names in it last; does nothing where directories can't be opened.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// Forgets what the system remembers of a file without having written it.
///
/// After a failed sync Linux takes the pages for written although they are not. A store that is opened on them would
/// build on what a power cut takes away.
pub(crate) fn forget_unwritten(path: &Path) -> io::Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    file.sync_all()?;
    #[cfg(target_os = "linux")]
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    Ok(())
}
