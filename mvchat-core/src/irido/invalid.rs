//! Why content was refused.

use std::fmt;

/// Says where content breaks which rule.
///
/// It goes to the client as `params.path` and `params.rule` of the 400 `invalid content`.
///
/// ```
/// use mvchat_core::irido::{Invalid, Rule};
///
/// let invalid = Invalid::new("media[2].ref", Rule::UnknownFile);
/// assert_eq!(invalid.to_string(), "media[2].ref: unknown_file");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The member at fault, like `media[2].embed.url`; empty for the content as a whole.
    pub path: String,
    /// The rule that it breaks.
    pub rule: Rule,
}

impl Invalid {
    /// Makes a refusal; the engine uses it for the rules that need the store.
    pub fn new(path: impl Into<String>, rule: Rule) -> Self {
        Self { path: path.into(), rule }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            write!(f, "{}", self.rule)
        } else {
            write!(f, "{}: {}", self.path, self.rule)
        }
    }
}

impl std::error::Error for Invalid {}

/// A rule of the format. [`Rule::as_str`] is its stable name on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// The content is not JSON.
    Malformed,
    /// The content is neither an object nor a string.
    NotAnObject,
    /// `v` is absent or not 1.
    WrongVersion,
    /// There is neither text nor media; white space alone is no text.
    Empty,
    /// The member has another JSON type than the format asks for.
    WrongType,
    /// A member that is needed here is absent.
    Missing,
    /// The same key occurs twice in one object.
    DuplicateKey,
    /// A text has too many grapheme clusters, or a name too many bytes.
    TooLong,
    /// A list has too many items.
    TooMany,
    /// Objects and arrays are nested more than 32 deep.
    TooDeep,
    /// A string holds U+0000 or half of a surrogate pair.
    BadString,
    /// An id is not a UUID in its hyphenated form.
    BadId,
    /// A URL is not http or https, or not well-formed.
    BadUrl,
    /// `reply.seq` is absent, no positive integer, or names no visible message (the last is the engine's).
    BadReply,
    /// A number is below zero where that makes no sense.
    Negative,
    /// A number is outside its range, or a mention reaches beyond the text.
    OutOfRange,
    /// A media `type` is not of this version and does not start with `x-`.
    UnknownMediaType,
    /// A media `ref` names no file the sender may use (checked by the engine).
    UnknownFile,
    /// A mention names nobody in the conversation (checked by the engine).
    UnknownMember,
    /// `enc` in a conversation that is not end-to-end encrypted.
    OpaqueNotAllowed,
}

impl Rule {
    /// Returns the rule's stable name in snake case, like `unknown_media_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotAnObject => "not_an_object",
            Self::WrongVersion => "wrong_version",
            Self::Empty => "empty",
            Self::WrongType => "wrong_type",
            Self::Missing => "missing",
            Self::DuplicateKey => "duplicate_key",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::TooDeep => "too_deep",
            Self::BadString => "bad_string",
            Self::BadId => "bad_id",
            Self::BadUrl => "bad_url",
            Self::BadReply => "bad_reply",
            Self::Negative => "negative",
            Self::OutOfRange => "out_of_range",
            Self::UnknownMediaType => "unknown_media_type",
            Self::UnknownFile => "unknown_file",
            Self::UnknownMember => "unknown_member",
            Self::OpaqueNotAllowed => "opaque_not_allowed",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
