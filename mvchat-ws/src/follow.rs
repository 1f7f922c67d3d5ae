//! Where among the frames of a WebSocket a stream of bytes has come to (RFC 6455 §5.2).

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The first byte of a frame: the last of its message.
const FIN: u8 = 0x80;
/// The first byte of a frame: not part of a message.
const CONTROL: u8 = 0x08;
/// The second byte of a frame.
const MASKED: u8 = 0x80;
const MASK_LENGTH: u64 = 4;

/// A byte stream whose incoming frames are followed: tungstenite does not say whether it waits for the rest of one.
#[derive(Debug)]
pub(crate) struct Followed<S> {
    stream: S,
    place: Place,
}

impl<S> Followed<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, place: Place::default() }
    }

    /// Returns the number of the message that has begun and has not come to its end, counting from 1; a control frame
    /// by itself counts as one.
    pub(crate) fn unfinished(&self) -> Option<u64> {
        self.place.unfinished()
    }
}

/// A place among frames. What is no good frame is followed somehow; its reader refuses it.
#[derive(Debug, Default)]
struct Place {
    part: Part,
    /// More frames of the message are to come.
    open: bool,
    begun: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    First,
    Second,
    /// The bytes of a long length that are to come, its value so far, and the length of the mask.
    Length {
        left: u8,
        value: u64,
        mask: u64,
    },
    /// The bytes of mask and payload that are to come, at least one.
    Body {
        left: u64,
    },
}

impl Place {
    fn unfinished(&self) -> Option<u64> {
        (self.open || self.part != Part::First).then_some(self.begun)
    }

    fn pass(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            bytes = rest;
            self.part = match self.part {
                Part::First => {
                    self.begun += u64::from(!self.open);
                    if byte & CONTROL == 0 {
                        self.open = byte & FIN == 0;
                    }
                    Part::Second
                }
                Part::Second => {
                    let mask = if byte & MASKED == 0 { 0 } else { MASK_LENGTH };
                    match byte & !MASKED {
                        126 => Part::Length { left: 2, value: 0, mask },
                        127 => Part::Length { left: 8, value: 0, mask },
                        length => Part::body(u64::from(length) + mask),
                    }
                }
                Part::Length { left, value, mask } => {
                    let value = value << 8 | u64::from(byte);
                    match left {
                        1 => Part::body(value.saturating_add(mask)),
                        _ => Part::Length { left: left - 1, value, mask },
                    }
                }
                Part::Body { left } => {
                    let more = usize::try_from(left - 1).map_or(bytes.len(), |more| more.min(bytes.len()));
                    bytes = &bytes[more..];
                    Part::body(left - 1 - more as u64)
                }
            };
        }
    }
}

impl Part {
    fn body(left: u64) -> Self {
        if left == 0 { Self::First } else { Self::Body { left } }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Followed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        self.place.pass(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Followed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

    fn written(mut frame: Frame, masked: bool) -> Vec<u8> {
        frame.header_mut().mask = masked.then_some([1, 2, 3, 4]);
        let mut bytes = Vec::new();
        frame.header().format(frame.payload().len() as u64, &mut bytes).unwrap();
        bytes.extend(frame.payload());
        bytes
    }

    fn part(kind: Data, length: usize, last: bool) -> Frame {
        Frame::message(vec![0x81; length], OpCode::Data(kind), last)
    }

    #[test]
    fn only_the_end_of_a_message_is_no_place_within_one() {
        for masked in [false, true] {
            for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
                let message = written(part(Data::Text, length, true), masked);
                for cut in [1, 2, 3, 4, 9, message.len() - 1].into_iter().filter(|cut| *cut < message.len()) {
                    let mut place = Place::default();
                    for number in 1..4 {
                        place.pass(&message[..cut]);
                        assert_eq!(place.unfinished(), Some(number), "{length} {cut} {masked}");
                        place.pass(&message[cut..]);
                        assert_eq!(place.unfinished(), None, "{length} {cut} {masked}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_message_lasts_over_its_fragments_and_pings_between_them() {
        let (begin, middle) = (part(Data::Binary, 9, false), part(Data::Continue, 0, false));
        let ping = Frame::ping(vec![7; 3]);
        let mut place = Place::default();
        for frame in [ping.clone(), begin, ping.clone(), middle, ping] {
            for byte in written(frame, true) {
                place.pass(&[byte]);
            }
        }
        assert_eq!(place.unfinished(), Some(2), "the ping before it was whole");
        let end = written(part(Data::Continue, 300, true), true);
        let next = written(part(Data::Text, 1, true), true);
        place.pass(&[&end[..], &next, &next[..3]].concat());
        assert_eq!(place.unfinished(), Some(4));
    }

    #[test]
    fn the_longest_length_is_no_overflow() {
        let mut place = Place::default();
        place.pass(&[0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6]);
        assert_eq!(place.unfinished(), Some(1));
    }
}
