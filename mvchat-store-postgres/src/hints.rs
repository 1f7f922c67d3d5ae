//! What nodes on one database tell each other: where something was committed; and the connection that listens.

use crate::bus::{Ether, Listeners, PgBus};
use crate::rows::{of_json, to_json};
use mvchat_core::proto::ConvId;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// So many commits may wait to be told; more are found in the log.
const QUEUE: usize = 1_024;
/// So many conversations are named in one go: the database takes 8,000 bytes.
const MOST: usize = 150;
/// The least time between two messages: each costs the database a transaction, and every node that hears it a look into
/// the log.
const GAP: Duration = Duration::from_millis(5);
/// Nobody needs what is told to survive a crash, so nothing waits for the disk.
const TELL: &str = "select set_config('synchronous_commit', 'off', true), pg_notify($1, $2)";
/// How long to wait before listening again after the connection was lost.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells other nodes, after the commits and off their path: the first at once, whatever comes soon after it in the next
/// message. And listens to them, on a connection of its own.
pub(crate) struct Hints {
    queue: mpsc::Sender<Vec<ConvId>>,
    heard: Arc<Notify>,
    ether: Ether,
    listener: JoinHandle<()>,
}

/// What is told: ids only.
#[derive(Serialize, Deserialize)]
struct Hint {
    node: Uuid,
    convs: BTreeSet<ConvId>,
}

impl Hints {
    pub(crate) fn start(pool: &PgPool, schema: &str) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (node, channel) = (Uuid::new_v4(), format!("{schema}_changed"));
        let heard = Arc::new(Notify::new());
        tokio::spawn(send(pool.clone(), node, channel.clone(), waiting));
        let nodes = format!("{schema}_nodes");
        let ether = Ether::start(pool, nodes.clone());
        let ear = Ear { node, changed: channel, nodes, heard: heard.clone(), said: ether.heard.clone() };
        let listener = tokio::spawn(listen(pool.clone(), ear));
        Self { queue, heard, ether, listener }
    }

    /// Tells about conversations. Never waits; who hears nothing reads the log.
    pub(crate) fn tell(&self, convs: impl Iterator<Item = ConvId>) {
        let convs: Vec<ConvId> = convs.collect();
        if !convs.is_empty() {
            drop(self.queue.try_send(convs));
        }
    }

    /// Adds a listener for what nodes tell each other besides.
    pub(crate) fn bus(&self) -> PgBus {
        self.ether.join()
    }

    /// Waits until another node has said something, or might have.
    pub(crate) async fn heard(&self) {
        self.heard.notified().await;
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn send(pool: PgPool, node: Uuid, channel: String, mut waiting: mpsc::Receiver<Vec<ConvId>>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, QUEUE).await > 0 {
        let convs = batch.drain(..).flatten().take(MOST).collect();
        let Ok(text) = to_json(&Hint { node, convs }) else { continue };
        if let Err(error) = sqlx::query(TELL).bind(&channel).bind(text).execute(&pool).await {
            tracing::debug!(%error, "other nodes were not told");
        }
        tokio::time::sleep(GAP).await;
    }
}

/// Whom the listening connection serves.
struct Ear {
    node: Uuid,
    /// The channel that says where something was committed, and who wants to know.
    changed: String,
    heard: Arc<Notify>,
    /// The channel of the bus, and who wants to know.
    nodes: String,
    said: Arc<Listeners>,
}

async fn listen(pool: PgPool, ear: Ear) {
    loop {
        if let Err(error) = hear(&pool, &ear).await {
            tracing::debug!(%error, "other nodes can't be heard for now");
        }
        ear.said.set_open(false);
        tokio::time::sleep(PAUSE).await;
    }
}

async fn hear(pool: &PgPool, ear: &Ear) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen_all([ear.changed.as_str(), ear.nodes.as_str()]).await?;
    loop {
        // Something may have been said before.
        ear.heard.notify_one();
        ear.said.set_open(true);
        loop {
            // Nothing means that the connection was lost and is there again.
            let Some(said) = listener.try_recv().await? else { break };
            if said.channel() == ear.nodes {
                ear.said.tell(said.payload());
                continue;
            }
            let own = of_json::<Hint>(said.payload()).is_ok_and(|hint| hint.node == ear.node);
            if !own {
                ear.heard.notify_one();
            }
        }
    }
}
