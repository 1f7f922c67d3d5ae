//! WebSockets.

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::request::Parts;
use axum::response::Response;
use mvchat_core::Chat;
use mvchat_core::seam::{Peer, Principal};
use mvchat_ws::Options;
use std::net::SocketAddr;

/// Answers a request for a WebSocket and serves the connection in a task of its own: see [`mvchat_ws::upgrade`].
///
/// The peer's address is that of the extension `ConnectInfo<SocketAddr>`, if the request has it. A
/// [`Principal`](mvchat_core::seam::Principal) among the extensions, put there by the app's own middleware, is whom the
/// scheme `host` lets in.
pub async fn upgrade(request: Request, chat: &Chat, options: &Options) -> Response {
    let (mut parts, _) = request.into_parts();
    let peer = peer(&mut parts);
    mvchat_ws::upgrade(&mut parts, chat, options, peer).await.map(Body::from)
}

/// Returns who is at the other end.
pub(crate) fn peer(parts: &mut Parts) -> Peer {
    let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = address.map_or_else(Peer::default, |ConnectInfo(address)| Peer::from(*address));
    match parts.extensions.remove::<Principal>() {
        Some(principal) => peer.with_principal(principal),
        None => peer,
    }
}
