//! What waits to be written.

use crate::frame::{Kind, write_header};
use bytes::{Buf, Bytes};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::AsyncWrite;

/// How much may be fed before it is written. A longer payload is not copied at all.
const BUFFER: usize = 8 * 1024;

/// Frames on their way out: less than 8 KiB of them and one more. Nothing is held once all have left.
#[derive(Debug, Default)]
pub(crate) struct Output {
    out: Vec<u8>,
    written: usize,
    /// What is left of a long payload, which comes after `out`.
    tail: Bytes,
    /// The payload of the ping that is to be answered next; a newer ping takes the place of an older one
    /// (RFC 6455 §5.5.3).
    pong: Option<Bytes>,
    /// Whether a close was put in: nothing may follow.
    closed: bool,
}

impl Output {
    /// Returns whether a frame can be put in.
    pub(crate) fn has_room(&self) -> bool {
        self.tail.is_empty() && self.out.len() < BUFFER
    }

    /// Puts a frame in, while there is room. After a close it goes nowhere.
    pub(crate) fn push(&mut self, kind: Kind, payload: Bytes) {
        if self.closed {
            return;
        }
        self.closed = kind == Kind::Close;
        write_header(kind, payload.len(), &mut self.out);
        if payload.len() > BUFFER {
            self.tail = payload;
        } else {
            self.out.extend_from_slice(&payload);
        }
    }

    /// Answers a ping when the frames before it have left.
    pub(crate) fn answer(&mut self, ping: Bytes) {
        self.pong = Some(ping);
    }

    /// Writes everything and flushes.
    pub(crate) fn poll_drain<S>(&mut self, io: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        S: AsyncWrite + Unpin,
    {
        loop {
            while self.written < self.out.len() {
                let write = Pin::new(&mut *io).poll_write(cx, &self.out[self.written..]);
                self.written += some(ready!(write)?)?;
            }
            while !self.tail.is_empty() {
                let write = Pin::new(&mut *io).poll_write(cx, &self.tail);
                self.tail.advance(some(ready!(write)?)?);
            }
            self.written = 0;
            // Memory is given back, so that idle connections hold none.
            self.out = Vec::new();
            self.tail = Bytes::new();
            match self.pong.take() {
                Some(payload) => self.push(Kind::Pong, payload),
                None => return Pin::new(io).poll_flush(cx),
            }
        }
    }
}

/// Takes a write of nothing for the end of the connection.
fn some(written: usize) -> io::Result<usize> {
    if written == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(written) }
}
