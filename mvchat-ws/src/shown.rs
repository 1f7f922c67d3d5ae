//! What a request shows to say who asks.

use crate::Options;
use crate::respond::{Refused, refusal};
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use mvchat_core::Chat;
use mvchat_core::engine::{Peer, Visitor};

/// What web pages offer as a subprotocol before their token, because they can't set other headers.
const ACCESS_TOKEN: &str = "access_token";

/// Returns who is at the other end, with the headers that the app's own schemes look at.
pub(crate) fn peer(parts: &Parts, chat: &Chat, peer: Peer) -> Peer {
    let mut peer = peer;
    for name in chat.auth_headers() {
        for value in parts.headers.get_all(name) {
            // What is no text stays there, garbled: it is no good, and makes a second one worthless.
            peer = peer.with_header(name, String::from_utf8_lossy(value.as_bytes()));
        }
    }
    peer
}

/// Begins with the visitor behind a request for something else than a WebSocket.
pub(crate) fn visitor(parts: &Parts, chat: &Chat, peer: Peer) -> Result<Visitor, Refused> {
    let visitor = plain(parts, chat, peer);
    Ok(match bearer(&parts.headers)? {
        Some(token) => visitor.with_token(token),
        None => visitor,
    })
}

/// Begins with the visitor behind a request for a WebSocket; returns the subprotocol that is agreed on, too.
pub(crate) fn upgrading(
    parts: &Parts,
    chat: &Chat,
    options: &Options,
    peer: Peer,
) -> Result<(Visitor, Option<HeaderValue>), Refused> {
    let mut visitor = plain(parts, chat, peer);
    // A header that a scheme of the app's own looks at is not ours.
    let own = chat.auth_headers().iter().any(|name| header::AUTHORIZATION == name.as_str());
    let mut tokens: Vec<String> = Vec::new();
    if !own {
        tokens.extend(bearer(&parts.headers)?.map(str::to_owned));
    }
    let (offered, agreed) = offered(&parts.headers)?;
    tokens.extend(offered);
    let mut tickets = Vec::new();
    for (name, value) in
        parts.uri.query().unwrap_or_default().split('&').filter_map(|part| part.split_once('='))
    {
        match name {
            "ticket" => tickets.push(value),
            "token" if options.takes_query_token() => tokens.push(value.to_owned()),
            "token" => {
                return Err(refusal(StatusCode::UNAUTHORIZED, "this server takes no token from an address"));
            }
            _ => {}
        }
    }
    if tokens.len() + tickets.len() > 1 {
        return Err(refusal(StatusCode::BAD_REQUEST, "more than one token or ticket"));
    }
    for token in tokens {
        visitor = visitor.with_token(token);
    }
    for ticket in tickets {
        visitor = visitor.with_ticket(ticket);
    }
    Ok((visitor, agreed))
}

/// The visitor, and nothing that proves anything.
fn plain(parts: &Parts, chat: &Chat, peer: Peer) -> Visitor {
    let text =
        |name| parts.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let visitor = chat.visitor(peer);
    let visitor = match text(header::ORIGIN) {
        Some(origin) => visitor.with_origin(origin),
        None => visitor,
    };
    match text(header::USER_AGENT) {
        Some(user_agent) => visitor.with_user_agent(user_agent),
        None => visitor,
    }
}

/// Returns the token of `Authorization: Bearer` (RFC 6750 §2.1); other schemes are for somebody else.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refused> {
    let mut values = headers.get_all(header::AUTHORIZATION).into_iter();
    let (Some(value), more) = (values.next(), values.next()) else { return Ok(None) };
    if more.is_some() {
        return Err(refusal(StatusCode::BAD_REQUEST, "more than one Authorization"));
    }
    let value = value.to_str().unwrap_or_default();
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    Ok(Some(token.trim()).filter(|_| scheme.eq_ignore_ascii_case("bearer")))
}

/// Returns the token that follows `access_token` among the offered subprotocols, and what to answer: never the token.
fn offered(headers: &HeaderMap) -> Result<(Option<String>, Option<HeaderValue>), Refused> {
    let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter();
    let values = values.map(|value| value.to_str().unwrap_or_default());
    let mut offers = values.flat_map(|value| value.split(',')).map(str::trim);
    if !offers.any(|offer| offer == ACCESS_TOKEN) {
        return Ok((None, None));
    }
    match offers.next() {
        Some(token) if !token.is_empty() => {
            Ok((Some(token.to_owned()), Some(HeaderValue::from_static(ACCESS_TOKEN))))
        }
        _ => Err(refusal(StatusCode::BAD_REQUEST, "access_token without a token behind it")),
    }
}
