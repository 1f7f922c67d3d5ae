//! From JSON text to valid content.

use crate::wire::Reader;

use super::json::{self, Object};
use super::media::media;
use super::path::Path;
use super::value::{bounded, counter, id, string};
use super::{Invalid, Irido, Mention, Rule, Rules, grapheme};

impl Irido {
    /// Parses content, `raw` being one JSON value.
    ///
    /// # Errors
    ///
    /// Returns the first rule that is broken and where; see [`Rule`]. The rules that need a store
    /// ([`Rule::UnknownFile`], [`Rule::UnknownMember`], a reply to a hidden message) are left to the caller.
    ///
    /// # Examples
    ///
    /// ```
    /// use mvchat_core::irido::{Irido, Rules};
    ///
    /// let sent = r#"{"v":1,"text":"👋 @kim!","mentions":[
    ///     {"userId":"0190b5a2-7b1e-7c30-8a4e-2f1d5c6b7a89","offset":2,"length":4}]}"#;
    /// let content = Irido::parse(sent, &Rules::default())?;
    /// assert_eq!(content.mentions()[0].offset, 2);
    /// assert_eq!(content.raw(), sent);
    ///
    /// let invalid = Irido::parse("42", &Rules::default()).unwrap_err();
    /// assert_eq!(invalid.rule.as_str(), "not_an_object");
    /// # Ok::<(), mvchat_core::irido::Invalid>(())
    /// ```
    pub fn parse(raw: &str, rules: &Rules) -> Result<Self, Invalid> {
        let mut reader = Reader::new(raw);
        let value =
            reader.any().filter(|_| reader.ends()).ok_or_else(|| Invalid::new("", Rule::Malformed))?;
        match value {
            object if object.starts_with('{') => parse_object(object.to_owned(), rules),
            string if string.starts_with('"') => parse_object(wrapped(string), rules),
            _ => Err(Invalid::new("", Rule::NotAnObject)),
        }
    }
}

/// Returns content as it is stored and shown, without checking it: a bare string is wrapped, and what a sender can't say
/// about the message that is answered is dropped. `None` if it stays as it is.
///
/// For whoever shows a message before the server has accepted it.
pub fn stored(raw: &str) -> Option<String> {
    let mut reader = Reader::new(raw);
    let value = reader.any().filter(|_| reader.ends())?;
    if value.starts_with('"') {
        return Some(wrapped(value));
    }
    let mut root = Object::open(value, Path::ROOT, 1).ok()?;
    let reply = root.take("reply")?;
    let shorter = Object::open(reply, Path::ROOT, 2).ok()?.without(&QUOTE)?;
    Some(replaced(value, reply, &shorter))
}

/// What a sender would say about somebody else's message.
const QUOTE: [&str; 2] = ["preview", "from"];

fn wrapped(string: &str) -> String {
    let mut object = r#"{"v":1,"text":"#.to_owned();
    object.push_str(string);
    object.push('}');
    object
}

/// Puts something else in the place of a part of `raw`.
fn replaced(raw: &str, part: &str, by: &str) -> String {
    let start = json::position(raw, part);
    let mut text = raw.get(..start).unwrap_or_default().to_owned();
    text.push_str(by);
    text.push_str(raw.get(start + part.len()..).unwrap_or_default());
    text
}

fn parse_object(raw: String, rules: &Rules) -> Result<Irido, Invalid> {
    let path = Path::ROOT;
    let mut root = Object::read(&raw, path, 1)?;
    if root.take("v").map(counter) != Some(Ok(1)) {
        return Err(path.key("v").invalid(Rule::WrongVersion));
    }
    let opaque = root.optional("enc", |value| opaque(value, rules))?.is_some();
    let text = root.optional("text", string)?.unwrap_or_default();
    let mentioned = list(&mut root, "mentions", path, rules.max_mentions)?;
    let length =
        text_length(&text, !mentioned.is_empty(), rules).map_err(|rule| path.key("text").invalid(rule))?;
    let mentions = each(&mentioned, path.key("mentions"), |item, path| mention(item, path, length, rules))?;
    let attached = list(&mut root, "media", path, rules.max_media)?;
    let media = each(&attached, path.key("media"), |item, path| media(item, path, rules))?;
    let reply = root.take("reply").map(|value| reply(value, path.key("reply"))).transpose()?;
    root.finish()?;
    if text.trim().is_empty() && media.is_empty() && !opaque {
        return Err(path.invalid(Rule::Empty));
    }
    let (reply, shorter) = reply.map_or((None, None), |reply| (Some(reply.seq), reply.shorter(&raw)));
    Ok(Irido { raw: shorter.unwrap_or(raw), text, media, reply, mentions, opaque })
}

fn opaque(value: &str, rules: &Rules) -> Result<(), Rule> {
    if !rules.opaque {
        return Err(Rule::OpaqueNotAllowed);
    }
    if !value.starts_with('{') {
        return Err(Rule::WrongType);
    }
    json::check_value(value, 1)
}

/// Returns the text's length in clusters if somebody needs it, and checks that it isn't beyond the limit.
fn text_length(text: &str, is_needed: bool, rules: &Rules) -> Result<usize, Rule> {
    if !is_needed && text.len() <= rules.max_graphemes {
        // A cluster has at least one byte, so the limit is kept; counting would cost more than all the rest.
        return Ok(0);
    }
    if is_needed && text.is_empty() {
        return Err(Rule::Missing);
    }
    grapheme::count_up_to(text, rules.max_graphemes).ok_or(Rule::TooLong)
}

fn list<'a>(
    root: &mut Object<'a, '_>,
    key: &'static str,
    path: Path<'_>,
    max: usize,
) -> Result<Vec<&'a str>, Invalid> {
    let items = root.optional(key, json::items)?.unwrap_or_default();
    if items.len() > max { Err(path.key(key).invalid(Rule::TooMany)) } else { Ok(items) }
}

fn each<T>(
    items: &[&str],
    path: Path<'_>,
    convert: impl Fn(&str, Path<'_>) -> Result<T, Invalid>,
) -> Result<Vec<T>, Invalid> {
    items.iter().enumerate().map(|(index, item)| convert(item, path.index(index))).collect()
}

struct Reply<'a> {
    seq: u64,
    json: &'a str,
    without_quote: Option<String>,
}

impl Reply<'_> {
    /// Returns the content's text without what the sender claims about the other message, if it claims anything.
    fn shorter(&self, raw: &str) -> Option<String> {
        Some(replaced(raw, self.json, self.without_quote.as_deref()?))
    }
}

fn reply<'a>(value: &'a str, path: Path<'_>) -> Result<Reply<'a>, Invalid> {
    let mut object = Object::read(value, path, 2)?;
    let seq = match object.take("seq").map(counter) {
        Some(Ok(seq)) if seq >= 1 => seq,
        _ => return Err(path.key("seq").invalid(Rule::BadReply)),
    };
    let without_quote = object.without(&QUOTE);
    object.finish()?;
    Ok(Reply { seq, json: value, without_quote })
}

fn mention(value: &str, path: Path<'_>, text_length: usize, rules: &Rules) -> Result<Mention, Invalid> {
    let mut object = Object::read(value, path, 3)?;
    let user_id = object.required("userId", id)?;
    let username = object.optional("username", |value| bounded(value, rules.max_username_bytes))?;
    // Encoders that omit zeros are common, so an absent offset is the start of the text.
    let offset = object.optional("offset", |value| within(value, 0, text_length))?.unwrap_or(0);
    let length = object.required("length", |value| within(value, 1, text_length - offset as usize))?;
    object.finish()?;
    Ok(Mention { user_id, username, offset, length })
}

fn within(value: &str, min: u64, max: usize) -> Result<u32, Rule> {
    let integer = counter(value)?;
    if integer < min || integer > max as u64 {
        return Err(Rule::OutOfRange);
    }
    u32::try_from(integer).map_err(|_| Rule::OutOfRange)
}
