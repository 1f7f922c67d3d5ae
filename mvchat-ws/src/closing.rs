//! Ending a connection so that its last frames arrive.

use futures_util::StreamExt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;

/// How far the end has come, after everything was flushed.
///
/// A socket that is dropped with bytes it has not read resets the connection, and the peer may lose what it has not
/// read yet, the close code included. So the peer's side is read to its end first.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Closing {
    /// Waiting for the peer's close. Skipped when its frames can't be read any more.
    #[default]
    Handshake,
    /// Ending our side.
    Shutdown,
    /// Reading what still comes, to nowhere, until the peer's side ends.
    Discard,
    /// Ended.
    Done,
}

impl Closing {
    pub(crate) fn poll<S>(&mut self, ws: &mut WebSocketStream<S>, cx: &mut Context<'_>) -> Poll<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            match self {
                Self::Handshake => {
                    if !matches!(ready!(ws.poll_next_unpin(cx)), Some(Ok(_))) {
                        *self = Self::Shutdown;
                    }
                }
                Self::Shutdown => {
                    let ended = ready!(Pin::new(ws.get_mut()).poll_shutdown(cx));
                    *self = if ended.is_ok() { Self::Discard } else { Self::Done };
                }
                Self::Discard => {
                    let mut space = [0; 1024];
                    let mut buffer = ReadBuf::new(&mut space);
                    let read = ready!(Pin::new(ws.get_mut()).poll_read(cx, &mut buffer));
                    if read.is_err() || buffer.filled().is_empty() {
                        *self = Self::Done;
                    }
                }
                Self::Done => return Poll::Ready(()),
            }
        }
    }
}
