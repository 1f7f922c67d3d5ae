//! From an HTTP request to a served connection.

use crate::respond::{Refused, failure, refusal, wrong_method};
use crate::{Options, Socket, redacted, shown};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use mvchat_core::Chat;
use mvchat_core::engine::Peer;
use std::time::Duration;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The bytes of a connection after its upgrade.
pub type Upgraded = TokioIo<hyper::upgrade::Upgraded>;

/// The one version of the protocol that there is (RFC 6455 §4.2.1).
const VERSION: HeaderValue = HeaderValue::from_static("13");
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const UPGRADE: HeaderValue = HeaderValue::from_static("upgrade");

/// Answers a request for a WebSocket; when that is granted, a task of its own serves the connection.
///
/// A request may show who asks: an access token as `Authorization: Bearer`, or behind `access_token` among the offered
/// subprotocols, or in the query if the options say so; or a ticket as `?ticket=`. Then it is answered only after that
/// was looked at, and the connection begins like after a `login` with the token.
///
/// The answer must be sent on the connection on which the request came. What is no good request is refused in plain
/// text: 405 for a method other than GET, 426 without a request for an upgrade to WebSocket 13, 400 without a key or
/// with two tokens, 403 for an origin that may not connect, 401 for a token in the query that is not taken there, 501
/// when the connection can't be upgraded. A token or ticket that is not good is refused like the `login`, with what
/// would be in the `ctrl` of that: mostly 401.
///
/// The caller must be on a tokio runtime.
pub async fn upgrade(parts: &mut Parts, chat: &Chat, options: &Options, peer: Peer) -> Response<String> {
    match admit(parts, chat, options, peer).await {
        Ok(granted) => granted,
        Err(refused) => {
            tracing::debug!(uri = %redacted(&parts.uri), status = %refused.status(), "an upgrade was refused");
            *refused
        }
    }
}

async fn admit(
    parts: &mut Parts,
    chat: &Chat,
    options: &Options,
    peer: Peer,
) -> Result<Response<String>, Refused> {
    let granted = check(parts, options)?;
    let peer = shown::peer(parts, chat, peer);
    let (visitor, agreed) = shown::upgrading(parts, chat, options, peer.clone())?;
    let pass = visitor.check_in().await.map_err(|error| Box::new(failure(chat, &error)))?;
    let chat = chat.clone();
    let size = chat.limits().max_message_size;
    let mut response = granted.take(size, async move |socket| chat.serve_as(socket, peer, pass).await);
    if let Some(agreed) = agreed {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, agreed);
    }
    Ok(response)
}

/// Answers a request for a WebSocket as [`upgrade`] does, and hands it to something else than a chat, in a task of its
/// own. Messages may have `max_message_size` bytes. Nobody looks at tokens.
pub fn accept<F: Future<Output = ()> + Send + 'static>(
    parts: &mut Parts,
    options: &Options,
    max_message_size: usize,
    serve: impl FnOnce(Socket<Upgraded>) -> F + Send + 'static,
) -> Response<String> {
    check(parts, options).map_or_else(|refused| *refused, |granted| granted.take(max_message_size, serve))
}

/// A request that will be granted.
struct Granted {
    accept: HeaderValue,
    message_timeout: Duration,
    on_upgrade: OnUpgrade,
}

impl Granted {
    /// Grants it, and hands the socket over once the answer has left.
    fn take<F: Future<Output = ()> + Send + 'static>(
        self,
        max_message_size: usize,
        serve: impl FnOnce(Socket<Upgraded>) -> F + Send + 'static,
    ) -> Response<String> {
        let Self { accept, message_timeout, on_upgrade } = self;
        tokio::spawn(async move {
            match on_upgrade.await {
                Ok(upgraded) => {
                    let socket = Socket::new(TokioIo::new(upgraded), max_message_size).await;
                    serve(socket.message_timeout(message_timeout)).await;
                }
                Err(error) => tracing::debug!(%error, "an upgrade failed"),
            }
        });
        let mut response = Response::new(String::new());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, UPGRADE);
        headers.insert(header::UPGRADE, WEBSOCKET);
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        response
    }
}

/// Finds what the answer needs.
fn check(parts: &mut Parts, options: &Options) -> Result<Granted, Refused> {
    let headers = &parts.headers;
    if parts.method != Method::GET {
        return Err(wrong_method("GET"));
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
        Some(on_upgrade) => Ok(Granted { accept, message_timeout: options.time_for_a_message(), on_upgrade }),
        None => Err(refusal(StatusCode::NOT_IMPLEMENTED, "this connection can't be upgraded")),
    }
}

/// Returns whether a header that is a list of words has this one.
fn lists(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
}
