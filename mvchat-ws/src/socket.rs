//! The frames of one WebSocket (RFC 6455).

use crate::closing::Closing;
use crate::follow::Followed;
use crate::patience::Patience;
use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use mvchat_core::proto::{Close, Frame};
use mvchat_core::seam::{Misuse, TransportError};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{self, CloseFrame, Utf8Bytes};
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};

/// What an idle connection holds to read into; larger messages get room of their own.
const READ_BUFFER: usize = 1024;
/// From here on what is fed is written without waiting for the flush.
const WRITE_BUFFER: usize = 8 * 1024;
/// The most that leaves in one WebSocket frame. A longer message leaves in several, so that the write buffer stays
/// small, whatever the engine sends.
const FRAGMENT: usize = 16 * 1024;
/// The most that waits for a peer that does not read; beyond what is fed these are answers to its pings.
const MAX_WRITE_BUFFER: usize = 256 * 1024;

/// The server's end of a WebSocket, as a stream and a sink of [`Frame`]s.
///
/// Pings are answered here, and handed over as signs of life. Once the peer has closed, what is still sent goes
/// nowhere. Closing the sink ends the connection so that the peer gets to see the last frames: it waits for the
/// peer's side to end, for which the caller must set a limit.
#[derive(Debug)]
pub struct Socket<S> {
    ws: WebSocketStream<Followed<S>>,
    patience: Patience,
    /// What is left of a message that leaves in several frames.
    rest: Bytes,
    /// Pongs may fill the write buffer, so that there is no room for a frame before they have left.
    pongs_wait: bool,
    closing: Closing,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Takes over a byte stream after its upgrade; messages of more than `max_message_size` bytes are refused, and those
    /// that take more than 20 seconds.
    pub async fn new(stream: S, max_message_size: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(WRITE_BUFFER)
            .max_write_buffer_size(MAX_WRITE_BUFFER)
            .max_message_size(Some(max_message_size))
            .max_frame_size(Some(max_message_size));
        let ws = WebSocketStream::from_raw_socket(Followed::new(stream), Role::Server, Some(config)).await;
        let patience = Patience::new(Patience::DEFAULT);
        Self { ws, patience, rest: Bytes::new(), pongs_wait: false, closing: Closing::default() }
    }

    /// Gives a message so long from its first byte to its last, whatever comes in between. Time in which this is not
    /// polled for frames does not count.
    #[must_use]
    pub fn message_timeout(mut self, limit: Duration) -> Self {
        self.patience = Patience::new(limit);
        self
    }

    /// Feeds what is left of the last message.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        while !self.rest.is_empty() {
            ready!(self.poll_room(cx))?;
            self.fragment(Data::Continue)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Waits until a frame fits into the write buffer.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        if self.pongs_wait {
            unless_closed(ready!(self.ws.poll_flush_unpin(cx)))?;
            self.pongs_wait = false;
        }
        self.ws.poll_ready_unpin(cx).map(unless_closed)
    }

    /// Feeds the next frame of the message in `rest`.
    fn fragment(&mut self, kind: Data) -> Result<(), TransportError> {
        let part = self.rest.split_to(self.rest.len().min(FRAGMENT));
        let last = self.rest.is_empty();
        let frame = frame::Frame::message(part, OpCode::Data(kind), last);
        let fed = unless_closed(self.ws.start_send_unpin(Message::Frame(frame)));
        if fed.is_err() {
            self.rest.clear();
        }
        fed
    }

    fn pass(&mut self, message: Message) -> Result<(), TransportError> {
        unless_closed(self.ws.start_send_unpin(message))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Socket<S> {
    type Item = Result<Frame, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Poll::Ready(next) = self.ws.poll_next_unpin(cx) else {
            let unfinished = self.ws.get_ref().unfinished();
            ready!(self.patience.poll(unfinished, cx));
            self.closing = Closing::Cut;
            return Poll::Ready(Some(Err(Misuse(Close::Protocol).into())));
        };
        let frame = match next {
            Some(Ok(message)) => match message {
                Message::Text(text) => Frame::Text(text.into()),
                Message::Binary(bytes) => Frame::Binary(bytes),
                Message::Ping(_) => {
                    self.pongs_wait = true;
                    Frame::Ping
                }
                // A raw frame is never read; there would be nothing to do about it either.
                Message::Pong(_) | Message::Frame(_) => Frame::Pong,
                Message::Close(close) => {
                    Frame::Close(close.map_or(Close::Normal, |close| Close::from_code(close.code.into())))
                }
            },
            Some(Err(error)) => {
                self.closing = Closing::Cut;
                return Poll::Ready(Some(Err(blame(error))));
            }
            None => return Poll::Ready(None),
        };
        Poll::Ready(Some(Ok(frame)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Frame> for Socket<S> {
    type Error = TransportError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        ready!(self.poll_rest(cx))?;
        self.poll_room(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, frame: Frame) -> Result<(), TransportError> {
        match frame {
            Frame::Text(text) => {
                self.rest = text;
                self.fragment(Data::Text)
            }
            Frame::Binary(bytes) => {
                self.rest = bytes;
                self.fragment(Data::Binary)
            }
            Frame::Ping => self.pass(Message::Ping(Bytes::new())),
            Frame::Pong => self.pass(Message::Pong(Bytes::new())),
            Frame::Close(close) => {
                let reason = Utf8Bytes::from_static(close.reason());
                self.pass(Message::Close(Some(CloseFrame { code: close.code().into(), reason })))
            }
            _ => Err("a kind of frame that WebSockets don't have".into()),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        ready!(self.poll_rest(cx))?;
        self.ws.poll_flush_unpin(cx).map(unless_closed)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        ready!(self.as_mut().poll_flush(cx))?;
        let this = &mut *self;
        this.closing.poll(&mut this.ws, cx).map(Ok)
    }
}

/// Takes a send after the peer's close for done: nobody reads it, and the close is answered by tungstenite.
fn unless_closed(sent: Result<(), Error>) -> Result<(), TransportError> {
    match sent {
        Err(
            Error::ConnectionClosed | Error::AlreadyClosed | Error::Protocol(ProtocolError::SendAfterClosing),
        ) => Ok(()),
        other => Ok(other?),
    }
}

/// Tells what the peer did wrong from a connection that broke.
fn blame(error: Error) -> TransportError {
    match error {
        Error::Capacity(_) => Misuse(Close::TooBig).into(),
        Error::Utf8(_) => Misuse(Close::BadText).into(),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => error.into(),
        Error::Protocol(_) => Misuse(Close::Protocol).into(),
        other => other.into(),
    }
}
