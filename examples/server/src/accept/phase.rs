//! Where a connection stands between requests.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};

/// What the connection waits for, which decides the deadline of its next read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The rest of a request's head.
    Head,
    /// The application.
    Serving,
    /// The next request.
    Idle,
    /// Nothing of ours: the connection was upgraded.
    Upgraded,
}

/// A connection's phase, shared by its socket, its service and its task.
///
/// The value publishes no other memory, so relaxed ordering does.
#[derive(Debug, Clone)]
pub(super) struct PhaseCell(Arc<AtomicU8>);

impl PhaseCell {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU8::new(Phase::Head as u8)))
    }

    pub(super) fn get(&self) -> Phase {
        match self.0.load(Relaxed) {
            value if value == Phase::Head as u8 => Phase::Head,
            value if value == Phase::Serving as u8 => Phase::Serving,
            value if value == Phase::Idle as u8 => Phase::Idle,
            _ => Phase::Upgraded,
        }
    }

    pub(super) fn set(&self, phase: Phase) {
        self.0.store(phase as u8, Relaxed);
    }

    /// Moves on, unless something else has happened in between.
    pub(super) fn advance(&self, from: Phase, to: Phase) {
        let _ = self.0.compare_exchange(from as u8, to as u8, Relaxed, Relaxed);
    }
}

/// A response body whose end makes the connection idle.
pub(super) struct Tracked {
    pub(super) body: Body,
    pub(super) phase: PhaseCell,
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.phase.advance(Phase::Serving, Phase::Idle);
    }
}

impl hyper::body::Body for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
