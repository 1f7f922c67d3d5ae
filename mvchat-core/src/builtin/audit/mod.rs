//! The audit log in files: a chain of keyed hashes, and a signed head.
//!
//! ```text
//! audit/audit-000000000001.jsonl   {"segment":1,"first":1,"prev":"00…","mac":"…"}
//!                                  {"n":1,"at":"…","event":"authn_login_success",…,"mac":"…"}
//!       audit-000000150000.jsonl   …
//!       head.json                  {"n":150123,"chain":"…","at":"…","mac":"…"}
//! ```
//! Each `mac` is HMAC-SHA256 over the `mac` of the line before and the line without its own, under a key derived from the
//! ring's root, which no rotation changes. So a line that was changed, taken out, put in or moved breaks the chain for
//! whoever holds the ring. Lines cut off the end are missed by the head, which is written after every batch.
//!
//! What it cannot show: somebody who takes away the newest lines *and* puts an older head back, or who holds the ring.
//! The head is therefore also told to the program's log each time the log is opened or closed, and every 1,000 events:
//! a collector on another machine then has it.

pub(in crate::builtin) mod chain;
mod file;
mod segment;
mod verify;

#[cfg(test)]
mod tests;

pub use self::file::FileAudit;
pub use self::verify::{Broken, Verified, tail, verify};
