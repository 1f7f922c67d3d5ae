//! WebSockets.

use http::request::Parts;
use mvchat_core::Chat;
use mvchat_core::seam::{Peer, Principal};
use mvchat_ws::Options;
use std::net::SocketAddr;
use warp::reply::{Reply, Response};

/// Answers a request for a WebSocket and serves the connection in a task of its own: see [`mvchat_ws::upgrade`].
///
/// The peer's address is that of the extension `SocketAddr`, if the request has it. A
/// [`Principal`](mvchat_core::seam::Principal) among the extensions, put there by the app's own filters, is whom the
/// scheme `host` lets in.
pub async fn upgrade(request: Parts, chat: &Chat, options: &Options) -> Response {
    let mut parts = request;
    let peer = peer(&mut parts);
    mvchat_ws::upgrade(&mut parts, chat, options, peer).await.into_response()
}

/// Returns who is at the other end.
pub(crate) fn peer(parts: &mut Parts) -> Peer {
    let address = parts.extensions.get::<SocketAddr>();
    let peer = address.map_or_else(Peer::default, |address| Peer::from(*address));
    match parts.extensions.remove::<Principal>() {
        Some(principal) => peer.with_principal(principal),
        None => peer,
    }
}
