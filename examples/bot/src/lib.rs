//! A native driver of the client machine, for bots, tests and load generators.
//!
//! [`mvchat_core::client::Client`] knows the protocol and nothing of sockets. [`connect`] gives it one: a task
//! that owns the machine, its WebSocket and its timer, and does what the machine says, so it logs in, comes back
//! after every loss, catches up and delivers what waits in the outbox, always with the same `cid`.
//!
//! The app holds a [`Handle`], by which it asks for things, and [`Events`], which it has to read, or drop if it
//! does not care. Whoever reads them too slowly is not flooded: beyond [`MAX_EVENTS`] the driver stops reading the
//! socket, and the server ends a connection that stays unread for long, after which the machine catches up.
//!
//! ```no_run
//! use mvchat_bot::connect;
//! use mvchat_core::client::{ClientConfig, Credentials, Draft, Event};
//!
//! # async fn run(conv: mvchat_core::proto::ConvId) -> Result<(), Box<dyn std::error::Error>> {
//! let config = ClientConfig::new(Credentials::basic("alice", "correct horse"));
//! let (alice, mut events) = connect("ws://127.0.0.1:6060/v0/ws", config)?;
//! let sent = alice.deliver(Draft::text(conv, "hello")).await?;
//! while let Some(event) = events.next().await {
//!     if let Event::Message { message, .. } = event {
//!         println!("message {} after mine, {}", message.seq, sent.seq);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

pub mod echo;

mod driver;
mod handle;
mod socket;

pub use driver::{BadUrl, Events, MAX_EVENTS, connect};
pub use handle::{Error, Handle, Sent};
