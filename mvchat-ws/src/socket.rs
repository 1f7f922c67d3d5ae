//! The frames of one WebSocket (RFC 6455).

use crate::decoder::{Decoder, Event};
use crate::frame::{Kind, write_header};
use crate::wakers::Wakers;
use bytes::{Buf, Bytes};
use futures_util::{Sink, Stream};
use mvchat_core::proto::{Close, Frame};
use mvchat_core::seam::{Misuse, TransportError};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much is read at once, on the stack.
const READ: usize = 8 * 1024;
/// How much may be fed before it is written. A longer payload is not copied at all.
const WRITE_BUFFER: usize = 8 * 1024;

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
    /// Frames to write, then what is left of a long payload.
    out: Vec<u8>,
    written: usize,
    tail: Bytes,
    /// The payload of the ping that is to be answered next.
    pong: Option<Bytes>,
    /// Whether the reading task has to see to it that a pong leaves.
    answers: bool,
    wakers: Wakers,
    /// The peer's close.
    theirs: Option<Option<u16>>,
    /// Whether a close was sent.
    closed: bool,
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
            out: Vec::new(),
            written: 0,
            tail: Bytes::new(),
            pong: None,
            answers: false,
            wakers: Wakers::default(),
            theirs: None,
            closed: false,
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

    /// Writes everything that waits.
    fn poll_drain(&mut self) -> Poll<io::Result<()>> {
        let waker = self.wakers.both();
        let mut cx = Context::from_waker(&waker);
        loop {
            while self.written < self.out.len() {
                let write = Pin::new(&mut self.io).poll_write(&mut cx, &self.out[self.written..]);
                self.written += some(ready!(write)?)?;
            }
            while !self.tail.is_empty() {
                let write = Pin::new(&mut self.io).poll_write(&mut cx, &self.tail);
                self.tail.advance(some(ready!(write)?)?);
            }
            self.written = 0;
            // Memory is given back, so that idle connections hold none.
            self.out = Vec::new();
            match self.pong.take() {
                Some(payload) if !self.closed => self.encode(Kind::Pong, payload),
                _ => return Pin::new(&mut self.io).poll_flush(&mut cx),
            }
        }
    }

    /// Queues a frame; there is room, because the last tail has left.
    fn encode(&mut self, kind: Kind, payload: Bytes) {
        write_header(kind, payload.len(), &mut self.out);
        if payload.len() > WRITE_BUFFER {
            self.tail = payload;
        } else {
            self.out.extend_from_slice(&payload);
        }
    }
}

/// Takes a write of nothing for the end of the connection.
fn some(written: usize) -> io::Result<usize> {
    if written == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(written) }
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
                this.pong = Some(payload);
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
        if self.tail.is_empty() && self.out.len() < WRITE_BUFFER {
            return Poll::Ready(Ok(()));
        }
        self.wakers.writer(cx);
        self.poll_drain().map_err(Into::into)
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
        // Nothing may follow a close.
        if !self.closed {
            self.closed = kind == Kind::Close;
            self.encode(kind, payload);
        }
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.wakers.writer(cx);
        self.poll_drain().map_err(Into::into)
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
