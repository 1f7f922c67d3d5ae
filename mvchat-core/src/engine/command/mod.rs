//! One file for each command.

mod account;
mod changes;
mod contact;
mod conversations;
mod dm;
mod group;
mod guest;
mod invite;
mod link;
mod login;
mod login_with;
mod logout;
mod mark;
mod mentions;
mod messages;
mod moderate;
mod operator;
mod pin;
mod react;
mod refresh;
mod report;
mod revise;
mod search;
mod send;
mod session;
mod settings;
mod typing;
mod welcome;

pub(super) use refresh::Grant;
pub(super) use send::Sending;

pub use invite::is_invite_code;
pub use welcome::{InviteDetails, email_hash, invite_code_hash};
