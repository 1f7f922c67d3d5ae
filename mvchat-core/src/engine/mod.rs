//! The async shell: drives connections, carries out commands against the plug points, delivers.
//!
//! Every command is four verbs in this order: load, decide (in [`policy`](crate::policy)), commit (one call of
//! the store), publish. Only this folder waits for a plug point.

mod accounts;
mod actor;
mod announce;
mod audit;
mod audited;
mod builder;
mod cache;
mod chat;
mod command;
mod committer;
mod conn;
mod copy;
mod create;
mod directory;
mod dispatch;
mod doubts;
#[cfg(feature = "seeded-bugs")]
mod early;
mod erase;
mod events;
mod expiry;
mod export;
mod fanout;
mod files;
mod health;
mod hosted;
mod hub;
mod import;
pub mod jobs;
mod keys;
mod limits;
mod locked;
mod marks;
mod metered;
pub mod metrics;
mod nodes;
mod open;
mod places;
mod presence;
mod ready;
mod registry;
mod serve;
mod sessions;
mod shutdown;
mod spans;
mod system;
mod tail;
mod throttle;
mod tickets;
mod underway;
mod unsure;
mod view;
mod visitor;
mod vouch;

pub use crate::seam::Peer;
pub use actor::Actor;
pub use audit::AuditStats;
pub use builder::{BuildError, ChatBuilder};
pub use chat::Chat;
pub use command::{InviteDetails, email_hash, invite_code_hash, is_invite_code};
pub use copy::{
    CopyError, CopyProgress, CopyReport, CopyStage, PartDigest, PartReport, copy, copy_keys, import,
};
pub use events::Events;
pub use files::FileDetails;
pub use health::Health;
pub use hosted::Unpublished;
pub use import::{MakeUser, Opening};
pub use spans::SPANS;
pub use visitor::{Pass, Visitor};
