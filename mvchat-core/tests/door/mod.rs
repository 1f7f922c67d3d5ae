//! How clients reach a server: the same recordings are played through several.

use async_trait::async_trait;
use mvchat_core::Chat;
use mvchat_core::testkit::Wire;

/// Where clients connect, unless they want to connect elsewhere.
pub(crate) const SOCKET: &str = "/v0/ws";

/// A way to a server.
#[async_trait]
pub(crate) trait Door: Send + Sync + 'static {
    /// Serves a chat.
    async fn open(chat: Chat) -> Self
    where
        Self: Sized;

    /// Connects a client to it, at a path if the way has paths.
    async fn connect(&self, path: &str) -> Wire;
}

/// The way within the process.
pub(crate) struct Inside(Chat);

#[async_trait]
impl Door for Inside {
    async fn open(chat: Chat) -> Self {
        Self(chat)
    }

    async fn connect(&self, _: &str) -> Wire {
        Wire::connect(&self.0)
    }
}
