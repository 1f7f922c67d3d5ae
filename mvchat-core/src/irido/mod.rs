//! Irido v1, the content format of a message.
//!
//! A message's content is one JSON object, `{"v":1, "text"?, "media"?, "reply"?, "mentions"?}`. The server
//! stores and returns it as it was sent; this module decides whether it is valid and reads what the server
//! and the client need from it: the text, the files it refers to, who is mentioned, what it replies to.
//!
//! * A bare JSON string is a text message: it is wrapped to `{"v":1,"text":…}`.
//! * Keys this version doesn't know are kept. Keys are case-sensitive; a key that occurs twice in an object
//!   of the format is refused. `null` stands for an absent optional member.
//! * `reply.preview` and `reply.from` are dropped: a sender can't say what somebody else wrote.
//! * `{"v":1, "enc":{…}}` is opaque content, for conversations with end-to-end encryption only.
//! * Text is measured in extended grapheme clusters of Unicode 17 ([`grapheme`]), what readers call characters.
//!
//! Nothing here is async, reads a clock or needs the `server` feature.
//!
//! # Examples
//!
//! ```
//! use mvchat_core::irido::{Irido, Rule, Rules};
//!
//! let rules = Rules::default();
//! let content = Irido::parse(r#"{"v":1,"text":"see you at 8","mood":"hungry"}"#, &rules)?;
//! assert_eq!(content.text(), "see you at 8");
//! assert_eq!(content.raw(), r#"{"v":1,"text":"see you at 8","mood":"hungry"}"#);
//!
//! let invalid = Irido::parse(r#"{"v":1,"media":[{"type":"hologram"}]}"#, &rules).unwrap_err();
//! assert_eq!((invalid.path.as_str(), invalid.rule), ("media[0].type", Rule::UnknownMediaType));
//! # Ok::<(), mvchat_core::irido::Invalid>(())
//! ```

pub mod grapheme;

mod invalid;
mod json;
mod media;
mod model;
mod parse;
mod path;
mod rules;
mod text;
mod value;

pub use invalid::{Invalid, Rule};
pub use model::{Embed, Irido, Location, Media, MediaKind, Mention};
pub use parse::stored;
pub use rules::Rules;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
