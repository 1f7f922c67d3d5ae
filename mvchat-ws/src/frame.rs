//! Frames on the wire (RFC 6455 §5.2), as a server reads and writes them.

use mvchat_core::proto::Close;

/// The most that a control frame carries.
const MAX_CONTROL: usize = 125;
/// The longest header: two bytes, eight of length, four of mask.
#[cfg(test)]
const MAX_HEADER: usize = 14;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Kind {
    fn of(opcode: u8) -> Option<Self> {
        Some(match opcode {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }

    fn opcode(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }

    pub(crate) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// The header of a frame from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    /// Whether the message ends with this frame.
    pub(crate) last: bool,
    /// The length of the payload.
    pub(crate) length: u64,
    pub(crate) mask: [u8; 4],
    /// The length of the header itself.
    pub(crate) size: usize,
}

impl Header {
    /// Reads a header; `None` if it is not there in full.
    ///
    /// # Errors
    /// `Close::Protocol` for what no client may send, as soon as that shows.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, Close> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        let last = first & 0x80 != 0;
        let kind = Kind::of(first & 0x0f).ok_or(Close::Protocol)?;
        // No extension was agreed on that could give the reserved bits a meaning.
        if first & 0x70 != 0 || (kind.is_control() && !last) {
            return Err(Close::Protocol);
        }
        let Some(&second) = bytes.get(1) else { return Ok(None) };
        let short = second & 0x7f;
        if second & 0x80 == 0 || (kind.is_control() && usize::from(short) > MAX_CONTROL) {
            return Err(Close::Protocol);
        }
        let rest = &bytes[2..];
        let (length, rest) = match short {
            126 => match rest.split_first_chunk() {
                Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
                None => return Ok(None),
            },
            127 => match rest.split_first_chunk() {
                Some((length, rest)) => (u64::from_be_bytes(*length), rest),
                None => return Ok(None),
            },
            short => (u64::from(short), rest),
        };
        let Some((&mask, rest)) = rest.split_first_chunk() else { return Ok(None) };
        Ok(Some(Self { kind, last, length, mask, size: bytes.len() - rest.len() }))
    }
}

/// Writes the header of a whole message, or of a control frame, from the server.
pub(crate) fn write_header(kind: Kind, length: usize, out: &mut Vec<u8>) {
    out.push(0x80 | kind.opcode());
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..126), _) => out.push(short),
        (_, Ok(length)) => {
            out.push(126);
            out.extend(length.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend((length as u64).to_be_bytes());
        }
    }
}

/// Takes the mask off a payload, or puts it on.
pub(crate) fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let wide = u64::from_ne_bytes([mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3]]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_and_read_in_three_forms() {
        for (length, size) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10), (1 << 40, 10)] {
            let mut bytes = Vec::new();
            write_header(Kind::Text, length, &mut bytes);
            assert_eq!(bytes.len(), size);
            bytes[1] |= 0x80;
            bytes.extend([1, 2, 3, 4]);
            assert!(bytes.len() <= MAX_HEADER);
            for cut in 0..bytes.len() {
                assert_eq!(Header::parse(&bytes[..cut]), Ok(None));
            }
            bytes.extend(b"payload");
            let header = Header::parse(&bytes).unwrap().unwrap();
            assert_eq!((header.length, header.size), (length as u64, size + 4));
            assert_eq!((header.kind, header.last, header.mask), (Kind::Text, true, [1, 2, 3, 4]));
        }
    }

    #[test]
    fn what_no_client_may_send_shows_at_once() {
        for bytes in
            [&[0xc1][..], &[0xa1], &[0x91], &[0x83], &[0x8f], &[0x09], &[0x08], &[0x81, 0x00], &[0x89, 0xfe]]
        {
            assert_eq!(Header::parse(bytes), Err(Close::Protocol), "{bytes:x?}");
        }
    }

    #[test]
    fn masks_go_on_and_off() {
        for length in 0..40 {
            let plain: Vec<u8> = (0..length).collect();
            let mut masked = plain.clone();
            unmask(&mut masked, [0x37, 0xfa, 0x21, 0x3d]);
            let each = plain.iter().zip([0x37, 0xfa, 0x21, 0x3d].iter().cycle()).map(|(a, b)| a ^ b);
            assert!(masked.iter().copied().eq(each));
            unmask(&mut masked, [0x37, 0xfa, 0x21, 0x3d]);
            assert_eq!(masked, plain);
        }
    }
}
