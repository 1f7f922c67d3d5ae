//! The engine, as clients see it, without a network.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod audit;
mod chat;
mod clock;
mod contacts;
#[path = "../door/mod.rs"]
mod door;
mod erase;
mod expiry;
mod faults;
mod groups;
mod guests;
mod host;
mod invites;
mod limits;
mod load;
mod locked;
mod matrix;
mod mentions;
mod metrics;
mod nodes;
mod own;
mod privacy;
mod races;
mod refresh;
mod refusals;
mod review_commits;
mod review_connections;
mod review_oracle;
mod review_privacy;
mod review_reads;
mod schemes;
mod strangers;
mod support;
mod system;
mod visitors;
