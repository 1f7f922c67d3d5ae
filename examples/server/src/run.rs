//! The running server: routes, accept loop, stop.

use std::{
    io::{self, Write},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use axum::http::HeaderName;
use mvchat_core::Chat;
use mvchat_transport_axum::Options;
use tokio::{net::TcpListener, sync::oneshot, task::JoinSet};

use crate::{
    accept::{self, AcceptOptions, Drained},
    chat::{self, Serving},
    config::{Config, StoreKind},
    control,
    guard::Guard,
    keeper,
    metrics::{self, Source},
    proxy::IdentityHeader,
    signal::Hangup,
    tls::Tls,
    transport, web,
};

/// Serves on `listener` until `shutdown` is ready, then drains.
///
/// Announces the address on standard output when requests are answered.
///
/// # Errors
/// If the certificate, keys or store can't be opened, the address for operators can't be had, the listener has no
/// address, or standard output is closed.
pub async fn run(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let tls = certificate(&config)?;
    let Serving { chat, mailer, keys_file } = chat::serve(&config).await?;
    // All of them end with the server.
    let mut beside = JoinSet::new();
    beside.spawn(keeper::keep(chat.clone(), keeper::policy(&config.keys)));
    if let Some(file) = keys_file {
        beside.spawn(file.keep());
    }
    let hangup = Hangup::catch()?;
    match tls.clone() {
        Some(tls) => beside.spawn(async move { tls.keep(hangup).await }),
        None => beside.spawn(hangup.ignore()),
    };
    beside.spawn(administer(chat.clone(), config.clone()));
    let entrance = Options::default()
        .allowed_origins(&config.server.allowed_origins)
        .query_token(config.auth.query_token)
        .message_timeout(config.server.message_timeout);
    let app = transport::routes(config.transport, chat.clone(), entrance).merge(web::routes());
    let options = accept_options(&config, tls);
    if let Some(address) = config.admin.listen {
        let source = Source::new(chat.clone(), Arc::clone(&options.counts));
        beside.spawn(admin(address, source).await?);
    }
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    let within = options.drain_timeout;
    let rest = config.server.shutdown_timeout.saturating_sub(within) / 2;
    announce(scheme, listener.local_addr()?)?;
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
    beside.shutdown().await;
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
fn accept_options(config: &Config, tls: Option<Arc<Tls>>) -> AcceptOptions {
    let server = &config.server;
    let trusted = if server.use_x_forwarded_for { server.trusted_proxies.clone() } else { Vec::new() };
    let this_machine = ["127.0.0.0/8", "::1/128"].iter().filter_map(|network| network.parse().ok());
    AcceptOptions {
        header_timeout: server.read_timeout,
        idle_timeout: server.idle_timeout,
        max_connections: server.max_connections,
        // What is left of the time to stop is for mail and the store.
        drain_timeout: server.shutdown_timeout * 4 / 5,
        max_per_address: server.max_connections_per_ip,
        uncapped: this_machine.chain(trusted.iter().copied()).collect(),
        trusted_proxies: trusted,
        guard: Guard::new(&server.allowed_origins, tls.is_some().then_some(server.tls.hsts)),
        tls,
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

/// Reads the certificate, if there is to be TLS.
fn certificate(config: &Config) -> io::Result<Option<Arc<Tls>>> {
    let tls = &config.server.tls;
    match tls.is_on() {
        true => Ok(Some(Arc::new(Tls::load(&tls.cert_file, &tls.key_file)?))),
        false => Ok(None),
    }
}

/// Listens for whoever collects metrics; the future serves them.
async fn admin(address: SocketAddr, source: Source) -> io::Result<impl Future<Output = ()> + Send> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {address}, which is admin.listen: {error}"))
    })?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "metrics are served");
    if !address.ip().to_canonical().is_loopback() {
        tracing::warn!(%address, "whoever reaches this address can read the metrics");
    }
    let options =
        AcceptOptions { max_connections: 64, drain_timeout: Duration::ZERO, ..AcceptOptions::default() };
    Ok(async move {
        // Until the server has stopped, so that the end can be watched, too.
        accept::serve(listener, metrics::routes(source), options, std::future::pending()).await;
    })
}

/// Prints the one line that says the server is ready; scripts wait for it.
fn announce(scheme: &str, address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "mvchat is listening on {scheme}://{address}")?;
    out.flush()
}
