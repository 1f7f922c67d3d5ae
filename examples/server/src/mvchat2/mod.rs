//! Reads the database of an mvChat2 server as items of our stores.
//!
//! Ids, numbers, times and order stay as they are. What our stores ask for beyond that is made up from it: `rev` is
//! `seq`, because nothing is known of the order of changes, and one more for the settings, so that the last change is one
//! that can be told; a number without a message becomes a tombstone. Contents are
//! opened with the server's key and sealed with the key of whoever wrote them.

mod content;
mod dump;
mod files;
mod invites;
mod messages;
mod people;
mod rooms;
mod rows;

pub(crate) use content::ContentKey;
pub(crate) use dump::Mvchat2;
