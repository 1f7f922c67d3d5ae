//! Keys of data at rest: a ring in a file, users' data keys in a folder, and sealing with them.
//!
//! ```text
//! ring.json   root ── HKDF(purpose) ──▶ keyed hashes (request prints, e-mail look-up)
//!             kek[current] ── wraps ─┐     kek[others] still unwrap
//!             signing ── HMAC ──▶ access tokens
//! vault/7c/<user>.key   the user's data key, wrapped ── HKDF(conversation) ──▶ AES-256-GCM of content
//! ```
//! Rotating a key-encryption key re-wraps the users' keys and touches no message. Erasing one file of the vault makes
//! everything sealed for that user unreadable, in every copy of the messages; a copy of the vault *and* the ring made
//! before still reads it, so back the three up apart from each other.

mod aead;
mod backup;
mod cache;
mod context;
pub(in crate::builtin) mod durable;
mod file_vault;
mod handle;
mod memory_vault;
mod ring;
mod ring_file;
mod rotation;
mod user_key;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod rotation_tests;
#[cfg(test)]
mod tests;

pub use self::backup::{Backup, BackupSecret};
pub use self::context::Context;
pub use self::file_vault::FileVault;
pub use self::handle::Keys;
pub use self::memory_vault::MemoryVault;
pub use self::ring::Ring;
pub use self::rotation::{KeyPolicy, KeyStatus, Rewrapped};
pub use self::user_key::UserKey;
