//! The WebSocket route.

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use mvchat_core::Chat;
use mvchat_core::engine::Peer;
use mvchat_ws::Options;
use std::net::SocketAddr;

/// Answers a request for a WebSocket and serves the connection in a task of its own: see [`mvchat_ws::upgrade`].
///
/// The peer's address is that of the extension `ConnectInfo<SocketAddr>`, if the request has it.
pub fn upgrade(request: Request, chat: &Chat, options: &Options) -> Response {
    let (mut parts, _) = request.into_parts();
    let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = address.map_or_else(Peer::default, |ConnectInfo(address)| Peer::from(*address));
    mvchat_ws::upgrade(&mut parts, chat, options, peer).map(Body::from)
}
