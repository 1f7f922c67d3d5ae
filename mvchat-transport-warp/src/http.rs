//! Requests that end with their answer.

use crate::ws::peer;
use http::Request;
use http::request::Parts;
use mvchat_core::Chat;
use mvchat_ws::{Endpoint, Options};
use warp::reply::{Reply, Response};
use warp::{Buf, Stream};

/// Answers a request for an endpoint, whatever its path: see [`mvchat_ws::answer`]. The body is that of
/// [`warp::body::stream`].
pub async fn answer<B: Buf>(
    endpoint: Endpoint,
    request: Parts,
    body: impl Stream<Item = Result<B, warp::Error>>,
    chat: &Chat,
    options: &Options,
) -> Response {
    let mut parts = request;
    let peer = peer(&mut parts);
    let request = Request::from_parts(parts, body);
    mvchat_ws::answer(endpoint, request, chat, options, peer).await.into_response()
}
