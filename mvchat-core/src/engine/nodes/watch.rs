//! What a node does each second.

use super::peers::LEASE;
use super::{BEAT, Hint, Nodes};
use crate::engine::chat::Inner;
use crate::engine::jobs::{Job, Priority};
use std::sync::{Arc, Weak};

/// Says what there is to say, and gives a sign of life when there is nothing.
pub(super) async fn speak(inner: Weak<Inner>, nodes: Arc<Nodes>) {
    loop {
        if inner.strong_count() == 0 {
            return;
        }
        nodes.flush();
        tokio::select! { biased;
            () = nodes.wake.notified() => {}
            () = tokio::time::sleep(BEAT) => {}
        }
    }
}

/// Looks after the other nodes, and after the sessions of this one's connections.
pub(super) async fn watch(inner: Weak<Inner>) {
    for beat in 1.. {
        tokio::time::sleep(BEAT).await;
        let Some(engine) = inner.upgrade() else { return };
        if engine.nodes.bus.is_some() {
            let now = engine.env.monotonic();
            // A node that ended just after this one began was never heard: the store is asked when all that live were.
            if BEAT * beat == LEASE {
                engine.missed(None);
            }
            let leads = engine.nodes.leads();
            let gone = engine.nodes.peers.write().expire(now);
            engine.take_news(gone, leads);
            for node in engine.nodes.peers.read().unknown() {
                engine.nodes.say(Hint::Ask(node));
            }
        }
        let inner = engine.clone();
        let sweep = Job::new("sessions", move || {
            let inner = inner.clone();
            async move { inner.sweep_sessions().await }
        });
        if let Ok(sweep) = engine.jobs.submit_own(sweep.priority(Priority::High)) {
            sweep.await;
        }
    }
}
