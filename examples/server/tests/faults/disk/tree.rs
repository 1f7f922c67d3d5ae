//! Files and folders, each as it is seen now and as it would be after a power cut.

use super::content::{Change, Content};
use fuser::Errno;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::time::SystemTime;

pub(crate) type Number = u64;
pub(crate) const ROOT: Number = 1;

/// One file, folder or socket.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) mode: u16,
    pub(crate) owner: (u32, u32),
    pub(crate) changed: SystemTime,
}

#[derive(Debug)]
pub(crate) enum Kind {
    File(File),
    Folder(Folder),
    Socket,
}

/// A file: `safe` is on the disk, `now` is `safe` with all that is `pending`.
#[derive(Debug, Default)]
pub(crate) struct File {
    pub(crate) now: Content,
    pub(crate) safe: Content,
    pub(crate) pending: Vec<Change>,
}

/// A folder, in the same way.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    pub(crate) now: Names,
    pub(crate) safe: Names,
    pub(crate) pending: Vec<Entry>,
}

pub(crate) type Names = BTreeMap<OsString, Number>;

/// A change of a folder.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Set(OsString, Number),
    Remove(OsString),
    Rename(OsString, OsString),
}

impl Entry {
    pub(crate) fn apply(&self, names: &mut Names) {
        match self {
            Self::Set(name, number) => drop(names.insert(name.clone(), *number)),
            Self::Remove(name) => drop(names.remove(name)),
            Self::Rename(from, to) => {
                if let Some(number) = names.remove(from) {
                    names.insert(to.clone(), number);
                }
            }
        }
    }
}

impl Folder {
    fn change(&mut self, entry: Entry) {
        entry.apply(&mut self.now);
        self.pending.push(entry);
    }
}

/// Everything on the disk.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) nodes: BTreeMap<Number, Node>,
    next: Number,
    /// How many bytes there is space for.
    pub(crate) capacity: u64,
}

impl Tree {
    pub(crate) fn new(owner: (u32, u32), capacity: u64) -> Self {
        let root =
            Node { kind: Kind::Folder(Folder::default()), mode: 0o700, owner, changed: SystemTime::now() };
        Self { nodes: [(ROOT, root)].into(), next: ROOT + 1, capacity }
    }

    /// Returns how many bytes the files take that somebody can reach.
    pub(crate) fn used(&self) -> u64 {
        let folders = self.nodes.values().filter_map(|node| match &node.kind {
            Kind::Folder(folder) => Some(folder),
            _ => None,
        });
        let files = folders.flat_map(|folder| folder.now.values());
        files.map(|number| self.nodes.get(number).map_or(0, length)).sum()
    }

    pub(crate) fn node(&self, number: Number) -> Result<&Node, Errno> {
        self.nodes.get(&number).ok_or(Errno::ENOENT)
    }

    fn folder(&mut self, number: Number) -> Result<&mut Folder, Errno> {
        match self.nodes.get_mut(&number).map(|node| &mut node.kind) {
            Some(Kind::Folder(folder)) => Ok(folder),
            _ => Err(Errno::ENOTDIR),
        }
    }

    fn file(&mut self, number: Number) -> Result<&mut File, Errno> {
        match self.nodes.get_mut(&number).map(|node| &mut node.kind) {
            Some(Kind::File(file)) => Ok(file),
            _ => Err(Errno::EISDIR),
        }
    }

    pub(crate) fn look_up(&mut self, folder: Number, name: &OsStr) -> Result<Number, Errno> {
        self.folder(folder)?.now.get(name).copied().ok_or(Errno::ENOENT)
    }

    pub(crate) fn names(&mut self, folder: Number) -> Result<Vec<(OsString, Number)>, Errno> {
        Ok(self.folder(folder)?.now.clone().into_iter().collect())
    }

    pub(crate) fn add(&mut self, folder: Number, name: &OsStr, node: Node) -> Result<Number, Errno> {
        if self.look_up(folder, name).is_ok() {
            return Err(Errno::EEXIST);
        }
        let number = self.next;
        self.folder(folder)?.change(Entry::Set(name.to_owned(), number));
        self.next += 1;
        self.nodes.insert(number, node);
        Ok(number)
    }

    pub(crate) fn remove(&mut self, folder: Number, name: &OsStr) -> Result<(), Errno> {
        let number = self.look_up(folder, name)?;
        if self.folder(number).is_ok_and(|inner| !inner.now.is_empty()) {
            return Err(Errno::ENOTEMPTY);
        }
        self.folder(folder)?.change(Entry::Remove(name.to_owned()));
        Ok(())
    }

    pub(crate) fn rename(&mut self, folder: Number, from: &OsStr, to: &OsStr) -> Result<(), Errno> {
        self.look_up(folder, from)?;
        self.folder(folder)?.change(Entry::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    pub(crate) fn read(&mut self, number: Number, at: u64, most: u64) -> Result<Vec<u8>, Errno> {
        Ok(self.file(number)?.now.read(at, most))
    }

    pub(crate) fn change(&mut self, number: Number, change: Change) -> Result<(), Errno> {
        let before = self.file(number)?.now.length;
        let after = match &change {
            Change::Write { at, bytes } => before.max(at + bytes.len() as u64),
            Change::Length(length) => *length,
        };
        if after > before && self.used() + (after - before) > self.capacity {
            return Err(Errno::ENOSPC);
        }
        let file = self.file(number)?;
        file.now.apply(&change);
        file.pending.push(change);
        if let Some(node) = self.nodes.get_mut(&number) {
            node.changed = SystemTime::now();
        }
        Ok(())
    }

    /// Makes durable what a file or a folder holds.
    pub(crate) fn sync(&mut self, number: Number) -> Result<(), Errno> {
        match self.nodes.get_mut(&number).map(|node| &mut node.kind) {
            Some(Kind::File(file)) => {
                for change in file.pending.drain(..) {
                    file.safe.apply(&change);
                }
            }
            Some(Kind::Folder(folder)) => {
                for entry in folder.pending.drain(..) {
                    entry.apply(&mut folder.safe);
                }
            }
            Some(Kind::Socket) => {}
            None => return Err(Errno::ENOENT),
        }
        Ok(())
    }
}

pub(crate) fn length(node: &Node) -> u64 {
    match &node.kind {
        Kind::File(file) => file.now.length,
        _ => 0,
    }
}
