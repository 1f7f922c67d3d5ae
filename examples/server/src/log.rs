//! Structured logs on standard error.
//!
//! Events name ids, places and counts; what people write and what must stay secret has no field.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Installs the process's subscriber and a panic hook that logs where a panic happened.
///
/// The hook leaves the panic's message out: it may quote the value that somebody sent.
///
/// # Errors
/// If a subscriber is installed already, or if `level` is no filter, which [`crate::config`] rules out.
pub fn init(config: &LogConfig) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&config.level)?)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match config.format {
        LogFormat::Text => builder.try_init()?,
        LogFormat::Json => builder.json().flatten_event(true).try_init()?,
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place = place.as_deref(), "a task panicked");
    }));
    Ok(())
}
