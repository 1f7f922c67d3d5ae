//! mvchat over axum: WebSocket and HTTP routes.
//!
//! [`router`] is everything; merge it into an own one. An app that wants its own paths, middleware or checks in
//! front uses the pieces: [`upgrade`] answers a request for a WebSocket, [`answer`] one for any [`Endpoint`].
//!
//! ```
//! use axum::{Router, extract::State, routing::get};
//! use mvchat_core::{Chat, builtin::MemoryStore};
//!
//! # async fn app() -> Result<Router, Box<dyn std::error::Error>> {
//! #[derive(Clone)]
//! struct App {
//!     name: &'static str,
//! }
//!
//! let chat = Chat::builder(MemoryStore::default()).build().await?;
//! let app = Router::new()
//!     .route("/", get(|State(app): State<App>| async move { app.name }))
//!     .merge(mvchat_transport_axum::router(chat))
//!     .with_state(App { name: "mine" });
//! # Ok(app)
//! # }
//! ```
//!
//! What `axum::serve` leaves to the app:
//!
//! * The peers' addresses, for the logs: serve `into_make_service_with_connect_info::<SocketAddr>()`.
//! * Small frames wait for one another in the system unless the listener sets `TCP_NODELAY`:
//!   `listener.tap_io(|stream| drop(stream.set_nodelay(true)))` with `axum::serve::ListenerExt`.
//! * It sets no deadline for the head of a request. A server that faces the internet puts a proxy in front, or accepts
//!   connections like the reference server does.

mod http;
mod ws;

pub use http::answer;
pub use mvchat_ws::{Endpoint, Options, Socket};
pub use ws::upgrade;

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use mvchat_core::Chat;

/// Returns the routes of a chat server, with the default [`Options`].
///
/// * `GET /v0/ws`, and `GET /v0/channels` with the same meaning: the WebSocket.
/// * `/health` with any method, `GET /ready`, `GET /version`: for whoever looks after the server.
/// * `POST /v0/login`, `GET` and `DELETE /v0/sessions`, `DELETE /v0/sessions/{session}`, `POST /v0/ticket`: what a
///   client needs that has no connection yet.
pub fn router<S>(chat: Chat) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    router_with(chat, Options::default())
}

/// Returns the routes of a chat server: see [`router`].
pub fn router_with<S>(chat: Chat, options: Options) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Endpoint::PATHS.into_iter().fold(Router::new(), |router, (path, endpoint)| {
        let (chat, options) = (chat.clone(), options.clone());
        let handler = async move |request: Request| answer(endpoint, request, &chat, &options).await;
        router.route(path, any(handler))
    })
}
