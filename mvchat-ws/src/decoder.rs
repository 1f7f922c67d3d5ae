//! From bytes to messages.

use crate::frame::{Header, Kind, unmask};
use bytes::{Bytes, BytesMut};
use mvchat_core::proto::{Close, Frame};

/// Puts together what a client sends.
///
/// It holds what has arrived of one frame and of one message, and nothing between messages: a connection that is
/// idle costs no buffer, also after a large message.
#[derive(Debug)]
pub(crate) struct Decoder {
    max_message_size: usize,
    buffer: BytesMut,
    header: Option<Header>,
    /// What has arrived of a message in fragments, and whether it is text.
    message: Option<(Kind, BytesMut)>,
}

/// What has arrived.
#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    Frame(Frame),
    /// A ping, to be answered with the same payload.
    Ping(Bytes),
    /// A close, to be answered with the same code.
    Close(Option<u16>),
}

impl Decoder {
    pub(crate) fn new(max_message_size: usize) -> Self {
        Self { max_message_size, buffer: BytesMut::new(), header: None, message: None }
    }

    /// Takes what was read; drain [`next`](Decoder::next) afterwards.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns what has arrived in full; `None` until more is read.
    ///
    /// # Errors
    /// With the close that the peer has earned. Nothing that follows can be understood.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, Close> {
        while let Some((header, payload)) = self.frame()? {
            if let Some(event) = self.event(header, payload)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// Cuts the next frame off the buffer.
    fn frame(&mut self) -> Result<Option<(Header, BytesMut)>, Close> {
        let header = match self.header {
            Some(header) => header,
            None => {
                let Some(header) = Header::parse(&self.buffer)? else {
                    self.release();
                    return Ok(None);
                };
                self.check(&header)?;
                drop(self.buffer.split_to(header.size));
                *self.header.insert(header)
            }
        };
        // It was checked against the limit, which is a size.
        let length = header.length as usize;
        if self.buffer.len() < length {
            return Ok(None);
        }
        self.header = None;
        let mut payload = self.buffer.split_to(length);
        unmask(&mut payload, header.mask);
        Ok(Some((header, payload)))
    }

    /// Refuses a frame before its payload is waited for.
    fn check(&self, header: &Header) -> Result<(), Close> {
        let begun = match (header.kind, &self.message) {
            (Kind::Continuation, Some((_, message))) => message.len(),
            (Kind::Text | Kind::Binary, None) => 0,
            (Kind::Close | Kind::Ping | Kind::Pong, _) => return Ok(()),
            // The middle of nothing, or a second beginning.
            _ => return Err(Close::Protocol),
        };
        match usize::try_from(header.length) {
            Ok(length) if length <= self.max_message_size - begun => Ok(()),
            _ => Err(Close::TooBig),
        }
    }

    fn event(&mut self, header: Header, payload: BytesMut) -> Result<Option<Event>, Close> {
        let (kind, message) = match header.kind {
            Kind::Ping => return Ok(Some(Event::Ping(payload.freeze()))),
            Kind::Pong => return Ok(Some(Event::Frame(Frame::Pong))),
            Kind::Close => return read_close(&payload).map(|code| Some(Event::Close(code))),
            Kind::Continuation => {
                let Some((kind, mut message)) = self.message.take() else { return Err(Close::Protocol) };
                message.extend_from_slice(&payload);
                (kind, message)
            }
            kind => (kind, payload),
        };
        if !header.last {
            self.message = Some((kind, message));
            return Ok(None);
        }
        let message = message.freeze();
        match kind {
            Kind::Text if std::str::from_utf8(&message).is_err() => Err(Close::BadText),
            Kind::Text => Ok(Some(Event::Frame(Frame::Text(message)))),
            _ => Ok(Some(Event::Frame(Frame::Binary(message)))),
        }
    }

    /// Gives memory back once everything that was read has been handed out.
    fn release(&mut self) {
        if self.buffer.is_empty() && self.buffer.capacity() > 0 {
            self.buffer = BytesMut::new();
        }
    }
}

/// Reads a close's payload (RFC 6455 §5.5.1, §7.4).
fn read_close(payload: &[u8]) -> Result<Option<u16>, Close> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(None) } else { Err(Close::Protocol) };
    };
    let code = u16::from_be_bytes(*code);
    if !Close::is_sendable(code) {
        return Err(Close::Protocol);
    }
    match std::str::from_utf8(reason) {
        Ok(_) => Ok(Some(code)),
        Err(_) => Err(Close::BadText),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::write_header;
    use proptest::prelude::*;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        write_header(Kind::Text, payload.len(), &mut frame);
        frame[0] = first;
        frame[1] |= 0x80;
        let mask = [9, 8, 7, payload.len() as u8];
        frame.extend(mask);
        let mut payload = payload.to_vec();
        unmask(&mut payload, mask);
        frame.extend(payload);
        frame
    }

    /// Decodes to the end or to an error; returns the decoder to look into.
    fn decode_all(bytes: &[u8], step: usize) -> (Vec<Event>, Option<Close>, Decoder) {
        let mut decoder = Decoder::new(1_000);
        let mut events = Vec::new();
        for part in bytes.chunks(step) {
            decoder.take(part);
            loop {
                match decoder.next() {
                    Ok(Some(event)) => events.push(event),
                    Ok(None) => break,
                    Err(close) => return (events, Some(close), decoder),
                }
            }
        }
        (events, None, decoder)
    }

    fn decode(bytes: &[u8], step: usize) -> Result<Vec<Event>, Close> {
        let (events, error, decoder) = decode_all(bytes, step);
        match error {
            Some(close) => Err(close),
            None => {
                assert_eq!((decoder.buffer.capacity(), &decoder.header), (0, &None), "nothing is kept");
                Ok(events)
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_arrives_means_the_same_however_it_is_cut(
            frames in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..300)), 0..6),
            noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
            step in 1_usize..400,
        ) {
            // Mostly frames that are allowed, then a few bytes changed.
            let kinds = [0x81, 0x82, 0x01, 0x00, 0x80, 0x89, 0x8a, 0x88];
            let frames = frames.iter().map(|(kind, payload)| frame(kinds[usize::from(kind % 8)], payload));
            let mut bytes = frames.collect::<Vec<_>>().concat();
            for (at, byte) in noise {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] = byte;
                }
            }
            let (whole, whole_error, _) = decode_all(&bytes, bytes.len().max(1));
            let (cut, cut_error, decoder) = decode_all(&bytes, step);
            prop_assert_eq!((whole, whole_error), (cut, cut_error));
            prop_assert!(decoder.buffer.len() <= 1_000 + step + 14);
        }
    }

    #[test]
    fn messages_are_the_same_however_they_are_cut() {
        let long = vec![b'x'; 1_000];
        let bytes = [
            frame(0x81, "é".as_bytes()),
            frame(0x01, b"\xc3"),
            frame(0x89, b"ping"),
            frame(0x80, b"\xa9"),
            frame(0x82, &long),
            frame(0x8a, b""),
            frame(0x81, b""),
            frame(0x88, b"\x03\xe8done"),
        ]
        .concat();
        let text = |text: &'static str| Event::Frame(Frame::Text(text.into()));
        let expected = [
            text("é"),
            Event::Ping("ping".into()),
            text("é"),
            Event::Frame(Frame::Binary(long.into())),
            Event::Frame(Frame::Pong),
            text(""),
            Event::Close(Some(1000)),
        ];
        for step in [1, 2, 3, 7, 100, bytes.len()] {
            assert_eq!(decode(&bytes, step).unwrap(), expected, "in steps of {step}");
        }
    }

    #[test]
    fn limits_hold_for_messages_not_frames() {
        let part = [b'x'; 500];
        let fits = [frame(0x01, &part), frame(0x80, &part)].concat();
        assert_eq!(decode(&fits, 64).map(|events| events.len()), Ok(1));
        let more = [frame(0x01, &part), frame(0x00, &part), frame(0x80, b"x")].concat();
        assert_eq!(decode(&more, 64), Err(Close::TooBig));
        // The header is enough.
        assert_eq!(decode(&frame(0x81, &[b'x'; 1_001])[..8], 8), Err(Close::TooBig));
        assert_eq!(
            decode(&[0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0], 14),
            Err(Close::TooBig)
        );
    }

    #[test]
    fn closes_are_checked() {
        for payload in [&b"\x03"[..], b"\x03\xe7", b"\x03\xed", b"\x07\xd0", b"\x13\x88"] {
            assert_eq!(decode(&frame(0x88, payload), 1), Err(Close::Protocol), "{payload:?}");
        }
        assert_eq!(decode(&frame(0x88, b"\x03\xe8\xff"), 1), Err(Close::BadText));
        assert_eq!(decode(&frame(0x88, b""), 1), Ok(vec![Event::Close(None)]));
    }
}
