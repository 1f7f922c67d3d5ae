//! One item of `media`.

use std::net::Ipv6Addr;

use super::json::Object;
use super::path::Path;
use super::value::{bounded, counter, id, measure, number, string};
use super::{Embed, Invalid, Location, Media, MediaKind, Rule, Rules};

/// Parses one item; what must be there depends on its type.
pub(super) fn media(value: &str, path: Path<'_>, rules: &Rules) -> Result<Media, Invalid> {
    let mut object = Object::read(value, path, 3)?;
    let kind = object.required("type", |value| kind(value, rules))?;
    let file = match kind {
        MediaKind::Image | MediaKind::Video | MediaKind::Audio | MediaKind::File => {
            Some(object.required("ref", id)?)
        }
        MediaKind::Embed | MediaKind::Location | MediaKind::Custom(_) => object.optional("ref", id)?,
    };
    let embed_path = path.key("embed");
    let embed = match object.take("embed") {
        Some(value) => Some(embed(value, embed_path, rules)?),
        None if kind == MediaKind::Embed => return Err(embed_path.invalid(Rule::Missing)),
        None => None,
    };
    let location = match kind {
        MediaKind::Location => Some(Location {
            lat: object.required("lat", |value| degrees(value, 90.0))?,
            lon: object.required("lon", |value| degrees(value, 180.0))?,
        }),
        _ => None,
    };
    let media = Media {
        kind,
        file,
        name: object.optional("name", |value| bounded(value, rules.max_name_bytes))?,
        mime: object.optional("mime", |value| bounded(value, rules.max_mime_bytes))?,
        size: object.optional("size", counter)?,
        width: object.optional("width", measure)?,
        height: object.optional("height", measure)?,
        duration: object.optional("duration", measure)?,
        embed,
        location,
    };
    object.finish()?;
    Ok(media)
}

fn embed(value: &str, path: Path<'_>, rules: &Rules) -> Result<Embed, Invalid> {
    let mut object = Object::read(value, path, 4)?;
    let url = object.required("url", |value| web_address(value, rules))?;
    let title = object.optional("title", |value| bounded(value, rules.max_name_bytes))?;
    for key in ["description", "thumbnail", "siteName", "embedType"] {
        object.optional(key, string)?;
    }
    object.finish()?;
    Ok(Embed { url, title })
}

fn kind(value: &str, rules: &Rules) -> Result<MediaKind, Rule> {
    let name = bounded(value, rules.max_mime_bytes)?;
    Ok(match name.as_str() {
        "image" => MediaKind::Image,
        "video" => MediaKind::Video,
        "audio" => MediaKind::Audio,
        "file" => MediaKind::File,
        "embed" => MediaKind::Embed,
        "location" => MediaKind::Location,
        custom if custom.len() > 2 && custom.starts_with("x-") => MediaKind::Custom(name),
        _ => return Err(Rule::UnknownMediaType),
    })
}

fn degrees(value: &str, limit: f64) -> Result<f64, Rule> {
    let number = number(value)?;
    if number.abs() > limit { Err(Rule::OutOfRange) } else { Ok(number) }
}

fn web_address(value: &str, rules: &Rules) -> Result<String, Rule> {
    let url = bounded(value, rules.max_url_bytes)?;
    if url.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Rule::BadUrl);
    }
    let (scheme, rest) = url.split_once("://").ok_or(Rule::BadUrl)?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(Rule::BadUrl);
    }
    // Browsers take a backslash for a slash, so it ends the authority here as well.
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_user, host)| host);
    let (host, port) = match host_and_port.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or(Rule::BadUrl)?;
            address.parse::<Ipv6Addr>().map_err(|_| Rule::BadUrl)?;
            (address, port)
        }
        None => host_and_port.split_at(host_and_port.find(':').unwrap_or(host_and_port.len())),
    };
    // An empty port is well-formed and means the scheme's own; Rust's parser would accept a sign.
    let is_port = |digits: &str| {
        digits.bytes().all(|byte| byte.is_ascii_digit())
            && (digits.is_empty() || digits.parse::<u16>().is_ok())
    };
    if host.is_empty() || !(port.is_empty() || port.strip_prefix(':').is_some_and(is_port)) {
        return Err(Rule::BadUrl);
    }
    Ok(url)
}
