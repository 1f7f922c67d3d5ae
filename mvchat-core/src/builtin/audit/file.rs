use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::chain::{self, Head, Link};
use super::{segment, verify};
use crate::builtin::keys::{Keys, durable};
use crate::seam::audit::{AuditError, AuditEvent, AuditSink};
use crate::time::Timestamp;

/// Keeps the audit log in a folder; see the [module](super).
///
/// A segment is closed when it has 32 MiB. Old segments may be moved elsewhere or deleted, the oldest first: each can be
/// verified without those before it. One process writes a log at a time. What a crash left half written is cut off when
/// the log is opened again; it had not been acknowledged.
#[derive(Debug, Clone)]
pub struct FileAudit(Arc<Mutex<Writer>>);

#[derive(Debug)]
struct Writer {
    folder: PathBuf,
    keys: Keys,
    file: File,
    /// How long the segment is, up to what was acknowledged.
    length: u64,
    link: Link,
    /// The number of the last event.
    n: u64,
    told: u64,
    /// How long a segment may get before the next one begins.
    max_segment: u64,
    /// Held for as long as the log is written.
    _lock: File,
}

const MAX_SEGMENT: u64 = 32 << 20;
/// How many events may pass until the head is told to the program's log again.
const TELL_EVERY: u64 = 1_000;

impl FileAudit {
    /// Opens the log of a folder, or begins one. Blocks; meant for start-up.
    ///
    /// # Errors
    /// `WouldBlock` while another process writes it; `InvalidData` if what is there was changed or cut: then keep the
    /// folder for whoever looks into it, and begin a new log in another one. Otherwise errors of the file system.
    pub fn open(folder: impl Into<PathBuf>, keys: &Keys) -> io::Result<FileAudit> {
        let folder = folder.into();
        durable::create_folder(&folder)?;
        let lock = durable::try_lock_folder(&folder)?;
        let end = verify::end(&folder, keys).map_err(|broken| match broken {
            verify::Broken::Io(error) => error,
            broken => io::Error::new(io::ErrorKind::InvalidData, broken),
        })?;
        let (first, link, length) = match end.segment {
            Some((first, length)) => (first, end.link, length),
            None => (1, [0; 32], 0),
        };
        let path = segment::path(&folder, first);
        let mut file = private().append(true).create(true).open(path)?;
        file.set_len(length)?;
        file.seek(io::SeekFrom::End(0))?;
        let mut writer = Writer {
            folder,
            keys: keys.clone(),
            file,
            length,
            link,
            n: end.n,
            told: 0,
            max_segment: MAX_SEGMENT,
            _lock: lock,
        };
        if length == 0 {
            writer.link = writer.begin(first)?;
        }
        if writer.n == 0 {
            // Events without any head are a log whose head was taken away. So there is one before the first event: a
            // crash between that and its head leaves a head that is late, and no more.
            let head = Head::new(&writer.keys, 0, &writer.link, Timestamp::default());
            segment::write_head(&writer.folder, &head)?;
        }
        writer.tell();
        Ok(FileAudit(Arc::new(Mutex::new(writer))))
    }

    #[cfg(test)]
    pub(super) fn segments_of(self, bytes: u64) -> FileAudit {
        self.0.lock().max_segment = bytes;
        self
    }

    async fn blocking(
        &self,
        work: impl FnOnce(&mut Writer) -> io::Result<()> + Send + 'static,
    ) -> Result<(), AuditError> {
        let writer = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&mut writer.lock())).await??;
        Ok(())
    }
}

#[async_trait]
impl AuditSink for FileAudit {
    async fn write(&self, events: &[AuditEvent]) -> Result<(), AuditError> {
        let events = events.to_vec();
        self.blocking(move |writer| writer.write(&events)).await
    }

    async fn close(&self) -> Result<(), AuditError> {
        self.blocking(|writer| {
            writer.tell();
            Ok(())
        })
        .await
    }
}

impl Writer {
    /// Writes events and the head that covers them; cuts off what was written if it fails.
    fn write(&mut self, events: &[AuditEvent]) -> io::Result<()> {
        let Some(last) = events.last() else { return Ok(()) };
        if self.length >= self.max_segment {
            self.next_segment()?;
        }
        let (mut lines, mut link) = (Vec::new(), self.link);
        for (n, event) in (self.n + 1..).zip(events) {
            link = chain::append_event(&self.keys, &link, n, event, &mut lines)?;
        }
        self.append(&lines)?;
        self.link = link;
        self.n += events.len() as u64;
        if self.n - self.told >= TELL_EVERY {
            self.tell();
        }
        // The events are kept from here on: a head that cannot be written is late, and the next one covers them.
        let head = Head::new(&self.keys, self.n, &self.link, last.at);
        if let Err(error) = segment::write_head(&self.folder, &head) {
            tracing::error!(%error, "the head of the audit log could not be written");
        }
        Ok(())
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(lines).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // If even that fails, the next opening cuts it.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += lines.len() as u64;
        Ok(())
    }

    /// Writes the first line of an empty segment.
    fn begin(&mut self, first: u64) -> io::Result<Link> {
        let mut header = Vec::new();
        let link = chain::append_header(&self.keys, &self.link, first, &mut header)?;
        self.append(&header)?;
        durable::sync_folder(&self.folder)?;
        Ok(link)
    }

    fn next_segment(&mut self) -> io::Result<()> {
        let first = self.n + 1;
        let file = private().append(true).create(true).open(segment::path(&self.folder, first))?;
        file.set_len(0)?;
        let (before, length) = (std::mem::replace(&mut self.file, file), std::mem::take(&mut self.length));
        match self.begin(first) {
            Ok(link) => {
                self.link = link;
                Ok(())
            }
            Err(error) => {
                (self.file, self.length) = (before, length);
                Err(error)
            }
        }
    }

    fn tell(&mut self) {
        self.told = self.n;
        tracing::info!(n = self.n, chain = chain::hex(&self.link), "the audit log's head");
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
