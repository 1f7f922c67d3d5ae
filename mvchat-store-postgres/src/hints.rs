//! What nodes on one database tell each other: where something was committed.

use crate::rows::to_json;
use mvchat_core::proto::ConvId;
use sqlx::PgPool;
use std::collections::BTreeSet;
use tokio::sync::mpsc;

/// So many commits may wait to be told; more are found in the log.
const QUEUE: usize = 1_024;
/// So many conversations are named in one go: the database takes 8,000 bytes.
const MOST: usize = 150;

/// Tells other nodes, after the commits and off their path: whatever came while the last message was sent is the
/// next one.
pub(crate) struct Hints {
    queue: mpsc::Sender<Vec<ConvId>>,
}

impl Hints {
    pub(crate) fn start(pool: &PgPool, schema: &str) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(send(pool.clone(), channel(schema), waiting));
        Self { queue }
    }

    /// Tells about conversations. Never waits; who hears nothing reads the log.
    pub(crate) fn tell(&self, convs: impl Iterator<Item = ConvId>) {
        let convs: Vec<ConvId> = convs.collect();
        if !convs.is_empty() {
            drop(self.queue.try_send(convs));
        }
    }
}

/// Returns the name under which nodes that share a schema speak.
pub(crate) fn channel(schema: &str) -> String {
    format!("{schema}_changed")
}

async fn send(pool: PgPool, channel: String, mut waiting: mpsc::Receiver<Vec<ConvId>>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, QUEUE).await > 0 {
        let convs: BTreeSet<ConvId> = batch.drain(..).flatten().take(MOST).collect();
        let Ok(text) = to_json(&convs) else { continue };
        let told = sqlx::query("select pg_notify($1, $2)").bind(&channel).bind(text).execute(&pool).await;
        if let Err(error) = told {
            tracing::debug!(%error, "other nodes were not told");
        }
    }
}
