//! Requests that end with their answer.

use crate::ws::peer;
use http::request::Parts;
use mvchat_core::Chat;
use mvchat_ws::{Endpoint, Options};
use warp::reply::{Reply, Response};

/// Answers a request for an endpoint, whatever its path: see [`mvchat_ws::answer`].
pub async fn answer(endpoint: Endpoint, request: Parts, chat: &Chat, options: &Options) -> Response {
    let mut parts = request;
    let peer = peer(&mut parts);
    mvchat_ws::answer(endpoint, &mut parts, chat, options, peer).into_response()
}
