//! mvchat on PostgreSQL: the store that lives in your own database, for one node or for many.
//!
//! [`PgStore`] is everything that the engine keeps, in one schema of a database. `Ok` of a write means that it is
//! committed, and so durable as far as the server's settings promise ([`PgOptions::open`] checks them).
//!
//! * Every method is one statement: no transaction is open between two round trips, so a call may be dropped at any
//!   time, and what it began happens wholly or not at all.
//! * A batch of changes is one statement and one commit, each change with its own outcome.
//! * An app whose own rows are in the same database commits them together with messages: [`SendIn`].
//! * What becomes readable in the log is after everything that was read before: positions come from transaction
//!   ids, and none is read that a running transaction could still precede.
//! * Nodes that share a database wake each other by `NOTIFY`, after the commit and with ids only; who misses that
//!   reads the log.
//! * Tables have columns for what queries ask for; the rest of a row is JSON beside them, so that a new field is
//!   no migration.
//!
//! [`PgVault`] keeps the users' wrapped keys, in a schema of its own that can live in another database.

mod bus;
mod check;
mod codes;
mod commit;
mod contacts;
mod conversations;
mod dump;
mod error;
mod expiry;
mod files;
mod hints;
mod host;
mod invites;
mod links;
mod load;
mod mentions;
mod messages;
mod migrate;
mod options;
mod own;
mod rows;
mod schema;
mod sessions;
mod statements;
mod store;
mod users;
mod vault;
mod verify;
mod views;

pub use bus::PgBus;
pub use host::{SendIn, SentIn};
pub use options::PgOptions;
pub use schema::SchemaStatus;
pub use store::PgStore;
pub use vault::PgVault;
