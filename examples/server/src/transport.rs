//! The chat's routes, on the web framework that the configuration names.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::Mutex,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request},
    response::Response,
    routing::any,
};
use hyper::body::{Frame, SizeHint};
use mvchat_core::Chat;
use mvchat_transport_axum::{Endpoint, Options};
use tower::ServiceExt;

use crate::config::TransportKind;

/// Returns the routes of the chat. Whatever answers them, connections are accepted in the same way.
pub(crate) fn routes(kind: TransportKind, chat: Chat, options: Options) -> Router {
    match kind {
        TransportKind::Axum => mvchat_transport_axum::router_with(chat, options),
        TransportKind::Warp => warp_routes(chat, options),
    }
}

fn warp_routes(chat: Chat, options: Options) -> Router {
    let service = warp::service(mvchat_transport_warp::routes_with(chat, options));
    let handler = async move |mut request: Request| -> Response {
        if let Some(ConnectInfo(address)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() {
            request.extensions_mut().insert(address);
        }
        let Ok(response) = service.clone().oneshot(request.map(Shared::new)).await;
        response.map(Body::new)
    };
    Endpoint::PATHS.iter().fold(Router::new(), |router, (path, _)| router.route(path, any(handler.clone())))
}

/// A body that several threads may hold, as warp demands; only one ever reads it.
#[derive(Debug)]
struct Shared(Mutex<Body>);

impl Shared {
    fn new(body: Body) -> Self {
        Self(Mutex::new(body))
    }
}

impl hyper::body::Body for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let body = self.0.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        Pin::new(body).poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        // The head says how much there is; whoever reads stops at a bound of its own.
        SizeHint::default()
    }
}
