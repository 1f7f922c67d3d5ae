//! Answers to requests.

use crate::respond::{Refused, failure, json, refusal, reply, response, wrong_method};
use crate::{Endpoint, Options, body, shown, upgrade};
use bytes::Buf;
use futures_util::Stream;
use http::header;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use mvchat_core::engine::Peer;
use mvchat_core::proto::LoginBody;
use mvchat_core::{Chat, Result};

/// Answers a request for an endpoint.
///
/// What is asked for below `/v0` and is no WebSocket is carried out like the command of that name on a connection: the
/// status is the `code` of its reply and the body the `params`; after a failure the body is what is in the `ctrl`. What
/// is no good request is refused in plain text: 405 for a method, 403 for an origin that may not connect, 415 for a body
/// that is no JSON, 408 for one that takes too long, 400 for two tokens.
///
/// The answer must be sent on the connection on which the request came. The caller must be on a tokio runtime.
pub async fn answer<B: Buf, E>(
    endpoint: Endpoint,
    request: Request<impl Stream<Item = std::result::Result<B, E>>>,
    chat: &Chat,
    options: &Options,
    peer: Peer,
) -> Response<String> {
    let (parts, body) = request.into_parts();
    route(endpoint, parts, body, chat, options, peer).await.unwrap_or_else(|refused| *refused)
}

async fn route<B: Buf, E>(
    endpoint: Endpoint,
    mut parts: Parts,
    body: impl Stream<Item = std::result::Result<B, E>>,
    chat: &Chat,
    options: &Options,
    peer: Peer,
) -> std::result::Result<Response<String>, Refused> {
    let read = parts.method == Method::GET || parts.method == Method::HEAD;
    let (post, delete) = (parts.method == Method::POST, parts.method == Method::DELETE);
    let visitor = || {
        if !options.allows(parts.headers.get(header::ORIGIN).map(|origin| origin.as_bytes())) {
            return Err(refusal(StatusCode::FORBIDDEN, "origin not allowed"));
        }
        shown::visitor(&parts, chat, shown::peer(&parts, chat, peer.clone()))
    };
    let told = |done: Result<_>| done.map_or_else(|error| failure(chat, &error), reply);
    Ok(match endpoint {
        Endpoint::Socket => upgrade(&mut parts, chat, options, peer).await,
        Endpoint::Health => health(chat),
        Endpoint::Ready if read => {
            let ready = chat.readiness().await;
            let status = if ready.status == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            json(status, &ready)
        }
        Endpoint::Version if read => json(StatusCode::OK, &chat.version()),
        Endpoint::Ready | Endpoint::Version => return Err(wrong_method("GET, HEAD")),
        Endpoint::Login if post => {
            let visitor = visitor()?;
            let body = body::read(&parts.headers, body, chat).await?;
            match LoginBody::decode(&body) {
                Ok(login) => told(visitor.log_in(login).await),
                Err(error) => failure(chat, &error),
            }
        }
        Endpoint::Sessions if read => told(visitor()?.sessions().await),
        Endpoint::Sessions if delete => told(visitor()?.end_sessions().await),
        Endpoint::Sessions => return Err(wrong_method("GET, HEAD, DELETE")),
        Endpoint::Session if delete => {
            let id = parts.uri.path().rsplit('/').next().unwrap_or_default();
            told(visitor()?.end_session(id).await)
        }
        Endpoint::Session => return Err(wrong_method("DELETE")),
        Endpoint::Ticket if post => match visitor()?.ticket().await {
            Ok(ticket) => json(StatusCode::OK, &ticket),
            Err(error) => failure(chat, &error),
        },
        Endpoint::Login | Endpoint::Ticket => return Err(wrong_method("POST")),
    })
}

/// Tells whether the chat is there, with the status 503 while it can't serve.
fn health(chat: &Chat) -> Response<String> {
    let health = chat.health();
    let status = if health.status == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    response(status, "application/json", health.to_json())
}
