//! Who may do what, and what comes of it: pure functions of the state, the request and the time.
//!
//! Every function here may be run again on fresher state; none of them waits, logs or remembers.

mod access;
mod account;
mod cursor;
mod expiry;
mod guest;
mod invites;
mod members;
mod privacy;
mod revise;
mod send;
mod session;
mod settings;
mod state;

pub use access::Access;
pub use account::{Account, Rights, UserState, may_be_spoken_for, may_go_on, may_log_in};
pub use cursor::{Place, read_since};
pub use expiry::{DEFAULT_VIEW_ONCE, expired, kept_until, once_for, read_until};
pub use guest::guest_may;
pub use invites::{
    InviteState, MAX_INVITES, MAX_LINKS, may_add_contact, may_add_invite, may_add_link, may_open_dm,
    may_redeem,
};
pub use members::{
    heir, may_ban, may_end, may_invite, may_join, may_kick, may_leave, may_link, may_mute, may_set_role,
    may_transfer, may_unban,
};
pub use privacy::{Ties, may_discover, may_meet, sees_last_seen, sees_receipts, sees_typing};
pub use revise::{EditVerdict, Reaction, edited, may_delete_for_everyone, may_edit, may_unsend, reacted};
pub use send::{may_answer, may_send, slow_mode};
pub use session::{Refresh, RefreshHash, access_end, refreshed, session_end};
pub use settings::{hangs, may_block, may_pin, may_set_ttl, may_update};
pub use state::{
    ConvKind, ConvSettings, Conversation, Member, Message, MessageBody, MessageState, Pinned, Print, Standing,
};

#[cfg(test)]
mod tests;
