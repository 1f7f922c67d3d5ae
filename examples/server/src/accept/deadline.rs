//! A socket that gives up reading when its peer takes too long.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};

use super::{
    phase::{Phase, PhaseCell},
    slot::Slot,
};
use crate::metrics::Refused;

/// The socket of one connection, from accept until its last owner drops it.
///
/// hyper has one deadline for request heads, counted from the end of the request before. Here the wait
/// between requests and the head, from its first byte, have a deadline each.
pub(super) struct Deadlined {
    stream: TcpStream,
    phase: PhaseCell,
    header_timeout: Duration,
    idle_timeout: Duration,
    /// The phase that the timer was started for, and the timer; absent where nothing limits the wait.
    timer: Option<(Phase, Pin<Box<Sleep>>)>,
    /// Counts the connection, also after an upgrade, until the socket is closed.
    slot: Slot,
}

impl Deadlined {
    pub(super) fn new(
        stream: TcpStream,
        slot: Slot,
        phase: PhaseCell,
        header_timeout: Duration,
        idle_timeout: Duration,
    ) -> Self {
        Self { stream, phase, header_timeout, idle_timeout, timer: None, slot }
    }

    /// Checks the deadline of the phase, and starts it where the phase is new.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let phase = self.phase.get();
        let limit = match phase {
            Phase::Head => self.header_timeout,
            Phase::Idle => self.idle_timeout,
            Phase::Serving | Phase::Upgraded => {
                self.timer = None;
                return Poll::Pending;
            }
        };
        match &mut self.timer {
            Some((started_for, timer)) if *started_for == phase => timer.as_mut().poll(cx),
            timer => {
                let (_, sleep) = timer.insert((phase, Box::pin(tokio::time::sleep(limit))));
                sleep.as_mut().poll(cx)
            }
        }
    }
}

impl AsyncRead for Deadlined {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Pending => self.poll_deadline(cx).map(|()| {
                if self.phase.get() == Phase::Head {
                    self.slot.counts().refused(Refused::Head);
                }
                Err(io::ErrorKind::TimedOut.into())
            }),
            ready => {
                if buffer.filled().len() > before {
                    self.phase.advance(Phase::Idle, Phase::Head);
                }
                ready
            }
        }
    }
}

impl AsyncWrite for Deadlined {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
