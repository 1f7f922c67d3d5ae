//! What a power cut leaves of the files.

use super::content::{Change, Content, PAGE};
use super::tree::{Entry, File, Folder, Kind, ROOT, Tree};
use crate::support::Random;
use std::collections::BTreeSet;

/// The smallest piece that a disk writes whole.
const SECTOR: u64 = 512;

/// How much of what was not synced is on the disk all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Nothing.
    All,
    /// What was done first, up to somewhere within a write.
    Torn,
    /// Any part of it: disks write in whatever order they like.
    Reordered,
}

impl Loss {
    pub(crate) fn any(random: &mut Random) -> Self {
        [Self::All, Self::Torn, Self::Reordered][usize::try_from(random.below(3)).unwrap()]
    }
}

impl Tree {
    /// Cuts the power: returns how many changes were lost, in whole or in part.
    pub(crate) fn cut(&mut self, loss: Loss, random: &mut Random) -> usize {
        let mut lost = 0;
        for node in self.nodes.values_mut() {
            match &mut node.kind {
                Kind::File(file) => lost += cut_file(file, loss, random),
                Kind::Folder(folder) => lost += cut_folder(folder, loss, random),
                Kind::Socket => {}
            }
        }
        let reachable = self.reachable();
        self.nodes.retain(|number, _| reachable.contains(number));
        lost
    }

    fn reachable(&self) -> BTreeSet<u64> {
        let (mut found, mut open) = (BTreeSet::new(), vec![ROOT]);
        while let Some(number) = open.pop() {
            found.insert(number);
            if let Some(Kind::Folder(folder)) = self.nodes.get(&number).map(|node| &node.kind) {
                open.extend(folder.now.values().filter(|number| !found.contains(number)));
            }
        }
        found
    }
}

fn cut_file(file: &mut File, loss: Loss, random: &mut Random) -> usize {
    let pending = std::mem::take(&mut file.pending);
    let lost = match loss {
        Loss::All => pending.len(),
        Loss::Torn => {
            let kept = below(random, pending.len() + 1);
            pending[..kept].iter().for_each(|change| file.safe.apply(change));
            if let Some(Change::Write { at, bytes }) = pending.get(kept) {
                let sectors = below(random, bytes.len() / 512 + 1) * 512;
                file.safe.apply(&Change::Write { at: *at, bytes: bytes[..sectors].to_vec() });
            }
            pending.len() - kept
        }
        Loss::Reordered => reorder(&mut file.safe, &pending, random),
    };
    file.now = file.safe.clone();
    lost
}

/// Keeps any sectors of what was written; the length is the old one or the new one.
fn reorder(safe: &mut Content, pending: &[Change], random: &mut Random) -> usize {
    let (before, mut after, mut lost) = (safe.length, safe.length, 0);
    for change in pending {
        match change {
            Change::Length(length) => after = *length,
            Change::Write { at, bytes } => {
                after = after.max(at + bytes.len() as u64);
                let chance = random.below(5);
                let mut whole = true;
                let (mut at, mut rest) = (*at, &bytes[..]);
                while !rest.is_empty() {
                    // A page is written or not, and now and then only some of its sectors are.
                    let unit = if random.below(8) == 0 { SECTOR } else { PAGE };
                    let some = rest.len().min(usize::try_from(unit - at % unit).unwrap());
                    let (part, behind) = rest.split_at(some);
                    if random.below(4) < chance {
                        safe.apply(&Change::Write { at, bytes: part.to_vec() });
                    } else {
                        whole = false;
                    }
                    (at, rest) = (at + some as u64, behind);
                }
                lost += usize::from(!whole);
            }
        }
    }
    let length = if random.below(2) == 0 { before } else { after };
    safe.apply(&Change::Length(length));
    lost
}

/// Names change in order, as journals keep it.
fn cut_folder(folder: &mut Folder, loss: Loss, random: &mut Random) -> usize {
    let pending: Vec<Entry> = std::mem::take(&mut folder.pending);
    let kept = if loss == Loss::All { 0 } else { below(random, pending.len() + 1) };
    pending[..kept].iter().for_each(|entry| entry.apply(&mut folder.safe));
    folder.now = folder.safe.clone();
    pending.len() - kept
}

fn below(random: &mut Random, bound: usize) -> usize {
    usize::try_from(random.below(bound as u64)).unwrap()
}
