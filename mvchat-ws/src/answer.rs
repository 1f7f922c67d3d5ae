//! Answers to requests.

use crate::{Endpoint, Options, upgrade};
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use mvchat_core::Chat;
use mvchat_core::engine::Peer;

/// Answers a request for an endpoint.
///
/// The answer must be sent on the connection on which the request came. The caller must be on a tokio runtime.
pub fn answer(
    endpoint: Endpoint,
    parts: &mut Parts,
    chat: &Chat,
    options: &Options,
    peer: Peer,
) -> Response<String> {
    match endpoint {
        Endpoint::Socket => upgrade(parts, chat, options, peer),
        Endpoint::Health => health(chat),
    }
}

/// Tells whether the chat is there, with the status 503 while it can't serve.
fn health(chat: &Chat) -> Response<String> {
    let health = chat.health();
    let status = if health.status == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, health.to_json())
}

fn json(status: StatusCode, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
