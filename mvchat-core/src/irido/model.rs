//! Valid content and its parts.

use std::fmt;

use serde::Serialize;
use uuid::Uuid;

/// Holds the valid content of one message.
///
/// It is made by [`Irido::parse`] only, so whoever holds one need not check again: an id is an id, a mention
/// lies within the text, a length is within its limit. Whether files, members and the replied message exist
/// is for whoever has the store.
///
/// `Debug` prints sizes and never the content itself, which has no place in a log.
#[derive(Clone, PartialEq)]
pub struct Irido {
    pub(super) raw: String,
    pub(super) text: String,
    pub(super) media: Vec<Media>,
    pub(super) reply: Option<u64>,
    pub(super) mentions: Vec<Mention>,
    pub(super) opaque: bool,
}

impl Irido {
    /// Returns the JSON text as it is stored and returned to readers.
    ///
    /// It is the text that was sent, byte for byte, but for three things: white space around it is gone, a
    /// bare string is wrapped, and `reply.preview` and `reply.from` are dropped. Parsing it again gives the
    /// same content.
    ///
    /// ```
    /// use mvchat_core::irido::{Irido, Rules};
    ///
    /// let bare = Irido::parse(r#""hi""#, &Rules::default())?;
    /// assert_eq!(bare.raw(), r#"{"v":1,"text":"hi"}"#);
    ///
    /// let reply = r#"{ "v":1, "text":"yes", "reply":{"seq":7, "from":"eve", "preview":"I quit"} }"#;
    /// let reply = Irido::parse(reply, &Rules::default())?;
    /// assert_eq!(reply.raw(), r#"{ "v":1, "text":"yes", "reply":{"seq":7} }"#);
    /// # Ok::<(), mvchat_core::irido::Invalid>(())
    /// ```
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// Returns the text, empty if there is none.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the `seq` of the message that this one replies to, at least 1.
    pub fn reply(&self) -> Option<u64> {
        self.reply
    }

    /// Returns the mentions in the order they were sent.
    pub fn mentions(&self) -> &[Mention] {
        &self.mentions
    }

    /// Returns the media in the order they were sent.
    pub fn media(&self) -> &[Media] {
        &self.media
    }

    /// Returns whether the content carries `enc`, which the server can't read.
    pub fn is_opaque(&self) -> bool {
        self.opaque
    }

    /// Returns the files the content refers to, each with the index of its media.
    ///
    /// ```
    /// use mvchat_core::irido::{Irido, Rules};
    ///
    /// let content = Irido::parse(
    ///     r#"{"v":1,"media":[
    ///         {"type":"location","lat":35.68,"lon":139.76},
    ///         {"type":"image","ref":"6fa1b0ce-4f0c-4b8e-9f52-0d4c0a7a3d11"}]}"#,
    ///     &Rules::default(),
    /// )?;
    /// let (index, file) = content.file_refs().next().unwrap();
    /// assert_eq!((index, file.to_string().as_str()), (1, "6fa1b0ce-4f0c-4b8e-9f52-0d4c0a7a3d11"));
    /// # Ok::<(), mvchat_core::irido::Invalid>(())
    /// ```
    pub fn file_refs(&self) -> impl Iterator<Item = (usize, Uuid)> {
        self.media.iter().enumerate().filter_map(|(index, media)| Some((index, media.file?)))
    }
}

impl fmt::Debug for Irido {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Irido")
            .field("bytes", &self.raw.len())
            .field("media", &self.media.len())
            .field("mentions", &self.mentions.len())
            .field("reply", &self.reply)
            .field("opaque", &self.opaque)
            .finish_non_exhaustive()
    }
}

/// Points from a stretch of the text to a user.
///
/// Serialized as `{userId, username?, offset, length}`; an offset of 0 is written too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mention {
    /// The mentioned user.
    pub user_id: Uuid,
    /// The name the sender saw, at most 128 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Where the mention starts, in grapheme clusters from the start of the text.
    pub offset: u32,
    /// How many grapheme clusters it covers, at least 1 and never beyond the end of the text.
    pub length: u32,
}

/// Describes one attachment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Media {
    /// What it is, `type` on the wire.
    pub kind: MediaKind,
    /// The uploaded file, `ref` on the wire; always there for image, video, audio and file.
    pub file: Option<Uuid>,
    /// The file's name, at most 512 bytes.
    pub name: Option<String>,
    /// The file's MIME type as the sender gave it, at most 128 bytes.
    pub mime: Option<String>,
    /// Bytes, at most 2^53 − 1.
    pub size: Option<u64>,
    /// Pixels, finite and not negative.
    pub width: Option<f64>,
    /// Pixels, finite and not negative.
    pub height: Option<f64>,
    /// Seconds, finite and not negative.
    pub duration: Option<f64>,
    /// The web page; always there for an embed.
    pub embed: Option<Embed>,
    /// The place; there for a location only.
    pub location: Option<Location>,
}

/// Names the kinds of media.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaKind {
    /// A picture.
    Image,
    /// A film.
    Video,
    /// Sound.
    Audio,
    /// Any other file.
    File,
    /// A link with what its page says about itself.
    Embed,
    /// A place on earth.
    Location,
    /// A kind some client made up; the name includes its `x-`.
    Custom(String),
}

impl MediaKind {
    /// Returns the name on the wire, like `image` or `x-poll`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::File => "file",
            Self::Embed => "embed",
            Self::Location => "location",
            Self::Custom(name) => name,
        }
    }
}

/// Describes a web page as the sender saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Embed {
    /// The http or https address, at most 2,048 bytes.
    pub url: String,
    /// The page's title, at most 512 bytes.
    pub title: Option<String>,
}

/// A place in degrees (WGS 84).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Location {
    /// Latitude, −90 to 90.
    pub lat: f64,
    /// Longitude, −180 to 180.
    pub lon: f64,
}
