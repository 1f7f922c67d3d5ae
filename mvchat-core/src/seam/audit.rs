//! What is kept for those who must account for what happened: see [`AuditSink`].

mod event;
mod kind;

use async_trait::async_trait;
use std::fmt;

pub use self::event::AuditEvent;
pub(crate) use self::kind::NOISY;
pub use self::kind::{AuditKind, AuditResult};

/// What goes wrong with a sink; it goes to the log of the program.
pub type AuditError = Box<dyn std::error::Error + Send + Sync>;

/// Keeps the audit log.
///
/// The engine hands events over through a queue of 4,096, so that nobody who sends a message ever waits for a sink.
/// While a sink fails it is asked again and the queue fills. Events of a kind that a stranger can cause at will
/// ([`AuditKind::is_noisy`]) are let in at most 50 times a second each and may only use half of the queue. Whatever
/// finds no room is counted, and the count becomes an event itself ([`AuditKind::AuditDropped`]) as soon as there is
/// room again.
///
/// # Contract
/// * Events are kept in the order in which they are handed over, those of one call together (law
///   `events_stay_in_order`).
/// * `Ok` of [`write`](AuditSink::write) means that the events are kept (law `what_was_written_is_kept`). After an error
///   the same events are handed over again: a sink that kept some of them before may keep them twice.
/// * Nothing is ever changed or taken away by a later call.
#[async_trait]
pub trait AuditSink: fmt::Debug + Send + Sync + 'static {
    /// Keeps events.
    async fn write(&self, events: &[AuditEvent]) -> Result<(), AuditError>;

    /// Ends what is to be ended, such as a signature over what was written. Called once, when the engine is drained.
    async fn close(&self) -> Result<(), AuditError> {
        Ok(())
    }
}
