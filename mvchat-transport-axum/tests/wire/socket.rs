//! The client's end of a WebSocket, as a transport.

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use mvchat_core::proto::{Close, Frame};
use mvchat_core::seam::TransportError;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, client_async};

/// A connection of a client that is not ours.
pub(crate) struct ClientSocket {
    ws: WebSocketStream<TcpStream>,
    /// Is told every message that crosses.
    note: fn(&[u8]),
}

impl ClientSocket {
    pub(crate) async fn connect(addr: SocketAddr, path: &str, note: fn(&[u8])) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (ws, _) = client_async(format!("ws://{addr}{path}"), stream).await.unwrap();
        Self { ws, note }
    }
}

impl Stream for ClientSocket {
    type Item = Result<Frame, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let frame = match ready!(self.ws.poll_next_unpin(cx)) {
            Some(Ok(Message::Text(text))) => {
                (self.note)(text.as_bytes());
                Frame::Text(text.into())
            }
            Some(Ok(Message::Binary(bytes))) => Frame::Binary(bytes),
            // Answered already.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Frame::Pong,
            Some(Ok(Message::Close(close))) => {
                Frame::Close(close.map_or(Close::Normal, |close| Close::from_code(close.code.into())))
            }
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            None => return Poll::Ready(None),
        };
        Poll::Ready(Some(Ok(frame)))
    }
}

impl Sink<Frame> for ClientSocket {
    type Error = TransportError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(ready!(self.ws.poll_ready_unpin(cx))?))
    }

    fn start_send(mut self: Pin<&mut Self>, frame: Frame) -> Result<(), TransportError> {
        let message = match frame {
            Frame::Text(text) => {
                (self.note)(&text);
                Message::Text(text.try_into()?)
            }
            Frame::Binary(bytes) => {
                (self.note)(&bytes);
                Message::Binary(bytes)
            }
            Frame::Close(close) => {
                Message::Close(Some(CloseFrame { code: close.code().into(), reason: close.reason().into() }))
            }
            // Answered already.
            _ => return Ok(()),
        };
        Ok(self.ws.start_send_unpin(message)?)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(ready!(self.ws.poll_flush_unpin(cx))?))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(ready!(self.ws.poll_close_unpin(cx))?))
    }
}
