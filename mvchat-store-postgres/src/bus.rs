//! What nodes on one database tell each other without keeping it.

use async_trait::async_trait;
use bytes::Bytes;
use mvchat_core::seam::{Bus, Heard, MAX_BUS_MESSAGE};
use sqlx::PgPool;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Mutex, broadcast, mpsc};

/// So many messages may wait to be said.
const QUEUE: usize = 4_096;
/// So many messages go in one statement.
const BATCH: usize = 256;
/// So many messages may wait to be heard.
const WAITING: usize = 4_096;

/// The messages of all nodes, as they come over the one listening connection of a store.
#[derive(Debug)]
pub(crate) struct Ether {
    said: mpsc::Sender<String>,
    pub(crate) heard: Arc<Listeners>,
}

/// Who wants to know what is heard.
#[derive(Debug)]
pub(crate) struct Listeners {
    heard: broadcast::Sender<Heard>,
    /// The connection listens.
    open: AtomicBool,
}

impl Listeners {
    /// Passes a message on.
    pub(crate) fn tell(&self, message: &str) {
        // Nobody may be there to be told.
        drop(self.heard.send(Heard::Message(Bytes::copy_from_slice(message.as_bytes()))));
    }

    /// Notes whether the connection listens; what was said before may be lost.
    pub(crate) fn set_open(&self, open: bool) {
        self.open.store(open, Ordering::SeqCst);
        if open {
            drop(self.heard.send(Heard::Lost));
        }
    }
}

impl Ether {
    /// Begins to say on a channel.
    pub(crate) fn start(pool: &PgPool, channel: String) -> Self {
        let (said, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(say(pool.clone(), channel, waiting));
        let (heard, open) = (broadcast::channel(WAITING).0, AtomicBool::new(false));
        Self { said, heard: Arc::new(Listeners { heard, open }) }
    }

    /// Adds a listener, who is told of something lost as soon as it can hear.
    pub(crate) fn join(&self) -> PgBus {
        let heard = Mutex::new(self.heard.heard.subscribe());
        let begins = AtomicBool::new(self.heard.open.load(Ordering::SeqCst));
        PgBus { said: self.said.clone(), heard, begins }
    }
}

/// The bus between nodes whose stores are on one database: `NOTIFY`, from one statement for all that waits, and `LISTEN`
/// on the connection that the store listens on anyway.
///
/// Nothing that is said is written anywhere, and it is told to whoever listens on the database's channel
/// `<schema>_nodes`: ids and numbers, never content.
pub struct PgBus {
    said: mpsc::Sender<String>,
    heard: Mutex<broadcast::Receiver<Heard>>,
    /// Nobody has asked yet, and the connection listened before.
    begins: AtomicBool,
}

impl fmt::Debug for PgBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PgBus")
    }
}

#[async_trait]
impl Bus for PgBus {
    fn say(&self, message: Bytes) {
        // The database takes text of less than 8,000 bytes. What does not fit or has no room is lost, which is noticed.
        if message.len() <= MAX_BUS_MESSAGE
            && let Ok(text) = String::from_utf8(message.into())
        {
            drop(self.said.try_send(text));
        }
    }

    async fn hear(&self) -> Heard {
        if self.begins.swap(false, Ordering::SeqCst) {
            return Heard::Lost;
        }
        match self.heard.lock().await.recv().await {
            Ok(heard) => heard,
            Err(RecvError::Lagged(_)) => Heard::Lost,
            // The store is gone; nothing will be heard any more.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

async fn say(pool: PgPool, channel: String, mut waiting: mpsc::Receiver<String>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let messages: Vec<String> = std::mem::take(&mut batch);
        // In the order of the array: so they are told when the statement is done.
        let told = sqlx::query(
            "select set_config('synchronous_commit', 'off', true), pg_notify($1, m) \
             from unnest($2::text[]) with ordinality as t(m, n) order by n",
        );
        if let Err(error) = told.bind(&channel).bind(&messages).execute(&pool).await {
            tracing::debug!(%error, "other nodes were not told");
        }
    }
}
