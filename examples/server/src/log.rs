//! Structured logs on standard error.
//!
//! Events name ids, places and counts; what people write and what must stay secret has no field.

use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer, filter::ParseError, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt,
};

use crate::{
    config::{LogConfig, LogFormat},
    traces::Traces,
};

/// Installs the process's subscriber, with what takes traces from it, and a panic hook that logs where a panic happened.
///
/// The hook leaves the panic's message out: it may quote the value that somebody sent.
///
/// # Errors
/// If a subscriber is installed already, or if `level` is no filter, which [`crate::config`] rules out.
pub fn init(
    config: &LogConfig,
    traces: Option<&Traces>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    subscriber(config, traces)?.try_init()?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place = place.as_deref(), "a task panicked");
    }));
    Ok(())
}

/// Makes a subscriber in which what is logged and what is traced are chosen apart.
fn subscriber(
    config: &LogConfig,
    traces: Option<&Traces>,
) -> Result<impl Subscriber + Send + Sync + use<>, ParseError> {
    let filter = EnvFilter::try_new(&config.level)?;
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let lines = match config.format {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    };
    Ok(registry().with(lines).with(traces.map(Traces::layer)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TracesConfig;
    use tokio::runtime::Handle;
    use tracing_subscriber::filter::LevelFilter;

    #[tokio::test]
    async fn spans_are_made_only_where_somebody_takes_them() {
        let log = LogConfig::default();
        let untraced = subscriber(&log, None).unwrap();
        assert_eq!(untraced.max_level_hint(), Some(LevelFilter::INFO));
        let config = TracesConfig { endpoint: "http://127.0.0.1:9".to_owned(), ..TracesConfig::default() };
        let traces = Traces::begin(&config, &Handle::current()).unwrap();
        let traced = subscriber(&log, traces.as_ref()).unwrap();
        assert_eq!(traced.max_level_hint(), Some(LevelFilter::DEBUG));
    }
}
