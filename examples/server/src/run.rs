//! The running server: routes, accept loop, stop.

use std::{
    io::{self, Write},
    net::SocketAddr,
};

use axum::{Json, Router, routing::get};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    accept::{self, AcceptOptions, Drained},
    config::Config,
};

/// Serves on `listener` until `shutdown` is ready, then drains.
///
/// Announces the address on standard output when requests are answered.
///
/// # Errors
/// If the listener has no address, or standard output is closed.
pub async fn run(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let app = Router::new().route("/health", get(health));
    announce(listener.local_addr()?)?;
    match accept::serve(listener, app, accept_options(&config), shutdown).await {
        Drained::All => tracing::info!("stopped"),
        Drained::Cut { left } => tracing::warn!(left, "stopped with connections left"),
    }
    Ok(())
}

/// Takes the accept loop's share of the configuration.
fn accept_options(config: &Config) -> AcceptOptions {
    let server = &config.server;
    AcceptOptions {
        header_timeout: server.read_timeout,
        idle_timeout: server.idle_timeout,
        max_connections: server.max_connections,
        // What is left of the time to stop is for the store.
        drain_timeout: server.shutdown_timeout * 4 / 5,
        trusted_proxies: match server.use_x_forwarded_for {
            true => server.trusted_proxies.clone(),
            false => Vec::new(),
        },
        ..AcceptOptions::default()
    }
}

/// Prints the one line that says the server is ready; scripts wait for it.
fn announce(address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "mvchat is listening on http://{address}")?;
    out.flush()
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}
