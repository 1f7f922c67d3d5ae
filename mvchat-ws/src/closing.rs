//! Ending a connection so that its last frames arrive.

use futures_util::StreamExt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;

/// How far the end has come, after everything was flushed.
///
/// A socket that is dropped with bytes it has not read resets the connection, and the peer may lose what it has not
/// read yet, the close code included. So after a close that the peer does not answer in order, what it still sends is
/// read to its end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Closing {
    /// Waiting for the peer's close.
    #[default]
    Handshake,
    /// Ending our side of a connection on which both have closed.
    Shutdown,
    /// Ending our side while the peer's frames can't be read any more.
    Cut,
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
            *self = match self {
                Self::Handshake => match ready!(ws.poll_next_unpin(cx)) {
                    Some(Ok(_)) => Self::Handshake,
                    Some(Err(_)) => Self::Cut,
                    None => Self::Shutdown,
                },
                Self::Shutdown => {
                    // Whether or not that works, the connection ends.
                    drop(ready!(Pin::new(ws.get_mut()).poll_shutdown(cx)));
                    Self::Done
                }
                Self::Cut => match ready!(Pin::new(ws.get_mut()).poll_shutdown(cx)) {
                    Ok(()) => Self::Discard,
                    Err(_) => Self::Done,
                },
                Self::Discard => {
                    let mut space = [0; 1024];
                    let mut buffer = ReadBuf::new(&mut space);
                    match ready!(Pin::new(ws.get_mut()).poll_read(cx, &mut buffer)) {
                        Ok(()) if !buffer.filled().is_empty() => Self::Discard,
                        _ => Self::Done,
                    }
                }
                Self::Done => return Poll::Ready(()),
            };
        }
    }
}
