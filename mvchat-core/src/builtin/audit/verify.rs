use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use super::chain::{self, Header, Link};
use super::segment;
use crate::builtin::keys::Keys;
use crate::seam::audit::AuditEvent;

/// What was found to be whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The number of the first event that is there; more than 1 if older segments were moved away.
    pub first: u64,
    /// The number of the last event; one less than `first` if there is none.
    pub last: u64,
    /// Up to which event the signed head vouches that nothing is missing.
    pub head: u64,
    /// The chain's last link in hex, to compare with what another machine has been told.
    pub chain: String,
    /// Whether there is half a line at the end, as a crash leaves it.
    pub torn: bool,
}

/// Why a log is not whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// A line was changed, put in, taken out or moved, or the ring is another one.
    #[error("{path}, line {line}: {what}", path = path.display())]
    Line {
        /// The segment.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The end is missing.
    #[error("the log ends with event {last}, but its signed head has seen event {head}")]
    Cut {
        /// The number of the last event that is there.
        last: u64,
        /// The number that the head names.
        head: u64,
    },
    /// The head is missing, was changed, or does not belong to the log.
    #[error("the signed head {0}")]
    Head(&'static str),
    /// A file cannot be read.
    #[error("the log cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Checks all that is there of a log, line by line. Blocks.
///
/// # Errors
/// With the first place that is not as it was written.
pub fn verify(folder: &Path, keys: &Keys) -> Result<Verified, Broken> {
    let segments = segment::list(folder)?;
    check(folder, keys, &segments).map(|end| end.verified)
}

/// Returns the newest lines of a log, the oldest first, without checking them. Blocks.
///
/// # Errors
/// Those of the file system.
pub fn tail(folder: &Path, count: usize) -> io::Result<Vec<String>> {
    let mut lines = VecDeque::new();
    for (_, path) in segment::list(folder)?.iter().rev() {
        let mut newest = VecDeque::new();
        // The first line of a segment is no event.
        for line in BufReader::new(File::open(path)?).lines().skip(1) {
            newest.push_back(line?);
            if newest.len() + lines.len() > count {
                newest.pop_front();
            }
        }
        newest.append(&mut lines);
        lines = newest;
        if lines.len() >= count {
            break;
        }
    }
    Ok(lines.into())
}

/// Where a log goes on.
pub(super) struct End {
    pub(super) link: Link,
    pub(super) n: u64,
    /// The first event of the last segment, and how many of its bytes are whole lines.
    pub(super) segment: Option<(u64, u64)>,
    verified: Verified,
}

/// Checks the last two segments and the head, to go on from there. Two, because a crash may have left the last one empty.
pub(super) fn end(folder: &Path, keys: &Keys) -> Result<End, Broken> {
    let segments = segment::list(folder)?;
    let last = segments.len().saturating_sub(2);
    check(folder, keys, &segments[last..])
}

fn check(folder: &Path, keys: &Keys, segments: &[(u64, PathBuf)]) -> Result<End, Broken> {
    let head = segment::head(folder).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => Broken::Head("cannot be read"),
        _ => error.into(),
    })?;
    if head.as_ref().is_some_and(|head| !head.is_genuine(keys)) {
        return Err(Broken::Head("was changed, or the ring is another one"));
    }
    let (mut prev, mut n, mut end) = (None, 0, None);
    let (mut at_head, mut torn) = (None, false);
    let seen = head.as_ref().map_or(0, |head| head.n);
    for (at, (first, path)) in segments.iter().enumerate() {
        let found = walk(path, keys, *first, prev, seen)?;
        torn = found.torn;
        if torn && at + 1 < segments.len() {
            return Err(broken(path, found.lines + 1, "is cut"));
        }
        at_head = found.at_head.or(at_head);
        (prev, n) = (Some(found.link), found.n);
        end = Some((*first, found.whole));
    }
    let first = segments.first().map_or(1, |(first, _)| *first);
    match &head {
        Some(head) if head.n > n => return Err(Broken::Cut { last: n, head: head.n }),
        // A head of before the segments that are there is covered by those that were moved away.
        Some(head) if head.n >= first && at_head.is_none_or(|link| chain::hex(&link) != head.chain) => {
            return Err(Broken::Head("belongs to another log"));
        }
        None if n > 0 => return Err(Broken::Head("is missing")),
        _ => {}
    }
    let link = prev.unwrap_or([0; 32]);
    let verified = Verified { first, last: n, head: seen, chain: chain::hex(&link), torn };
    Ok(End { link, n, segment: end, verified })
}

struct Walked {
    link: Link,
    n: u64,
    lines: u64,
    /// How many bytes are whole lines.
    whole: u64,
    torn: bool,
    at_head: Option<Link>,
}

fn walk(path: &Path, keys: &Keys, first: u64, prev: Option<Link>, seen: u64) -> Result<Walked, Broken> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut walked = Walked {
        link: prev.unwrap_or_default(),
        n: first.saturating_sub(1),
        lines: 0,
        whole: 0,
        torn: false,
        at_head: None,
    };
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let length = reader.read_until(b'\n', &mut bytes)?;
        let Some(line) = bytes.strip_suffix(b"\n") else {
            walked.torn = length > 0;
            return Ok(walked);
        };
        let broken = |what| broken(path, walked.lines + 1, what);
        let text = std::str::from_utf8(line).map_err(|_| broken("is no text"))?;
        let (body, mac) = chain::split(text).ok_or_else(|| broken("has no mac"))?;
        if walked.lines == 0 {
            let header: Header =
                serde_json::from_str(&format!("{body}}}")).map_err(|_| broken("is no header"))?;
            let named = chain::unhex(&header.prev).ok_or_else(|| broken("is no header"))?;
            if header.segment != 1 || header.first != first || prev.is_some_and(|prev| prev != named) {
                return Err(broken("does not follow the segment before"));
            }
            walked.link = named;
        }
        if chain::link(keys, &walked.link, body) != mac {
            return Err(broken("was changed, moved, or hangs on a line that is missing"));
        }
        if walked.lines > 0 {
            let number = number(body).ok_or_else(|| broken("is no event"))?;
            if number != walked.n + 1 {
                return Err(broken("has the wrong number"));
            }
            walked.n = number;
            if number == seen {
                walked.at_head = Some(mac);
            }
        }
        walked.link = mac;
        walked.lines += 1;
        walked.whole += length as u64;
    }
}

/// Reads the number of a line, if the rest is an event.
fn number(body: &str) -> Option<u64> {
    let rest = body.strip_prefix("{\"n\":")?;
    let (number, event) = rest.split_once(',')?;
    serde_json::from_str::<AuditEvent>(&format!("{{{event}}}")).ok()?;
    number.parse().ok()
}

fn broken(path: &Path, line: u64, what: &'static str) -> Broken {
    Broken::Line { path: path.to_owned(), line, what }
}
