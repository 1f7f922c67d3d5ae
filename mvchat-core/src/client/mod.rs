//! The client's half of the protocol as a machine without input, output, clock or entropy.
//!
//! A [`Client`] is told what happened ([`Client::handle`], and the methods by which the app asks for
//! something) and says what to do ([`Client::poll`]). Whoever drives it owns the socket and the timer: natively
//! a task with a WebSocket, in a browser a few callbacks.
//!
//! **Mutate once, drain fully.** After every call that takes a `now`, call [`Client::poll`] and carry out what
//! it says until it answers [`Output::Wait`]; then wait for the network or the given instant, whichever comes
//! first, and tell the machine with [`Input::Text`] … or [`Input::Timeout`].
//!
//! What it does by itself:
//! * greets and logs in, keeps the token, reconnects with full jitter and honours what the server says about
//!   when to come back; asks for a sign of life when it was quiet for long;
//! * sends every message of the outbox until it was accepted or refused, always with the same `cid`, in order
//!   within a conversation;
//! * catches up: live frames wait while it asks for what changed, `rev` by `rev`, and every gap is filled;
//! * keeps a small bounded model of conversations and messages ([`ClientState`]) and says what changed in it.
//!
//! Everything is bounded and no frame can make it panic.
//!
//! # Examples
//! ```
//! use mvchat_core::client::{Client, ClientConfig, Credentials, Input, Output};
//! use mvchat_core::time::Instant;
//!
//! let mut client = Client::new(ClientConfig::new(Credentials::basic("alice", "correct horse")), 7, Instant(0));
//! assert!(matches!(client.poll(), Output::Connect));
//! client.handle(Input::Opened, Instant(20));
//! let Output::Send(hi) = client.poll() else { panic!("it greets") };
//! assert!(hi.starts_with(b"{\"id\":\"1\",\"hi\":"));
//! assert!(matches!(client.poll(), Output::Send(_)), "then it logs in");
//! assert!(matches!(client.poll(), Output::Wait(Some(_))));
//! ```

mod apply;
mod backoff;
mod catchup;
mod config;
mod connection;
mod event;
mod listing;
mod machine;
mod mine;
mod outbox;
mod pending;
mod replies;
mod sending;
mod state;
mod sync;

pub use config::{ClientConfig, Credentials};
pub use event::{Account, ClientError, ConvChange, EndReason, Event, Input, MemberChange, Output, SendState};
pub use machine::Client;
pub use outbox::{Draft, OutboxItem, OutboxState};
pub use pending::RequestId;
pub use state::{ClientState, Conversation};

#[cfg(test)]
mod tests;
