//! Responses.

use http::header::{self, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use mvchat_core::proto::{Reply, ReplyParams};
use mvchat_core::wire::{self, Write};
use mvchat_core::{Chat, Error};

/// A response that refuses; boxed, because most requests get another one.
pub(crate) type Refused = Box<Response<String>>;

/// Refuses what is no good request, and says why in plain text.
pub(crate) fn refusal(status: StatusCode, why: &str) -> Refused {
    Box::new(response(status, "text/plain; charset=utf-8", format!("{why}\n")))
}

/// Refuses a method, and names those that there are.
pub(crate) fn wrong_method(allowed: &'static str) -> Refused {
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, "not by this method");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

/// Says what a request brought: the parameters of the reply that the same command gets on a connection.
pub(crate) fn reply(reply: Reply) -> Response<String> {
    let status = StatusCode::from_u16(reply.done.code()).unwrap_or_default();
    match reply.params {
        ReplyParams::None => response(status, JSON, "{}".to_owned()),
        params => json(status, &params),
    }
}

/// Says why a request failed, with what is in the `ctrl` of the same failure on a connection.
pub(crate) fn failure(chat: &Chat, error: &Error) -> Response<String> {
    let told = chat.refusal(error);
    let status = StatusCode::from_u16(told.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, &told);
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(after) = error.params().and_then(|params| params.retry_after) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(after.div_ceil(1_000)));
    }
    response
}

const JSON: &str = "application/json";

/// Writes something as JSON.
pub(crate) fn json(status: StatusCode, body: &dyn Write) -> Response<String> {
    response(status, JSON, wire::write(&body))
}

pub(crate) fn response(status: StatusCode, kind: &'static str, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers: [(HeaderName, &'static str); 2] =
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
