//! What a file holds, in pages that are shared until they are changed.

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) const PAGE: u64 = 4_096;

/// Something that was done to a file and may not be on the disk yet.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Write { at: u64, bytes: Vec<u8> },
    Length(u64),
}

/// The bytes of a file. What was never written is zero.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pages: BTreeMap<u64, Arc<Vec<u8>>>,
    pub(crate) length: u64,
}

impl Content {
    pub(crate) fn read(&self, at: u64, most: u64) -> Vec<u8> {
        let end = at.saturating_add(most).min(self.length);
        let mut bytes = Vec::new();
        let mut at = at;
        while at < end {
            let (page, from) = (at / PAGE, at % PAGE);
            let some = (PAGE - from).min(end - at);
            match self.pages.get(&page) {
                Some(page) => bytes.extend_from_slice(&page[place(from)..place(from + some)]),
                None => bytes.resize(bytes.len() + place(some), 0),
            }
            at += some;
        }
        bytes
    }

    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Write { at, bytes } => self.write(*at, bytes),
            Change::Length(length) => self.set_length(*length),
        }
    }

    fn write(&mut self, mut at: u64, mut bytes: &[u8]) {
        self.length = self.length.max(at + bytes.len() as u64);
        while !bytes.is_empty() {
            let (page, from) = (at / PAGE, place(at % PAGE));
            let (some, rest) = bytes.split_at(bytes.len().min(place(PAGE) - from));
            let page = self.pages.entry(page).or_insert_with(|| Arc::new(vec![0; place(PAGE)]));
            Arc::make_mut(page)[from..from + some.len()].copy_from_slice(some);
            at += some.len() as u64;
            bytes = rest;
        }
    }

    fn set_length(&mut self, length: u64) {
        self.length = length;
        let _ = self.pages.split_off(&length.div_ceil(PAGE));
        if let Some(last) = self.pages.get_mut(&(length / PAGE)) {
            Arc::make_mut(last)[place(length % PAGE)..].fill(0);
        }
    }
}

fn place(within: u64) -> usize {
    usize::try_from(within).unwrap()
}
