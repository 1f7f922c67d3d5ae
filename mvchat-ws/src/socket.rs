//! The frames of one WebSocket (RFC 6455).

use crate::decoder::{Decoder, Event};
use crate::frame::Kind;
use crate::output::Output;
use crate::wakers::Wakers;
use bytes::Bytes;
use futures_util::{Sink, Stream};
use mvchat_core::proto::{Close, Frame};
use mvchat_core::seam::{Misuse, TransportError};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much is read at once, on the stack.
const READ: usize = 8 * 1024;

/// The server's end of a WebSocket, as a stream and a sink of [`Frame`]s.
///
/// * Pings are answered here, the newest for all that could not be answered yet, and handed over as signs of life.
/// * What waits for a peer that does not read is 8 KiB and one frame; an idle connection has no
///   buffers at all.
/// * Once the peer has closed, [`Frame::Close`] answers with its code; what is sent before that is still delivered.
/// * Closing the sink ends the connection so that the peer gets to see the last frames: it waits for the peer's
///   side to end, for which the caller must set a limit.
#[derive(Debug)]
pub struct Socket<S> {
    io: S,
    decoder: Decoder,
    output: Output,
    /// Whether the reading task has to see to it that a pong leaves.
    answers: bool,
    wakers: Wakers,
    /// The peer's close.
    theirs: Option<Option<u16>>,
    end: End,
}

/// How far the end has come.
///
/// A socket that is dropped with bytes it has not read resets the connection, and the peer may lose what it has not
/// read yet, the close code included. So after a close that the peer does not answer in order, what it still sends is
/// read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Waiting for the peer's close.
    Handshake,
    /// Ending our side of a connection on which both have closed, or which the peer has left.
    Shutdown,
    /// Ending our side while the peer's frames can't be understood any more.
    Cut,
    /// Reading what still comes, to nowhere, until the peer's side ends.
    Discard,
    /// Ended.
    Done,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Takes over a byte stream after its upgrade; messages of more than `max_message_size` bytes are refused.
    pub fn new(io: S, max_message_size: usize) -> Self {
        Self {
            io,
            decoder: Decoder::new(max_message_size),
            output: Output::default(),
            answers: false,
            wakers: Wakers::default(),
            theirs: None,
            end: End::Handshake,
        }
    }

    /// Reads the next event; `None` when the peer's side has ended.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event, TransportError>>> {
        loop {
            match self.decoder.next() {
                Ok(Some(event)) => return Poll::Ready(Some(Ok(event))),
                Ok(None) => {}
                Err(close) => {
                    self.end = End::Cut;
                    return Poll::Ready(Some(Err(Misuse(close).into())));
                }
            }
            let mut space = [0; READ];
            let mut buffer = ReadBuf::new(&mut space);
            let read = ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer));
            if let Err(error) = read {
                self.end = End::Done;
                return Poll::Ready(Some(Err(error.into())));
            }
            if buffer.filled().is_empty() {
                self.end = End::Shutdown;
                return Poll::Ready(None);
            }
            self.decoder.take(buffer.filled());
        }
    }

    /// Writes everything that waits; the tasks to wake are those that [`Wakers`] remembers.
    fn poll_drain(&mut self) -> Poll<Result<(), TransportError>> {
        let waker = self.wakers.both();
        self.output.poll_drain(&mut self.io, &mut Context::from_waker(&waker)).map_err(Into::into)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Socket<S> {
    type Item = Result<Frame, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.end != End::Handshake || this.theirs.is_some() {
            return Poll::Ready(None);
        }
        let event = this.poll_event(cx);
        let frame = match event {
            Poll::Ready(Some(Ok(Event::Ping(payload)))) => {
                this.output.answer(payload);
                this.answers = true;
                Poll::Ready(Some(Ok(Frame::Ping)))
            }
            Poll::Ready(Some(Ok(Event::Close(code)))) => {
                this.theirs = Some(code);
                Poll::Ready(Some(Ok(Frame::Close(code.map_or(Close::Normal, Close::from_code)))))
            }
            Poll::Ready(Some(Ok(Event::Frame(frame)))) => Poll::Ready(Some(Ok(frame))),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        };
        if this.answers {
            this.wakers.reader(cx);
            match this.poll_drain() {
                Poll::Ready(Ok(())) => this.answers = false,
                // Whoever writes or reads next meets the error again.
                Poll::Ready(Err(_)) | Poll::Pending => {}
            }
        }
        frame
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Frame> for Socket<S> {
    type Error = TransportError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        if self.output.has_room() {
            return Poll::Ready(Ok(()));
        }
        self.wakers.writer(cx);
        self.poll_drain()
    }

    fn start_send(mut self: Pin<&mut Self>, frame: Frame) -> Result<(), TransportError> {
        let (kind, payload) = match frame {
            Frame::Text(text) => (Kind::Text, text),
            Frame::Binary(bytes) => (Kind::Binary, bytes),
            Frame::Ping => (Kind::Ping, Bytes::new()),
            Frame::Pong => (Kind::Pong, Bytes::new()),
            Frame::Close(close) => (Kind::Close, answer(close, self.theirs)),
            _ => return Err("a kind of frame that WebSockets don't have".into()),
        };
        self.output.push(kind, payload);
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.wakers.writer(cx);
        self.poll_drain()
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let this = &mut *self;
        this.wakers.writer(cx);
        ready!(this.poll_drain())?;
        loop {
            this.end = match this.end {
                End::Handshake if this.theirs.is_some() => End::Shutdown,
                End::Handshake => {
                    if let Some(Ok(Event::Close(code))) = ready!(this.poll_event(cx)) {
                        this.theirs = Some(code);
                    }
                    // Set by the end of the stream and by errors; other events change nothing.
                    this.end
                }
                End::Shutdown => {
                    // Whether or not that works, the connection ends.
                    drop(ready!(Pin::new(&mut this.io).poll_shutdown(cx)));
                    End::Done
                }
                End::Cut => match ready!(Pin::new(&mut this.io).poll_shutdown(cx)) {
                    Ok(()) => End::Discard,
                    Err(_) => End::Done,
                },
                End::Discard => {
                    let mut space = [0; READ];
                    let mut buffer = ReadBuf::new(&mut space);
                    match ready!(Pin::new(&mut this.io).poll_read(cx, &mut buffer)) {
                        Ok(()) if !buffer.filled().is_empty() => End::Discard,
                        _ => End::Done,
                    }
                }
                End::Done => return Poll::Ready(Ok(())),
            };
        }
    }
}

/// Makes the payload of a close: the code of the peer's, if that came first.
fn answer(close: Close, theirs: Option<Option<u16>>) -> Bytes {
    match theirs {
        Some(None) => Bytes::new(),
        Some(Some(code)) => Bytes::copy_from_slice(&code.to_be_bytes()),
        None => [&close.code().to_be_bytes()[..], close.reason().as_bytes()].concat().into(),
    }
}
