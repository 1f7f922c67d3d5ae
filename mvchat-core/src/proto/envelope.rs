//! Finds the one request in a text.

use super::Request;
use crate::error::{Error, ErrorKind};
use crate::wire::{self, Reader};

/// The deepest nesting of arrays and objects that a frame may have.
const MAX_DEPTH: usize = 32;
/// The longest request id, in bytes.
const MAX_ID: usize = 64;

/// A request with the id by which its answer is found again.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// At most 64 bytes; without it the answer has none.
    pub id: Option<String>,
    /// What is asked for.
    pub request: Request,
}

/// A text that is no request.
#[derive(Clone, Debug)]
pub struct BadEnvelope {
    /// The id, if the text could be read that far.
    pub id: Option<String>,
    /// What is wrong.
    pub error: Error,
}

impl Envelope {
    /// Reads one frame.
    ///
    /// ```
    /// use mvchat_core::proto::{Envelope, Request};
    /// let envelope = Envelope::decode(br#"{"id":"1","typing":{"conv":"x"}}"#).unwrap();
    /// assert_eq!(envelope.id.as_deref(), Some("1"));
    /// assert!(matches!(envelope.request, Request::Typing(_)));
    /// ```
    ///
    /// # Errors
    /// `Malformed` if it is not exactly one JSON object, nests deeper than 32 levels, holds U+0000, or a
    /// field has the wrong type; `Invalid` if it names no request, or more than one.
    pub fn decode(text: &[u8]) -> Result<Self, BadEnvelope> {
        let bad = |id, error| BadEnvelope { id, error };
        let malformed = |id| bad(id, ErrorKind::Malformed.into());
        let text = std::str::from_utf8(text).map_err(|_| malformed(None))?;
        if !check_text(text) {
            return Err(malformed(None));
        }
        if text.trim_ascii() == "null" {
            return Err(bad(None, crate::error::invalid("missing message type")));
        }
        let top = Top::read(text).ok_or_else(|| malformed(None))?;
        let id = match top.id.map(wire::read::<Option<String>>) {
            None => None,
            Some(Ok(id)) if id.as_ref().is_none_or(|id| id.len() <= MAX_ID) => id.filter(|id| !id.is_empty()),
            Some(_) => return Err(malformed(None)),
        };
        if top.duplicate {
            return Err(malformed(id));
        }
        let mut requests = top.requests.into_iter();
        let (Some((key, fields)), second) = (requests.next(), requests.next()) else {
            return Err(bad(id, crate::error::invalid("missing message type")));
        };
        if second.is_some() {
            return Err(bad(id, crate::error::invalid("exactly one message type required")));
        }
        match Request::decode(key, fields) {
            Some(Ok(request)) => Ok(Self { id, request }),
            _ => Err(malformed(id)),
        }
    }

    /// Writes the frame's text.
    pub fn encode(&self) -> String {
        self.request.encode(self.id.as_deref())
    }
}

/// The top level: the last `id`, and the requests that are not `null`.
#[derive(Default)]
struct Top<'a> {
    id: Option<&'a str>,
    requests: Vec<(&'static str, &'a str)>,
    duplicate: bool,
}

impl<'a> Top<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut top = Self::default();
        let mut seen: u64 = 0;
        let mut reader = Reader::new(text);
        let object = reader.object(&mut |reader, key| {
            let Some(value) = reader.any() else { return false };
            if key == "id" {
                top.id = Some(value);
            } else if let Some(at) = Request::KEYS.iter().position(|known| *known == key) {
                top.duplicate |= seen & (1 << at) != 0;
                seen |= 1 << at;
                if value != "null" {
                    top.requests.push((Request::KEYS[at], value));
                }
            }
            true
        });
        (object && reader.ends()).then_some(top)
    }
}

/// Returns whether a JSON text nests at most 32 levels deep and holds no U+0000, in one pass and without a stack.
pub fn check_text(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut depth, mut in_string, mut at) = (0_usize, false, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            0 => return false,
            b'\\' if in_string => {
                if bytes.get(at + 1..).is_some_and(|rest| rest.starts_with(b"u0000")) {
                    return false;
                }
                at += 1;
            }
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return false;
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Int;

    fn refused(text: &str) -> (Option<String>, String) {
        let bad = Envelope::decode(text.as_bytes()).unwrap_err();
        (bad.id, bad.error.detail().to_owned())
    }

    #[test]
    fn what_is_no_request_is_said_exactly() {
        let one = Some("1".to_owned());
        for (text, id, detail) in [
            ("not json", None, "malformed message"),
            ("[]", None, "malformed message"),
            ("\"s\"", None, "malformed message"),
            ("null", None, "missing message type"),
            ("{}", None, "missing message type"),
            (r#"{"id":"1"}"#, one.clone(), "missing message type"),
            (r#"{"id":"1","foo":{}}"#, one.clone(), "missing message type"),
            (r#"{"id":"1","hi":null}"#, one.clone(), "missing message type"),
            (r#"{"id":"1","hi":{},"login":{}}"#, one.clone(), "exactly one message type required"),
            (r#"{"id":"1","room":{},"group":{}}"#, one.clone(), "exactly one message type required"),
            (r#"{"id":5,"hi":{}}"#, None, "malformed message"),
            (r#"{"id":"1","hi":{"ver":5}}"#, one.clone(), "malformed message"),
            (r#"{"id":"1","hi":{},"hi":{}}"#, one.clone(), "malformed message"),
            (r#"{"id":"1","read":{"seq":1.5}}"#, one.clone(), "malformed message"),
            (r#"{"id":"1","read":{"seq":9007199254740992}}"#, one, "malformed message"),
            (r#"{"id":"1","hi":{}}{"id":"2","hi":{}}"#, None, "malformed message"),
            (r#"{"id":"1","hi":{"ver":"\u0000"}}"#, None, "malformed message"),
        ] {
            assert_eq!(refused(text), (id, detail.to_owned()), "{text}");
        }
        let long = "x".repeat(65);
        assert_eq!(refused(&format!(r#"{{"id":"{long}","hi":{{}}}}"#)).0, None);
    }

    #[test]
    fn integral_floats_are_integers_and_the_last_id_counts() {
        let envelope =
            Envelope::decode(br#"{"id":"a","id":"b","read":{"conv":"x","seq":1.0},"x":[1]}"#).unwrap();
        assert_eq!(envelope.id.as_deref(), Some("b"));
        assert!(matches!(envelope.request, Request::Read(mark) if mark.seq == Some(Int(1))));
    }

    #[test]
    fn depth_is_bounded_outside_strings_only() {
        let nested = |n: usize| format!(r#"{{"hi":{{}},"x":{}{}}}"#, "[".repeat(n), "]".repeat(n));
        assert!(Envelope::decode(nested(31).as_bytes()).is_ok());
        assert!(Envelope::decode(nested(32).as_bytes()).is_err());
        assert!(check_text(&format!("\"\\\"{}\"", "[".repeat(1000))));
        assert!(check_text(r#""\\u0000""#));
    }

    #[test]
    fn what_is_written_can_be_read() {
        let request = Request::Hi(super::super::Hi { ver: Some("1".into()), ..Default::default() });
        for id in [None, Some("a\"b".to_owned())] {
            let envelope = Envelope { id, request: request.clone() };
            assert_eq!(Envelope::decode(envelope.encode().as_bytes()).unwrap(), envelope);
        }
    }
}
