//! The disk as the kernel sees it.

use super::content::Change;
use super::tree::{Folder, Kind, Node, Number, Tree, length};
use super::{Failing, Shared, State};
use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty,
    ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use std::ffi::OsStr;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, SystemTime};

/// Nothing is remembered by the kernel, because a power cut changes it.
const TTL: Duration = Duration::ZERO;
const BLOCK: u32 = 4_096;

pub(super) struct Mounted(pub(super) Arc<Shared>);

/// A request that is not answered for as long as the power is gone.
pub(super) enum Held {
    Attr(ReplyAttr),
    Create(ReplyCreate),
    Empty(ReplyEmpty),
    Entry(ReplyEntry),
    Write(ReplyWrite),
}

impl Held {
    pub(super) fn fail(self) {
        match self {
            Self::Attr(reply) => reply.error(Errno::EIO),
            Self::Create(reply) => reply.error(Errno::EIO),
            Self::Empty(reply) => reply.error(Errno::EIO),
            Self::Entry(reply) => reply.error(Errno::EIO),
            Self::Write(reply) => reply.error(Errno::EIO),
        }
    }
}

impl Mounted {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// Carries out a change and answers, unless the power is gone or goes with it.
    fn change<R>(
        &self,
        reply: R,
        hold: fn(R) -> Held,
        kind: Failing,
        change: impl FnOnce(&mut Tree, R),
        fail: impl FnOnce(R, Errno),
    ) {
        let mut state = self.state();
        state.changes += 1;
        let dark = *self.0.dark.borrow();
        if dark || state.cut_at.is_some_and(|at| state.changes >= at) {
            self.0.dark.send_replace(true);
            return state.held.push(hold(reply));
        }
        match state.failing {
            Some((failing, errno)) if failing == kind => fail(reply, errno),
            _ => change(&mut state.tree, reply),
        }
    }

    fn add(
        &self,
        request: &Request,
        folder: INodeNo,
        name: &OsStr,
        kind: Kind,
        mode: u32,
        reply: ReplyEntry,
    ) {
        let node = node(request, kind, mode);
        self.change(
            reply,
            Held::Entry,
            Failing::Writes,
            |tree, reply| match tree.add(folder.0, name, node) {
                Ok(number) => reply.entry(&TTL, &attributes(tree, number), Generation(0)),
                Err(errno) => reply.error(errno),
            },
            ReplyEntry::error,
        );
    }

    fn simple(&self, kind: Failing, reply: ReplyEmpty, change: impl FnOnce(&mut Tree) -> Result<(), Errno>) {
        self.change(
            reply,
            Held::Empty,
            kind,
            |tree, reply| match change(tree) {
                Ok(()) => reply.ok(),
                Err(errno) => reply.error(errno),
            },
            ReplyEmpty::error,
        );
    }
}

fn node(request: &Request, kind: Kind, mode: u32) -> Node {
    let mode = u16::try_from(mode & 0o7777).unwrap();
    Node { kind, mode, owner: (request.uid(), request.gid()), changed: SystemTime::now() }
}

/// Describes a node that is there.
fn attributes(tree: &Tree, number: Number) -> FileAttr {
    let node = tree.node(number).unwrap();
    let size = length(node);
    FileAttr {
        ino: INodeNo(number),
        size,
        blocks: size.div_ceil(512),
        atime: node.changed,
        mtime: node.changed,
        ctime: node.changed,
        crtime: node.changed,
        kind: file_type(node),
        perm: node.mode,
        nlink: 1,
        uid: node.owner.0,
        gid: node.owner.1,
        rdev: 0,
        blksize: BLOCK,
        flags: 0,
    }
}

fn file_type(node: &Node) -> FileType {
    match node.kind {
        Kind::File(_) => FileType::RegularFile,
        Kind::Folder(_) => FileType::Directory,
        Kind::Socket => FileType::Socket,
    }
}

impl Filesystem for Mounted {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let mut state = self.state();
        match state.tree.look_up(parent.0, name) {
            Ok(number) => reply.entry(&TTL, &attributes(&state.tree, number), Generation(0)),
            Err(errno) => reply.error(errno),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        let state = self.state();
        match state.tree.node(ino.0) {
            Ok(_) => reply.attr(&TTL, &attributes(&state.tree, ino.0)),
            Err(errno) => reply.error(errno),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        self.change(
            reply,
            Held::Attr,
            Failing::Writes,
            |tree, reply| {
                if let (Some(mode), Some(node)) = (mode, tree.nodes.get_mut(&ino.0)) {
                    node.mode = u16::try_from(mode & 0o7777).unwrap();
                }
                match size.map_or(Ok(()), |size| tree.change(ino.0, Change::Length(size))) {
                    Ok(()) => reply.attr(&TTL, &attributes(tree, ino.0)),
                    Err(errno) => reply.error(errno),
                }
            },
            ReplyAttr::error,
        );
    }

    fn mknod(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _rdev: u32,
        reply: ReplyEntry,
    ) {
        const TYPE: u32 = 0o170_000;
        const SOCKET: u32 = 0o140_000;
        let kind = if mode & TYPE == SOCKET { Kind::Socket } else { Kind::File(Default::default()) };
        self.add(request, parent, name, kind, mode & !umask, reply);
    }

    fn mkdir(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        self.add(request, parent, name, Kind::Folder(Folder::default()), mode & !umask, reply);
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        let node = node(request, Kind::File(Default::default()), mode & !umask);
        self.change(
            reply,
            Held::Create,
            Failing::Writes,
            |tree, reply| match tree.add(parent.0, name, node) {
                Ok(number) => {
                    let attributes = attributes(tree, number);
                    let flags = FopenFlags::FOPEN_DIRECT_IO;
                    reply.created(&TTL, &attributes, Generation(0), FileHandle(0), flags);
                }
                Err(errno) => reply.error(errno),
            },
            ReplyCreate::error,
        );
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.simple(Failing::Writes, reply, |tree| tree.remove(parent.0, name));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.simple(Failing::Writes, reply, |tree| tree.remove(parent.0, name));
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if parent != newparent || !flags.is_empty() {
            return reply.error(Errno::EXDEV);
        }
        self.simple(Failing::Writes, reply, |tree| tree.rename(parent.0, name, newname));
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        // The kernel keeps no pages, so that nobody reads there what a power cut has taken.
        reply.opened(FileHandle(0), FopenFlags::FOPEN_DIRECT_IO);
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.state().tree.read(ino.0, offset, size.into()) {
            Ok(bytes) => reply.data(&bytes),
            Err(errno) => reply.error(errno),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        self.change(
            reply,
            Held::Write,
            Failing::Writes,
            |tree, reply| match tree.change(ino.0, Change::Write { at: offset, bytes: data.to_vec() }) {
                Ok(()) => reply.written(u32::try_from(data.len()).unwrap()),
                Err(errno) => reply.error(errno),
            },
            ReplyWrite::error,
        );
    }

    fn fallocate(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        if mode != 0 {
            return reply.error(Errno::EOPNOTSUPP);
        }
        self.simple(Failing::Writes, reply, |tree| {
            let length = attributes(tree, ino.0).size.max(offset + length);
            tree.change(ino.0, Change::Length(length))
        });
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        self.simple(Failing::Syncs, reply, |tree| tree.sync(ino.0));
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _datasync: bool, reply: ReplyEmpty) {
        self.simple(Failing::Syncs, reply, |tree| tree.sync(ino.0));
    }

    fn readdir(&self, _: &Request, ino: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let mut state = self.state();
        let names = match state.tree.names(ino.0) {
            Ok(names) => names,
            Err(errno) => return reply.error(errno),
        };
        for (at, (name, number)) in (1_u64..).zip(&names).skip(usize::try_from(offset).unwrap()) {
            let kind = state.tree.node(*number).map_or(FileType::RegularFile, file_type);
            if reply.add(INodeNo(*number), at, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let tree = &self.state().tree;
        let block = u64::from(BLOCK);
        let free = tree.capacity.saturating_sub(tree.used()) / block;
        reply.statfs(tree.capacity / block, free, free, 1 << 20, 1 << 20, BLOCK, 255, BLOCK);
    }
}
