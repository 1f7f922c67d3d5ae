//! How clients reach a server: the same recordings are played through several.

use async_trait::async_trait;
use mvchat_core::Chat;
use mvchat_core::testkit::Wire;

/// A way to a server.
#[async_trait]
pub(crate) trait Door: Send + Sync + 'static {
    /// Serves a chat.
    async fn open(chat: Chat) -> Self
    where
        Self: Sized;

    /// Connects a client to it.
    async fn connect(&self) -> Wire;
}

/// The way within the process.
pub(crate) struct Inside(Chat);

#[async_trait]
impl Door for Inside {
    async fn open(chat: Chat) -> Self {
        Self(chat)
    }

    async fn connect(&self) -> Wire {
        Wire::connect(&self.0)
    }
}
