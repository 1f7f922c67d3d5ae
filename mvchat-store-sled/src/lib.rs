//! mvchat on sled: the embedded store, durable and without a server.
//!
//! [`SledStore`] is everything that the engine keeps, in one folder and one process. `Ok` of a write means that it
//! survives a power cut: sled's own `flush` does not promise that on Linux, so every batch of writes is followed by an
//! `fdatasync` on the database file before anybody is answered or can read it.
//!
//! * One thread writes. It takes all writes that wait, runs them on one batch, makes that durable in one go and
//!   then answers, so that many callers share one sync.
//! * A few threads read, each call on one state: the newest durable one. Reads never wait for the disk's sync.
//! * All queues are bounded; a full one answers `Unavailable`. A call may be dropped at any time.
//! * After a failed sync the store stops: everything is `Unavailable` until it is opened again.
//! * When the disk is nearly full, writes are `Unavailable` until there is space again, and reads go on.
//!
//! Values and keys are kept small, so that sled never makes files that the sync would miss.

mod batch;
mod chat;
mod codec;
mod commit;
mod contacts;
mod conversations;
mod disk;
mod dump;
mod error;
mod expiry;
mod fields;
mod files;
mod health;
mod hot;
mod invites;
mod keys;
mod links;
mod load;
mod log;
mod mentions;
mod messages;
mod open;
mod options;
mod own;
mod queue;
mod read;
mod reader;
mod rows;
mod sessions;
mod snapshot;
mod store;
mod syncer;
#[cfg(test)]
mod tests;
mod users;
mod views;
mod writer;

pub use options::SledOptions;
pub use store::SledStore;
