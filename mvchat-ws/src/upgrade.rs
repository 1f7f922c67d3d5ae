//! From an HTTP request to a served connection.

use crate::{Options, Socket};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use mvchat_core::Chat;
use mvchat_core::engine::Peer;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The one version of the protocol that there is (RFC 6455 §4.2.1).
const VERSION: HeaderValue = HeaderValue::from_static("13");
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const UPGRADE: HeaderValue = HeaderValue::from_static("upgrade");

/// Answers a request for a WebSocket; when that is granted, a task of its own serves the connection.
///
/// The answer must be sent on the connection on which the request came. A refusal says why in plain text:
/// 405 for a method other than GET, 426 without a request for an upgrade to WebSocket 13, 400 without a key, 403 for
/// an origin that may not connect, 501 when the connection can't be upgraded.
///
/// The caller must be on a tokio runtime.
pub fn upgrade(parts: &mut Parts, chat: &Chat, options: &Options, peer: Peer) -> Response<String> {
    let (key, on_upgrade) = match check(parts, options) {
        Ok(granted) => granted,
        Err(refusal) => return *refusal,
    };
    let mut peer = peer;
    for name in chat.auth_headers() {
        for value in parts.headers.get_all(name) {
            // What is no text stays there, garbled: it is no good, and makes a second one worthless.
            peer = peer.with_header(name, String::from_utf8_lossy(value.as_bytes()));
        }
    }
    let chat = chat.clone();
    tokio::spawn(async move {
        match on_upgrade.await {
            Ok(upgraded) => {
                let socket = Socket::new(TokioIo::new(upgraded), chat.limits().max_message_size).await;
                chat.serve(socket, peer).await;
            }
            Err(error) => tracing::debug!(%error, addr = ?peer.addr, "an upgrade failed"),
        }
    });
    let mut response = Response::new(String::new());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, UPGRADE);
    headers.insert(header::UPGRADE, WEBSOCKET);
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, key);
    response
}

/// Finds what the answer needs, or the refusal.
fn check(parts: &mut Parts, options: &Options) -> Result<(HeaderValue, OnUpgrade), Box<Response<String>>> {
    let headers = &parts.headers;
    if parts.method != Method::GET {
        let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, "a WebSocket begins with GET");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
        return Err(response);
    }
    let asks = lists(headers, header::CONNECTION, "upgrade") && lists(headers, header::UPGRADE, "websocket");
    if !asks || headers.get(header::SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
        let mut response =
            refusal(StatusCode::UPGRADE_REQUIRED, "this is an endpoint for WebSockets, version 13");
        response.headers_mut().insert(header::CONNECTION, UPGRADE);
        response.headers_mut().insert(header::UPGRADE, WEBSOCKET);
        response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, VERSION);
        return Err(response);
    }
    // Sixteen bytes in Base64; what they are doesn't matter.
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24);
    let accept = key.and_then(|key| HeaderValue::try_from(derive_accept_key(key.as_bytes())).ok());
    let Some(accept) = accept else {
        return Err(refusal(StatusCode::BAD_REQUEST, "no good Sec-WebSocket-Key"));
    };
    if !options.allows(headers.get(header::ORIGIN).map(HeaderValue::as_bytes)) {
        return Err(refusal(StatusCode::FORBIDDEN, "origin not allowed"));
    }
    match parts.extensions.remove::<OnUpgrade>() {
        Some(on_upgrade) => Ok((accept, on_upgrade)),
        None => Err(refusal(StatusCode::NOT_IMPLEMENTED, "this connection can't be upgraded")),
    }
}

fn refusal(status: StatusCode, why: &str) -> Box<Response<String>> {
    let mut response = Response::new(format!("{why}\n"));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    Box::new(response)
}

/// Returns whether a header that is a list of words has this one.
fn lists(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
}
