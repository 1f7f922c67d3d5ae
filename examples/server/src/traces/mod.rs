//! Traces for a collector of OpenTelemetry: the engine's spans, by OTLP over HTTP.
//!
//! Spans wait in a bounded queue for a thread of its own, which sends some of them every few seconds. When the collector
//! can't be reached or is too slow, spans are lost, and nobody waits.

mod collector;

use std::time::Duration;

use mvchat_core::engine::SPANS;
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, filter_fn},
    registry::LookupSpan,
};

use crate::config::TracesConfig;
use collector::{Collector, TIMEOUT};

/// What is sent to a collector.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Begins to send with the tasks of a runtime, if there is a collector to send to.
    ///
    /// # Errors
    /// If the environment has settings of OpenTelemetry that don't fit together.
    pub fn begin(config: &TracesConfig, runtime: &Handle) -> Result<Option<Self>, ExporterBuildError> {
        if config.endpoint.is_empty() {
            return Ok(None);
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(runtime.clone()))
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", config.endpoint))
            .with_timeout(TIMEOUT)
            .build()?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name(config.service.clone()).with_attribute(version);
        let kept = Sampler::TraceIdRatioBased(1.0 / f64::from(config.one_in));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(kept)))
            .with_resource(resource.build())
            .build();
        Ok(Some(Self { provider }))
    }

    /// Returns what takes the engine's spans, and nothing else, from a subscriber; what is logged makes no difference.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let ours = filter_fn(|metadata| metadata.is_span() && metadata.target() == SPANS);
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("mvchat"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(ours.with_max_level_hint(LevelFilter::DEBUG))
    }

    /// Sends what is left, for so long at most. Blocks.
    pub fn finish(self, within: Duration) {
        if let Err(error) = self.provider.shutdown_with_timeout(within) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}
