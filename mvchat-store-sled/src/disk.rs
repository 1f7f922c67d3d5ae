//! Space on the disk: a ballast to throw off and a line that writes don't cross.
//!
//! sled cannot be opened on a full disk, because it writes while it recovers. So a file of real bytes lies beside
//! it; when the store is opened on a full disk, the ballast goes first. And so that the disk does not get full
//! by our own writes, they are refused while less than the watermark is free.

use fs4::FileExt;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Tells how much space is free.
pub(crate) trait Probe: Send + Sync {
    fn free(&self, dir: &Path) -> io::Result<u64>;
}

/// Asks the file system.
pub(crate) struct FileSystem;

impl Probe for FileSystem {
    fn free(&self, dir: &Path) -> io::Result<u64> {
        fs4::available_space(dir)
    }
}

/// There is too little space.
#[derive(Debug)]
pub(crate) struct Full {
    free: u64,
    /// How many bytes have to be free before writes are accepted.
    pub(crate) needed: u64,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes are free on the disk, {} are needed", self.free, self.needed)
    }
}

/// The care of the disk's space.
pub(crate) struct Disk {
    dir: PathBuf,
    ballast: u64,
    watermark: u64,
    probe: Arc<dyn Probe>,
    /// The ballast lies on the disk.
    held: bool,
}

impl Disk {
    /// Throws the ballast off if there is too little space; to be called before sled is opened.
    pub(crate) fn prepare(dir: PathBuf, ballast: u64, watermark: u64, probe: Arc<dyn Probe>) -> Self {
        let mut disk = Self { dir, ballast, watermark, probe, held: false };
        let length = fs::metadata(disk.path()).map_or(0, |file| file.len());
        disk.held = ballast > 0 && length == ballast;
        let low = disk.probe.free(&disk.dir).is_ok_and(|free| free < watermark);
        if length > 0 && (low || !disk.held) {
            if low {
                tracing::warn!("the disk is full: the ballast goes, so that the store can be opened");
            }
            if let Err(error) = fs::remove_file(disk.path()) {
                tracing::error!(%error, path = %disk.path().display(), "the ballast could not be removed");
            }
            disk.held = false;
        }
        disk
    }

    /// Makes the ballast if it is missing and there is space for it, and says why writes must wait if they must.
    pub(crate) fn check(&mut self) -> Option<Full> {
        let free = match self.probe.free(&self.dir) {
            Ok(free) => free,
            Err(error) => {
                tracing::debug!(%error, "the free space can't be told");
                return None;
            }
        };
        // Where the ballast is missing, its space still is not for writes.
        let mut needed = self.watermark + if self.held { 0 } else { self.ballast };
        if !self.held && self.ballast > 0 && free >= needed {
            match self.make_ballast() {
                Ok(()) => self.held = true,
                Err(error) => {
                    tracing::warn!(%error, "the ballast can't be made: opening on a full disk may fail");
                    let _ = fs::remove_file(self.path());
                    self.ballast = 0;
                }
            }
            needed = self.watermark;
        }
        (free < needed).then_some(Full { free, needed })
    }

    fn path(&self) -> PathBuf {
        self.dir.join("ballast")
    }

    fn make_ballast(&self) -> io::Result<()> {
        let mut file = File::create(self.path())?;
        if file.allocate(self.ballast).is_err() {
            // A file system that can't reserve has to be written to.
            let zeros = vec![0; 64 * 1024];
            let mut left = self.ballast;
            while left > 0 {
                let some = zeros.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                file.write_all(&zeros[..some])?;
                left -= some as u64;
            }
        }
        file.set_len(self.ballast)?;
        file.sync_all()
    }
}
