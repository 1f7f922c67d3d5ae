//! One accepted connection, until it ends or is upgraded.

use std::{convert::Infallible, future::ready, net::SocketAddr, pin::pin, sync::Arc};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    http::Response,
};
use futures_util::future::Either;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
};
use tower::ServiceExt;

use super::{
    AcceptOptions, MIN_BUFFER,
    deadline::Deadlined,
    phase::{Phase, PhaseCell, Tracked},
    slot::Slot,
};
use crate::{metrics::Refused, proxy};

/// Serves the requests of one connection; returns when it has ended, or has been handed over by an upgrade.
pub(super) async fn run(
    stream: TcpStream,
    peer: SocketAddr,
    slot: Slot,
    app: Router,
    options: Arc<AcceptOptions>,
    mut stop: watch::Receiver<()>,
) {
    tune(&stream);
    let phase = PhaseCell::new();
    let socket = Deadlined::new(stream, slot, phase.clone(), options.header_timeout, options.idle_timeout);
    let Some(tls) = &options.tls else {
        return serve(socket, phase, peer, app, &options, stop).await;
    };
    // The handshake has its share of the time for the first head.
    let shaken = tokio::select! {
        biased;
        _ = stop.changed() => return,
        shaken = tls.acceptor().accept(socket) => shaken,
    };
    match shaken {
        Ok(socket) => serve(socket, phase, peer, app, &options, stop).await,
        Err(error) => {
            options.counts.refused(Refused::Tls);
            tracing::debug!(%peer, %error, "no TLS came about");
        }
    }
}

async fn serve(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    phase: PhaseCell,
    peer: SocketAddr,
    app: Router,
    options: &AcceptOptions,
    mut stop: watch::Receiver<()>,
) {
    let service = service_fn(|mut request: hyper::Request<Incoming>| {
        phase.set(Phase::Serving);
        let client = proxy::client(peer, request.headers(), &options.trusted_proxies);
        if let Some(header) = &options.identity_header {
            header.keep_only_if_trusted(peer, request.headers_mut());
        }
        request.extensions_mut().insert(ConnectInfo(client));
        let (phase, guard) = (phase.clone(), &options.guard);
        let origin = guard.origin(request.headers());
        let answer = match guard.preflight(&request) {
            Some(answer) => Either::Left(ready(Ok(answer))),
            None => Either::Right(app.clone().oneshot(request.map(axum::body::Body::new) as Request)),
        };
        async move {
            let mut answer = answer.await?;
            guard.dress(origin, &mut answer);
            Ok::<Response<Tracked>, Infallible>(answer.map(|body| Tracked { body, phase }))
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        // The deadlines are the socket's. This one comes later; having it makes hyper read again when a
        // response is done, which is what starts the deadline for the next request.
        .header_read_timeout(options.header_timeout + options.idle_timeout)
        .max_buf_size(options.max_buffer.max(MIN_BUFFER));
    if options.max_headers != AcceptOptions::default().max_headers {
        http.max_headers(options.max_headers);
    }
    let mut connection = pin!(http.serve_connection(TokioIo::new(socket), service).with_upgrades());
    let ended = tokio::select! {
        biased;
        // An error says that the loop itself is gone, which asks for the same.
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        ended = connection.as_mut() => ended,
    };
    phase.set(Phase::Upgraded);
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

/// Sets what keeps small frames quick and dead peers short-lived; a socket that refuses works without.
fn tune(stream: &TcpStream) {
    let mut outcome = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    {
        /// How long sent bytes may go unacknowledged before the system gives the connection up.
        const UNACKNOWLEDGED: std::time::Duration = std::time::Duration::from_secs(20);
        let socket = socket2::SockRef::from(stream);
        outcome = outcome.and_then(|()| socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED)));
    }
    if let Err(error) = outcome {
        tracing::debug!(%error, "socket options refused");
    }
}
