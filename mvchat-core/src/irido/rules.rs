//! The limits content is parsed under.

/// Sets the limits of [`Irido::parse`](super::Irido::parse).
///
/// # Defaults
///
/// Those of the protocol: 5,000 grapheme clusters, 10 media, 50 mentions, no opaque content.
///
/// ```
/// use mvchat_core::irido::{Irido, Rules};
///
/// let mut rules = Rules::default();
/// rules.max_graphemes = 3;
/// assert!(Irido::parse(r#""one""#, &rules).is_ok());
/// assert!(Irido::parse(r#""three""#, &rules).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rules {
    /// Extended grapheme clusters in `text`: 5,000.
    pub max_graphemes: usize,
    /// Items in `media`: 10.
    pub max_media: usize,
    /// Items in `mentions`: 50.
    pub max_mentions: usize,
    /// Bytes of UTF-8 in a media `name` and in `embed.title`: 512.
    pub max_name_bytes: usize,
    /// Bytes in a media `mime` and in an `x-` media `type`: 128.
    pub max_mime_bytes: usize,
    /// Bytes of UTF-8 in a mention's `username`: 128.
    pub max_username_bytes: usize,
    /// Bytes in `embed.url`: 2,048.
    pub max_url_bytes: usize,
    /// Whether `enc` is accepted, for a conversation with end-to-end encryption: no.
    pub opaque: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            max_graphemes: 5_000,
            max_media: 10,
            max_mentions: 50,
            max_name_bytes: 512,
            max_mime_bytes: 128,
            max_username_bytes: 128,
            max_url_bytes: 2_048,
            opaque: false,
        }
    }
}
