//! The laws of transports: the contract of [`Transport`](crate::seam::Transport) and the routes around it, over
//! real sockets.
//!
//! ```no_run
//! # async fn serve_with_my_framework(_: tokio::net::TcpListener, _: mvchat_core::Chat, _: Entrance) {}
//! use mvchat_core::Chat;
//! use mvchat_core::testkit::transport::{self, Entrance, TransportFixture};
//! use std::process::ExitCode;
//! use tokio::net::TcpListener;
//!
//! struct Mine;
//!
//! impl TransportFixture for Mine {
//!     async fn serve(&self, listener: TcpListener, chat: Chat, entrance: Entrance) {
//!         serve_with_my_framework(listener, chat, entrance).await;
//!     }
//! }
//!
//! fn main() -> ExitCode {
//!     transport::main(|_law| Mine)
//! }
//! ```

mod bed;
mod client;
mod closing;
mod entry;
mod frames;
mod handshake;
mod load;
mod misuse;
mod request;
mod requests;

pub use bed::Bed;

use super::{Law, runner};
use crate::engine::Chat;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Serves chats over the transport under test.
pub trait TransportFixture: Send + Sync + 'static {
    /// Serves the routes of `chat` on a listener: the WebSocket at `/v0/ws` and `/v0/channels`, and those of the book's
    /// page about HTTP. Ends when it is dropped.
    fn serve(&self, listener: TcpListener, chat: Chat, entrance: Entrance)
    -> impl Future<Output = ()> + Send;
}

/// Who is let in by the transport under test, and how much time they have.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Entrance {
    /// Only pages of these origins may connect; of all origins if there are none.
    pub allowed_origins: Vec<String>,
    /// Whether a token may be in the query of an upgrade.
    pub query_token: bool,
    /// How long a message may take from its first byte to its last; as long as by default if it is not said.
    pub message_timeout: Option<Duration>,
}

/// Runs all laws as a test program; `fixture` makes the fixture of the law with the given name.
pub fn main<F: TransportFixture>(fixture: impl Fn(&str) -> F + Send + Sync + 'static) -> ExitCode {
    let fixture = Arc::new(fixture);
    let mut tests: Vec<runner::Test> = Vec::new();
    for law in laws() {
        let fixture = fixture.clone();
        tests.push((law.name, Arc::new(move || check(&law, fixture(law.name)))));
    }
    runner::main(tests)
}

/// Checks one law on servers of its own.
///
/// # Panics
/// If the transport breaks the law.
pub fn check<F: TransportFixture>(law: &Law<Bed>, fixture: F) {
    law.check(|| async { Bed::new(fixture) });
}

/// Returns all laws.
pub fn laws() -> Vec<Law<Bed>> {
    [handshake::LAWS, requests::LAWS, entry::LAWS, frames::LAWS, misuse::LAWS, closing::LAWS, load::LAWS]
        .concat()
}
