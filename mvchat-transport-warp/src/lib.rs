//! mvchat over warp: WebSocket and HTTP routes.
//!
//! [`routes`] is everything; combine it with own filters. An app that wants its own paths, filters or checks in front
//! uses the pieces: [`request`] extracts what [`upgrade`] answers with a WebSocket, and [`answer`] for any [`Endpoint`].
//!
//! ```
//! use mvchat_core::{Chat, builtin::MemoryStore};
//! use warp::{Filter, Reply, filters::BoxedFilter};
//!
//! # async fn app() -> Result<BoxedFilter<(impl Reply,)>, Box<dyn std::error::Error>> {
//! let chat = Chat::builder(MemoryStore::default()).build().await?;
//! let hello = warp::path::end().map(|| "mine");
//! let app = hello.or(mvchat_transport_warp::routes(chat));
//! # Ok(app.boxed())
//! # }
//! ```
//!
//! What `warp::serve` leaves to the app:
//!
//! * Small frames wait for one another in the system, because it does not set `TCP_NODELAY`, and it speaks HTTP/2 with
//!   whoever begins with it.
//! * It sets no deadline for the head of a request. A server that faces the internet puts a proxy in front, or accepts
//!   connections like the reference server does, over `warp::service`; the peer's address is then the extension
//!   `SocketAddr` of its requests.
//!
//! `warp::ws()` is not used: it can't be told how large its buffers are, and holds 128 KiB for every idle connection.

mod http;
mod ws;

pub use self::http::answer;
pub use mvchat_ws::{Endpoint, Options, Socket};
pub use ws::upgrade;

use ::http::request::Parts;
use ::http::{Extensions, HeaderMap, Method, Request, Uri};
use hyper::upgrade::OnUpgrade;
use mvchat_core::Chat;
use mvchat_core::seam::Principal;
use std::future::ready;
use std::net::SocketAddr;
use warp::filters::BoxedFilter;
use warp::path::{FullPath, Tail};
use warp::{Filter, Reply};

/// Returns the routes of a chat server, with the default [`Options`].
///
/// * `GET /v0/ws`, and `GET /v0/channels` with the same meaning: the WebSocket.
/// * `/health` with any method, `GET /ready`, `GET /version`: for whoever looks after the server.
/// * `POST /v0/login`, `GET` and `DELETE /v0/sessions`, `DELETE /v0/sessions/{session}`, `POST /v0/ticket`: what a
///   client needs that has no connection yet.
pub fn routes(chat: Chat) -> BoxedFilter<(impl Reply,)> {
    routes_with(chat, Options::default())
}

/// Returns the routes of a chat server: see [`routes`].
pub fn routes_with(chat: Chat, options: Options) -> BoxedFilter<(impl Reply,)> {
    let find = |rest: Tail| ready(Endpoint::of(rest.as_str()).ok_or_else(warp::reject::not_found));
    let endpoint = warp::path::tail().and_then(find);
    let handler = move |endpoint, request, body| {
        let (chat, options) = (chat.clone(), options.clone());
        async move { answer(endpoint, request, body, &chat, &options).await }
    };
    endpoint.and(request()).and(warp::body::stream()).then(handler).boxed()
}

/// Extracts a request, without its body.
///
/// Its extensions are the peer's address, what an upgrade needs, and a [`Principal`] if the request had one; others can't
/// be seen through warp.
pub fn request() -> BoxedFilter<(Parts,)> {
    let query = warp::query::raw().map(Some).or(warp::any().map(|| None)).unify();
    let extensions = warp::ext::optional::<OnUpgrade>()
        .and(warp::ext::optional::<Principal>())
        .and(warp::ext::optional::<SocketAddr>())
        .and(warp::addr::remote())
        .map(|upgrade: Option<OnUpgrade>, principal: Option<Principal>, own: Option<SocketAddr>, remote| {
            let mut extensions = Extensions::new();
            upgrade.and_then(|upgrade| extensions.insert(upgrade));
            principal.and_then(|principal| extensions.insert(principal));
            own.or(remote).and_then(|address| extensions.insert(address));
            extensions
        });
    let head = warp::method().and(warp::path::full()).and(query).and(warp::header::headers_cloned());
    head.and(extensions).map(parts).boxed()
}

fn parts(
    method: Method,
    path: FullPath,
    query: Option<String>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Parts {
    let (mut parts, ()) = Request::new(()).into_parts();
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    // Both come from a good one, so they make one again.
    parts.uri = Uri::try_from(format!("{}{query}", path.as_str())).unwrap_or_default();
    (parts.method, parts.headers, parts.extensions) = (method, headers, extensions);
    parts
}
