use std::io;

use serde::{Deserialize, Serialize};

use crate::builtin::keys::Keys;
use crate::seam::audit::AuditEvent;
use crate::time::Timestamp;

/// A link of the chain: what the next line hangs on.
pub(in crate::builtin) type Link = [u8; 32];

const CHAIN: &str = "audit chain";
const HEAD: &str = "audit head";
/// `,"mac":"` … `"}`
pub(in crate::builtin) const OPEN: &str = ",\"mac\":\"";
pub(in crate::builtin) const CLOSE: &str = "\"}";
const HEX: usize = 64;

/// An event with its number.
#[derive(Serialize)]
struct Numbered<'a> {
    n: u64,
    #[serde(flatten)]
    event: &'a AuditEvent,
}

/// The first line of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// The version of the format, 1.
    pub(super) segment: u8,
    /// The number of the first event that follows.
    pub(super) first: u64,
    /// The link that the segment hangs on.
    pub(super) prev: String,
}

/// What the log ended with, signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) n: u64,
    pub(super) chain: String,
    pub(super) at: Timestamp,
    mac: String,
}

impl Head {
    pub(super) fn new(keys: &Keys, n: u64, chain: &Link, at: Timestamp) -> Head {
        let (chain, mac) = (hex(chain), hex(&Head::mac(keys, n, chain, at)));
        Head { n, chain, at, mac }
    }

    pub(super) fn is_genuine(&self, keys: &Keys) -> bool {
        let Some(chain) = unhex(&self.chain) else { return false };
        self.mac == hex(&Head::mac(keys, self.n, &chain, self.at))
    }

    fn mac(keys: &Keys, n: u64, chain: &Link, at: Timestamp) -> Link {
        keys.mac(HEAD, &[&n.to_be_bytes(), chain, &at.as_micros().to_be_bytes()])
    }
}

/// Appends the line of an event to `out` and returns the link that the next one hangs on.
pub(super) fn append_event(
    keys: &Keys,
    prev: &Link,
    n: u64,
    event: &AuditEvent,
    out: &mut Vec<u8>,
) -> io::Result<Link> {
    append(keys, prev, &serde_json::to_string(&Numbered { n, event })?, out)
}

/// Appends the first line of a segment.
pub(super) fn append_header(keys: &Keys, prev: &Link, first: u64, out: &mut Vec<u8>) -> io::Result<Link> {
    let header = Header { segment: 1, first, prev: hex(prev) };
    append(keys, prev, &serde_json::to_string(&header)?, out)
}

fn append(keys: &Keys, prev: &Link, object: &str, out: &mut Vec<u8>) -> io::Result<Link> {
    let body = object.strip_suffix('}').ok_or(io::ErrorKind::InvalidData)?;
    let link = link(keys, prev, body);
    out.extend_from_slice(body.as_bytes());
    out.extend_from_slice(OPEN.as_bytes());
    out.extend_from_slice(hex(&link).as_bytes());
    out.extend_from_slice(CLOSE.as_bytes());
    out.push(b'\n');
    Ok(link)
}

/// Splits a line, without its end, into what is authenticated and its link; says nothing about whether they fit.
pub(in crate::builtin) fn split(line: &str) -> Option<(&str, Link)> {
    let rest = line.strip_suffix(CLOSE)?;
    let at = rest.len().checked_sub(HEX + OPEN.len())?;
    let (body, mac) = (rest.get(..at)?, rest.get(at..)?);
    Some((body, unhex(mac.strip_prefix(OPEN)?)?))
}

pub(super) fn link(keys: &Keys, prev: &Link, body: &str) -> Link {
    keys.mac(CHAIN, &[prev, body.as_bytes()])
}

pub(in crate::builtin) fn hex(link: &Link) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    link.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// Reads the one spelling that [`hex`] writes.
pub(super) fn unhex(text: &str) -> Option<Link> {
    let mut link = [0; 32];
    if text.len() != HEX {
        return None;
    }
    for (byte, pair) in link.iter_mut().zip(text.as_bytes().chunks(2)) {
        let nibble = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(link)
}
