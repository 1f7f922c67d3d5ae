//! Hands events to the audit sink, without anybody waiting for it.

use super::chat::{Chat, Inner};
use super::dispatch::Caller;
use crate::proto::SessionId;
use crate::seam::audit::{AuditEvent, AuditKind, AuditSink, NOISY};
use crate::time::Timestamp;
use parking_lot::Mutex;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// The most events that wait for the sink; see [`AuditSink`].
const QUEUE: usize = 4_096;
/// The most events that the sink is handed at once.
const BATCH: usize = 256;
/// How many events of one noisy kind are let in each second.
const NOISE: u32 = 50;
/// How long to wait before a sink that failed is asked again.
const RETRY: Duration = Duration::from_millis(500);

/// The way to the sink, if there is one.
#[derive(Debug, Default)]
pub(super) struct Audit {
    queue: Option<mpsc::Sender<Item>>,
    counts: Arc<Counts>,
    noise: Mutex<Noise>,
}

#[derive(Debug)]
enum Item {
    Event(Box<AuditEvent>),
    /// Everything before is to be written, and the sink closed.
    Close(oneshot::Sender<()>),
}

#[derive(Debug, Default)]
struct Counts {
    written: AtomicU64,
    dropped: AtomicU64,
    /// Those of the dropped that no event has told of yet.
    untold: AtomicU64,
    decrypt_failures: AtomicU64,
}

/// How many events of the noisy kinds there were in a second.
#[derive(Debug, Default)]
struct Noise {
    second: i64,
    counts: [u32; NOISY.len()],
}

/// What became of the audit events so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditStats {
    /// How many the sink has taken.
    pub written: u64,
    /// How many found no room.
    pub dropped: u64,
    /// How often sealed data could not be opened; counted without a sink, too.
    pub decrypt_failures: u64,
}

impl Chat {
    /// Returns what became of the audit events so far. Never awaits.
    pub fn audit_stats(&self) -> AuditStats {
        let counts = &self.0.audit.counts;
        AuditStats {
            written: counts.written.load(Ordering::Relaxed),
            dropped: counts.dropped.load(Ordering::Relaxed),
            decrypt_failures: counts.decrypt_failures.load(Ordering::Relaxed),
        }
    }

    /// Puts an event of the host's own into the audit log. Never waits; an event without room is counted.
    pub fn audit(&self, event: AuditEvent) {
        self.0.audit.emit(event);
    }
}

impl Audit {
    /// Starts to write to a sink, on the current runtime.
    pub(super) fn new(sink: Arc<dyn AuditSink>) -> Self {
        let (queue, items) = mpsc::channel(QUEUE);
        let counts = Arc::<Counts>::default();
        tokio::spawn(write(sink, items, counts.clone()));
        Self { queue: Some(queue), counts, noise: Mutex::default() }
    }

    /// Returns whether there is a sink at all.
    pub(super) fn is_kept(&self) -> bool {
        self.queue.is_some()
    }

    /// Hands an event over, or counts it; returns whether it was handed over. Never waits.
    pub(super) fn emit(&self, event: AuditEvent) -> bool {
        if event.event == AuditKind::CryptDecryptFail {
            self.counts.decrypt_failures.fetch_add(1, Ordering::Relaxed);
        }
        let Some(queue) = &self.queue else { return false };
        let noisy = event.event.noise();
        let room = match noisy {
            Some(kind) => queue.capacity() > QUEUE / 2 && self.noise.lock().pass(kind, event.at),
            None => true,
        };
        let taken = room && queue.try_send(Item::Event(Box::new(event))).is_ok();
        if !taken {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
            self.counts.untold.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    /// Waits until everything is written that was handed over, and closes the sink.
    pub(super) async fn close(&self) {
        let Some(queue) = &self.queue else { return };
        let (done, closed) = oneshot::channel();
        if queue.send(Item::Close(done)).await.is_ok() {
            // The writer answers, or it is gone and there is nothing to wait for.
            drop(closed.await);
        }
    }
}

impl Noise {
    /// Lets so many events of a kind pass in each second.
    fn pass(&mut self, kind: usize, at: Timestamp) -> bool {
        if self.second != at.as_secs() {
            *self = Self { second: at.as_secs(), ..Self::default() };
        }
        self.counts[kind] += 1;
        self.counts[kind] <= NOISE
    }
}

async fn write(sink: Arc<dyn AuditSink>, mut items: mpsc::Receiver<Item>, counts: Arc<Counts>) {
    let mut batch = Vec::new();
    while items.recv_many(&mut batch, BATCH).await > 0 {
        let (mut events, mut closing) = (Vec::with_capacity(batch.len() + 1), Vec::new());
        for item in batch.drain(..) {
            match item {
                Item::Event(event) => events.push(*event),
                Item::Close(done) => closing.push(done),
            }
        }
        keep(&*sink, events, &counts).await;
        if !closing.is_empty() {
            if let Err(error) = sink.close().await {
                tracing::error!(error = &*error, "the audit log could not be closed");
            }
            for done in closing {
                // Who waited for the end may have gone.
                let _ = done.send(());
            }
        }
    }
}

/// Writes events, for as long as it takes, and tells of those that had no room.
async fn keep(sink: &dyn AuditSink, mut events: Vec<AuditEvent>, counts: &Counts) {
    let untold = counts.untold.swap(0, Ordering::Relaxed);
    if untold > 0
        && let Some(last) = events.last()
    {
        events.push(AuditEvent::new(AuditKind::AuditDropped, last.at).count(untold));
    } else {
        counts.untold.fetch_add(untold, Ordering::Relaxed);
    }
    if events.is_empty() {
        return;
    }
    while let Err(error) = sink.write(&events).await {
        tracing::error!(error = &*error, events = events.len(), "the audit log could not be written");
        tokio::time::sleep(RETRY).await;
    }
    counts.written.fetch_add(events.len() as u64, Ordering::Relaxed);
}

impl Inner {
    /// Begins an event of a connection: when, who, from where. The session is named when the event is told, because
    /// most never are, and the name takes as long to make as a message to seal.
    pub(super) fn event_of(&self, kind: AuditKind, caller: &Caller) -> AuditEvent {
        let mut event = AuditEvent::new(kind, self.env.now());
        if let Some(identity) = caller.identity {
            event = event.actor(identity.user);
        }
        match caller.ip() {
            Some(ip) => event.from_address(ip),
            None => event,
        }
    }

    /// Names a session without saying which one it is.
    pub(super) fn session_name(&self, session: SessionId) -> String {
        short(&self.keys.mac("audit session", &[session.0.as_bytes()]))
    }

    /// Names what somebody wanted to log in as, without saying it.
    pub(super) fn name_hash(&self, folded: &str) -> String {
        short(&self.keys.mac("audit login name", &[folded.as_bytes()]))
    }
}

fn short(mac: &[u8; 32]) -> String {
    let mut name = String::with_capacity(16);
    for byte in &mac[..8] {
        // Writing to a string can't fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}
