//! The running server: routes, accept loop, stop.

use std::{
    io::{self, Write},
    net::SocketAddr,
};

use axum::http::HeaderName;
use mvchat_core::Chat;
use mvchat_transport_axum::Options;
use tokio::{net::TcpListener, sync::oneshot};

use crate::{
    accept::{self, AcceptOptions, Drained},
    chat::{self, Serving},
    config::{Config, StoreKind},
    control, keeper,
    proxy::IdentityHeader,
    transport, web,
};

/// Serves on `listener` until `shutdown` is ready, then drains.
///
/// Announces the address on standard output when requests are answered.
///
/// # Errors
/// If keys or store can't be opened, the listener has no address, or standard output is closed.
pub async fn run(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let Serving { chat, mailer, keys_file } = chat::serve(&config).await?;
    let keeper = tokio::spawn(keeper::keep(chat.clone(), keeper::policy(&config.keys)));
    let foreign = keys_file.map(|file| tokio::spawn(file.keep()));
    let control = tokio::spawn(administer(chat.clone(), config.clone()));
    let origins = Options::default().allowed_origins(&config.server.allowed_origins);
    let app = transport::routes(config.transport, chat.clone(), origins).merge(web::routes());
    let options = accept_options(&config);
    let within = options.drain_timeout;
    let rest = config.server.shutdown_timeout.saturating_sub(within) / 2;
    announce(listener.local_addr()?)?;
    let (stop, stopping) = oneshot::channel::<()>();
    let shutdown = async {
        shutdown.await;
        drop(stop);
    };
    // Both at once: the accept loop waits for the upgraded connections that the drain ends.
    let drain = async {
        // Nothing is ever sent; the end of the sender is the signal.
        drop(stopping.await);
        chat.drain(within).await
    };
    let stopped = tokio::join!(accept::serve(listener, app, options, shutdown), drain);
    keeper.abort();
    control.abort();
    if let Some(foreign) = foreign {
        foreign.abort();
    }
    if let Some(mailer) = mailer {
        let lost = mailer.finish(rest).await;
        if lost > 0 {
            tracing::warn!(lost, "mails were not sent");
        }
    }
    match stopped {
        (Drained::All, true) => tracing::info!("stopped"),
        (Drained::All, false) => tracing::warn!("stopped with commands left"),
        (Drained::Cut { left }, _) => tracing::warn!(left, "stopped with connections left"),
    }
    Ok(())
}

/// Listens for administrators, if what is kept outlives the process.
async fn administer(chat: Chat, config: Config) {
    if config.store == StoreKind::Memory {
        return;
    }
    #[cfg(unix)]
    {
        let path = control::socket(&config.data_dir.0);
        if let Err(error) = control::listen(chat, &path).await {
            let path = path.display();
            tracing::warn!(%path, %error, "administrators can't be heard: stop the server to use `keys` and `user`");
        }
    }
    #[cfg(not(unix))]
    drop(chat);
}

/// Takes the accept loop's share of the configuration.
fn accept_options(config: &Config) -> AcceptOptions {
    let server = &config.server;
    AcceptOptions {
        header_timeout: server.read_timeout,
        idle_timeout: server.idle_timeout,
        max_connections: server.max_connections,
        // What is left of the time to stop is for mail and the store.
        drain_timeout: server.shutdown_timeout * 4 / 5,
        trusted_proxies: match server.use_x_forwarded_for {
            true => server.trusted_proxies.clone(),
            false => Vec::new(),
        },
        identity_header: config
            .auth
            .header
            .name
            .parse()
            .ok()
            .map(|name: HeaderName| IdentityHeader::new(name, config.auth.header.trusted.clone())),
        ..AcceptOptions::default()
    }
}

/// Prints the one line that says the server is ready; scripts wait for it.
fn announce(address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "mvchat is listening on http://{address}")?;
    out.flush()
}
