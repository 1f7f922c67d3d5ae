//! The keys: one prefix byte for each kind of row, then fixed-width parts, big-endian, so that the order of the
//! bytes is the order of the numbers.
//!
//! | prefix | kind | key | value |
//! |---|---|---|---|
//! | `00` | [`META`] | name | the schema's version; the last position |
//! | `01` | [`CHUNK`] | key of the row ‖ index | a further piece of a long value |
//! | `10` | [`USER`] | user | the account |
//! | `11` | [`NAME`] | user | the folded display name of an active account |
//! | `12` | [`CREDENTIAL`] | scheme ‖ folded name | the credential |
//! | `13` | [`CREDENTIAL_OF`] | user ‖ scheme | the folded name |
//! | `14` | [`CONTACT`] | user ‖ other | the contact |
//! | `15` | [`INVITE`] | invite | the invite |
//! | `16` | [`INVITE_CODE`] | hash of the code | the invite |
//! | `17` | [`INVITE_OF`] | inviter ‖ invite | – |
//! | `18` | [`INVITE_TO`] | hash of the address ‖ invite | –; while it is unused |
//! | `19` | [`EMAIL`] | hash of the address | the user who has it |
//! | `1a` | [`FILE`] | file | the file |
//! | `1b` | [`FILE_OF`] | uploader ‖ time ‖ file | – |
//! | `20` | [`SESSION`] | session | the session |
//! | `21` | [`SESSION_OF`] | user ‖ session | – |
//! | `30` | [`CONV`] | conversation | what has an epoch, without the members |
//! | `31` | [`TAIL`] | conversation | what every shared change moves |
//! | `32` | [`MEMBER`] | conversation ‖ user | role, standing, block |
//! | `33` | [`MINE`] | conversation ‖ user | marks and flags |
//! | `34` | [`PRIVATE`] | conversation ‖ user | the member's own data, sealed |
//! | `35` | [`CONV_OF`] | user ‖ conversation | whether and until when a member |
//! | `36` | [`FOUND`] | kind ‖ members, or owner ‖ cid | the conversation that it finds |
//! | `37` | [`BLOCK`] | user ‖ other | –; both ways, while a block stands in either direction |
//! | `38` | [`LINK`] | code | the link |
//! | `39` | [`LINK_OF`] | conversation ‖ code | the code |
//! | `3a` | [`COUNT`] | user | the number of conversations |
//! | `40` | [`MESSAGE`] | conversation ‖ seq | the message |
//! | `41` | [`CHANGED`] | conversation ‖ rev ‖ index | the thing that this rev changed last |
//! | `42` | [`CID`] | conversation ‖ sender ‖ cid | seq, rev, time and print |
//! | `43` | [`HIDDEN`] | conversation ‖ user ‖ seq | the `own` at which it was hidden |
//! | `44` | [`HIDDEN_AT`] | conversation ‖ user ‖ own, and ‖ seq if it has expired | the seq |
//! | `45` | [`MENTION`] | mentioned user ‖ time ‖ conversation ‖ seq | – |
//! | `46` | [`DUE`] | time ‖ conversation ‖ reader ‖ seq | what expires then |
//! | `47` | [`PARTLY`] | conversation ‖ seq | –; while a message has expired for some |
//! | `48` | [`ONCE`] | conversation ‖ seq | for how many seconds it can be seen once |
//! | `49` | [`PACE`] | conversation ‖ user | when the member last sent at a pace |
//! | `50` | [`LOG`] | position of the first entry | the entries of a batch |
//!
//! Positions grow with time, so whoever prunes the log by age removes rows from its start up to the first that has an
//! entry which is young enough.

use mvchat_core::proto::{ConvId, UserId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub(crate) const META: u8 = 0x00;
pub(crate) const CHUNK: u8 = 0x01;
pub(crate) const USER: u8 = 0x10;
pub(crate) const NAME: u8 = 0x11;
pub(crate) const CREDENTIAL: u8 = 0x12;
pub(crate) const CREDENTIAL_OF: u8 = 0x13;
pub(crate) const CONTACT: u8 = 0x14;
pub(crate) const INVITE: u8 = 0x15;
pub(crate) const INVITE_CODE: u8 = 0x16;
pub(crate) const INVITE_OF: u8 = 0x17;
pub(crate) const INVITE_TO: u8 = 0x18;
pub(crate) const EMAIL: u8 = 0x19;
pub(crate) const FILE: u8 = 0x1a;
pub(crate) const FILE_OF: u8 = 0x1b;
pub(crate) const SESSION: u8 = 0x20;
pub(crate) const SESSION_OF: u8 = 0x21;
pub(crate) const CONV: u8 = 0x30;
pub(crate) const TAIL: u8 = 0x31;
pub(crate) const MEMBER: u8 = 0x32;
pub(crate) const MINE: u8 = 0x33;
pub(crate) const PRIVATE: u8 = 0x34;
pub(crate) const CONV_OF: u8 = 0x35;
pub(crate) const FOUND: u8 = 0x36;
pub(crate) const BLOCK: u8 = 0x37;
pub(crate) const LINK: u8 = 0x38;
pub(crate) const LINK_OF: u8 = 0x39;
pub(crate) const COUNT: u8 = 0x3a;
pub(crate) const MESSAGE: u8 = 0x40;
pub(crate) const CHANGED: u8 = 0x41;
pub(crate) const CID: u8 = 0x42;
pub(crate) const HIDDEN: u8 = 0x43;
pub(crate) const HIDDEN_AT: u8 = 0x44;
pub(crate) const MENTION: u8 = 0x45;
pub(crate) const DUE: u8 = 0x46;
pub(crate) const PARTLY: u8 = 0x47;
pub(crate) const ONCE: u8 = 0x48;
pub(crate) const PACE: u8 = 0x49;
pub(crate) const LOG: u8 = 0x50;

/// The longest text that stands in a key as it is; of a longer one the key holds the SHA-256 hash.
const LONGEST_TEXT: usize = 96;

/// A key, or the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    pub(crate) fn of(kind: u8) -> Self {
        let mut bytes = Vec::with_capacity(48);
        bytes.push(kind);
        Self(bytes)
    }

    /// Returns a key that was read.
    pub(crate) fn exactly(key: &[u8]) -> Self {
        Self(key.to_vec())
    }

    pub(crate) fn user(kind: u8, user: UserId) -> Self {
        Self::of(kind).id(user.0)
    }

    pub(crate) fn conv(kind: u8, conv: ConvId) -> Self {
        Self::of(kind).id(conv.0)
    }

    pub(crate) fn member(kind: u8, conv: ConvId, user: UserId) -> Self {
        Self::conv(kind, conv).id(user.0)
    }

    /// Returns the key of a further piece of this key's value.
    pub(crate) fn chunk(of: &[u8], index: u32) -> Self {
        Self([&[CHUNK][..], of, &index.to_be_bytes()].concat())
    }

    pub(crate) fn id(mut self, id: Uuid) -> Self {
        self.0.extend_from_slice(id.as_bytes());
        self
    }

    pub(crate) fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(crate) fn hash(mut self, hash: &[u8; 32]) -> Self {
        self.0.extend_from_slice(hash);
        self
    }

    /// Adds a text. Keys stay short whatever it is: sled keeps up to a few hundred of them in one inner node,
    /// and a node of more than 128 KiB would go to a file of its own, which no sync of `db` covers.
    pub(crate) fn text(mut self, text: &str) -> Self {
        match u8::try_from(text.len()) {
            Ok(length) if text.len() <= LONGEST_TEXT => {
                self.0.push(length);
                self.0.extend_from_slice(text.as_bytes());
            }
            _ => {
                self.0.push(u8::MAX);
                self.0.extend_from_slice(&Sha256::digest(text.as_bytes()));
            }
        }
        self
    }

    /// Adds the last parts of another key, from `from` on.
    pub(crate) fn rest_of(mut self, other: &[u8], from: &Self) -> Self {
        self.0.extend_from_slice(other.get(from.0.len()..).unwrap_or_default());
        self
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// Returns the range of all keys that begin with this one.
    pub(crate) fn all(self) -> KeyRange {
        let mut to = self.0.clone();
        // A prefix byte is below 0xff, so there always is a following prefix.
        while let Some(last) = to.pop() {
            if last < u8::MAX {
                to.push(last + 1);
                break;
            }
        }
        KeyRange { from: self.0, to }
    }

    /// Returns the range of those keys whose next part is a number from `from` on.
    pub(crate) fn starting(self, from: u64) -> KeyRange {
        let KeyRange { to, .. } = self.clone().all();
        KeyRange { from: self.number(from).0, to }
    }

    /// Returns the range of those keys whose next part is a number from `from` on and before `before`.
    pub(crate) fn between(self, from: u64, before: u64) -> KeyRange {
        KeyRange { from: self.clone().number(from).0, to: self.number(before).0 }
    }
}

/// A half-open range of keys.
#[derive(Clone, Debug)]
pub(crate) struct KeyRange {
    pub(crate) from: Vec<u8>,
    pub(crate) to: Vec<u8>,
}

impl KeyRange {
    /// Returns the range of everything but what the store knows of itself.
    pub(crate) fn all_but_meta() -> Self {
        Self { from: vec![CHUNK], to: vec![u8::MAX] }
    }

    /// Leaves out everything up to and with a key.
    pub(crate) fn after(mut self, key: &Key) -> Self {
        self.from = [key.as_slice(), &[0]].concat();
        self
    }

    /// Leaves out a key and everything after it.
    pub(crate) fn before(mut self, key: &Key) -> Self {
        self.to = key.as_slice().to_vec();
        self
    }
}

/// Returns the id in the last 16 bytes of a key.
pub(crate) fn last_id(key: &[u8]) -> Uuid {
    key.last_chunk().map_or(Uuid::nil(), |bytes| Uuid::from_bytes(*bytes))
}

/// Returns the number in the last 8 bytes of a key.
pub(crate) fn last_number(key: &[u8]) -> u64 {
    key.last_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_makes_a_short_key() {
        let (long, other) = ("a".repeat(5_000), "a".repeat(5_001));
        assert!(Key::of(CID).text(&long).as_slice().len() < 40);
        assert_ne!(Key::of(CID).text(&long), Key::of(CID).text(&other));
    }

    #[test]
    fn texts_do_not_run_into_what_follows() {
        assert_ne!(Key::of(CREDENTIAL).text("ab").text("c"), Key::of(CREDENTIAL).text("a").text("bc"));
    }

    #[test]
    fn a_range_ends_after_the_last_key_with_its_prefix() {
        let all = Key::of(MESSAGE).id(Uuid::max()).all();
        assert!(all.to > Key::of(MESSAGE).id(Uuid::max()).number(u64::MAX).0);
        assert!(all.to <= vec![MESSAGE + 1]);
    }
}
