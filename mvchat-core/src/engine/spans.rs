//! What takes time, as spans of `tracing`: the only ones there are.
//!
//! Their fields are ids of connections, numbers and words from this repository, never what somebody sent. They are of the
//! level `debug`, so that nothing is done for them while nobody asks for them.

use super::metrics::CommandKind;
use crate::proto::ConnId;
use crate::seam::Method;
use tracing::field::{self, Empty};
use tracing::{Span, debug_span};

/// The target of all spans, for whoever wants them and nothing else.
pub const SPANS: &str = "mvchat_core::spans";

/// A connection, from its opening to its end.
pub(super) fn connection(conn: ConnId) -> Span {
    debug_span!(target: SPANS, "connection", conn = %conn)
}

/// A command, from its begin to its answer.
pub(super) fn command(kind: CommandKind, conn: Option<ConnId>) -> Span {
    let conn = conn.map(field::display);
    debug_span!(target: SPANS, "command", command = kind.name(), conn, outcome = Empty)
}

/// Within a command: a change is in the queue of its conversation, and then a part of a batch.
pub(super) fn commit() -> Span {
    debug_span!(target: SPANS, "commit")
}

/// Changes that are written together, whosever they are.
pub(super) fn batch(changes: usize) -> Span {
    debug_span!(target: SPANS, "batch", changes)
}

/// A call of the store.
pub(super) fn store(method: Method) -> Span {
    debug_span!(target: SPANS, "store", method = method.name(), error = Empty)
}

/// A round in which things expire.
pub(super) fn sweep() -> Span {
    debug_span!(target: SPANS, "sweep")
}
