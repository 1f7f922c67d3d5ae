//! Requests that end with their answer.

use crate::ws::peer;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use mvchat_core::Chat;
use mvchat_ws::{Endpoint, Options};

/// Answers a request for an endpoint, whatever its path: see [`mvchat_ws::answer`].
pub async fn answer(endpoint: Endpoint, request: Request, chat: &Chat, options: &Options) -> Response {
    let (mut parts, body) = request.into_parts();
    let peer = peer(&mut parts);
    let request = Request::from_parts(parts, body.into_data_stream());
    mvchat_ws::answer(endpoint, request, chat, options, peer).await.map(Body::from)
}
