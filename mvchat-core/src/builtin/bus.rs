//! A bus between engines of one process.

use crate::seam::{Bus, Heard};
use async_trait::async_trait;
use bytes::Bytes;
use std::fmt;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Mutex, broadcast};

/// How many messages wait for a listener.
const WAITING: usize = 4_096;

/// Where buses of one process meet; clones are the same place.
#[derive(Clone, Debug)]
pub struct LocalBuses {
    said: broadcast::Sender<Bytes>,
}

impl Default for LocalBuses {
    fn default() -> Self {
        Self { said: broadcast::channel(WAITING).0 }
    }
}

impl LocalBuses {
    /// Adds a node, which hears what is said from now on.
    pub fn join(&self) -> LocalBus {
        LocalBus { said: self.said.clone(), heard: Mutex::new(self.said.subscribe()) }
    }
}

/// One node's handle. A node hears what it says itself.
pub struct LocalBus {
    said: broadcast::Sender<Bytes>,
    heard: Mutex<broadcast::Receiver<Bytes>>,
}

impl fmt::Debug for LocalBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalBus({} nodes)", self.said.receiver_count())
    }
}

#[async_trait]
impl Bus for LocalBus {
    fn say(&self, message: Bytes) {
        // Nobody else may be there.
        drop(self.said.send(message));
    }

    async fn hear(&self) -> Heard {
        match self.heard.lock().await.recv().await {
            Ok(message) => Heard::Message(message),
            Err(RecvError::Lagged(_)) => Heard::Lost,
            // Its own sender keeps the channel open.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
