//! Small files that survive power cuts: written aside, synced, renamed, and their folder synced.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::seam::keys::{KeyError, KeyErrorKind};

/// No file here comes near this; a larger one was not written by us.
const MAX_BYTES: u64 = 1 << 20;

/// Creates a folder that only its owner may enter, and the missing ones above it.
pub(in crate::builtin) fn create_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = parent(path);
    create_folder(&parent)?;
    let mut folder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    match folder.recursive(false).create(path) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
        other => other?,
    }
    sync_folder(&parent)
}

/// Makes the entries of a folder durable.
pub(in crate::builtin) fn sync_folder(path: &Path) -> io::Result<()> {
    // Elsewhere folders cannot be opened as files, and renames are journalled by the file system.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// Takes the lock of a folder, waiting for other threads and processes. Dropping the result, or dying, releases it.
pub(in crate::builtin) fn lock_folder(path: &Path) -> io::Result<File> {
    let file =
        private(OpenOptions::new().write(true).create(true).truncate(false)).open(path.join(".lock"))?;
    file.lock()?;
    Ok(file)
}

/// Takes the lock of a folder, or fails with `WouldBlock` if another process has it.
pub(in crate::builtin) fn try_lock_folder(path: &Path) -> io::Result<File> {
    let file =
        private(OpenOptions::new().write(true).create(true).truncate(false)).open(path.join(".lock"))?;
    file.try_lock()?;
    Ok(file)
}

/// Writes a whole file, or leaves the old one as it is. Durable when `Ok`. The caller holds the folder's lock.
pub(in crate::builtin) fn write(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = aside(target);
    remove_entry(&aside)?;
    let written = write_new(&aside, bytes).and_then(|()| fs::rename(&aside, target));
    if let Err(e) = written {
        // The first error is the one to report; what stays behind is ignored by readers and removed by the next write.
        let _ = fs::remove_file(&aside);
        return Err(e);
    }
    sync_folder(&parent(target))
}

/// Removes a file and what a crashed write of it may have left. Durable when `Ok`, also when there was none.
pub(in crate::builtin) fn remove(target: &Path) -> io::Result<()> {
    remove_entry(&aside(target))?;
    remove_entry(target)?;
    match sync_folder(&parent(target)) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Reads a whole file into memory that is wiped afterwards; `None` when there is none. `check` sees it opened.
pub(in crate::builtin) fn read(
    path: &Path,
    check: impl FnOnce(&File) -> Result<(), KeyError>,
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    let file = match File::open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|e| failed("cannot open", path, e))?,
    };
    check(&file)?;
    let length = file.metadata().map_err(|e| failed("cannot inspect", path, e))?.len();
    if length > MAX_BYTES {
        return Err(KeyError::corrupt(format!("{} is too large", path.display())));
    }
    // The capacity covers the file, so that growing leaves no unwiped copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1));
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|e| failed("cannot read", path, e))?;
    Ok(Some(bytes))
}

/// Tells what could not be done to which file.
pub(in crate::builtin) fn failed(what: &str, path: &Path, e: io::Error) -> KeyError {
    let kind = match e.kind() {
        ErrorKind::PermissionDenied => KeyErrorKind::Denied,
        _ => KeyErrorKind::Io,
    };
    KeyError::new(kind, format!("{what} {}", path.display())).with_source(e)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn remove_entry(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Where a file is written before it takes its name: always the same place, so that nothing piles up.
fn aside(target: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".tmp");
    target.with_file_name(name)
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_replace_as_a_whole_and_leave_nothing_aside() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a");
        fs::write(dir.path().join(".a.tmp"), b"left by a crash").unwrap();
        write(&target, b"one").unwrap();
        write(&target, b"two").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        fs::write(dir.path().join(".a.tmp"), b"left by a crash").unwrap();
        remove(&target).unwrap();
        remove(&target).unwrap();
        remove(&dir.path().join("no/such/folder")).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_failed_write_keeps_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("folder");
        fs::create_dir_all(target.join("not empty")).unwrap();
        write(&target, b"x").unwrap_err();
        assert!(target.join("not empty").is_dir());
        assert!(!dir.path().join(".folder.tmp").exists());
    }

    #[test]
    fn oversized_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("big");
        File::create(&path).unwrap().set_len(MAX_BYTES + 1).unwrap();
        assert_eq!(read(&path, |_| Ok(())).unwrap_err().kind(), KeyErrorKind::Corrupt);
        assert!(read(&dir.path().join("none"), |_| Ok(())).unwrap().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn modes_are_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        create_folder(&folder).unwrap();
        create_folder(&folder).unwrap();
        let _lock = lock_folder(&folder).unwrap();
        write(&folder.join("f"), b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.path().join("a")), 0o700);
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("f")), 0o600);
        assert_eq!(mode(&folder.join(".lock")), 0o600);
    }
}
