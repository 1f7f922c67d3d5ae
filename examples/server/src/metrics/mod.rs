//! What the server measures, for Prometheus, at an address of its own.

mod collect;
mod edge;
mod process;

use std::{fmt, sync::Arc};

use axum::{
    Json, Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use mvchat_core::{
    Chat,
    engine::{
        Health,
        metrics::{self, Family, Info, Value},
    },
};
use prometheus_client::{encoding::text, registry::Registry};

use collect::Collected;
pub use edge::EdgeCounts;
pub(crate) use edge::Refused;

const BUILD: Info = Info::gauge("mvchat_build", &["version"], "1, with the version of the program.");

/// What there is to read out: the engine, the accept loop, the process.
#[derive(Clone)]
pub struct Source {
    chat: Chat,
    edge: Arc<EdgeCounts>,
}

impl Source {
    /// Puts the parts together.
    pub fn new(chat: Chat, edge: Arc<EdgeCounts>) -> Self {
        Self { chat, edge }
    }

    /// Reads everything out, in the order of [`catalogue`].
    pub fn families(&self) -> Vec<Family> {
        let build = Family::new(BUILD).with([env!("CARGO_PKG_VERSION")], Value::Gauge(1.0));
        let mut families = vec![build];
        families.extend(self.chat.metrics());
        families.extend(self.edge.families());
        families.extend(process::families());
        families
    }

    /// Writes everything in the text format of OpenMetrics 1.0.
    ///
    /// # Errors
    /// If a value can't be written.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Collected::new(self.families())));
        let mut out = String::with_capacity(32 * 1024);
        text::encode(&mut out, &registry)?;
        Ok(out)
    }
}

/// Returns everything that the server measures, in the order in which it is read out.
pub fn catalogue() -> Vec<Info> {
    let parts = [&[BUILD][..], metrics::CATALOGUE, &edge::CATALOGUE, &process::CATALOGUE];
    parts.concat()
}

/// Returns the routes of the admin address: `GET /metrics`, and `GET /health` as for everybody.
pub fn routes(source: Source) -> Router {
    let chat = source.chat.clone();
    Router::new()
        .route("/metrics", get(async move || answer(&source)))
        .route("/health", get(async move || health(&chat)))
}

fn health(chat: &Chat) -> (StatusCode, Json<Health>) {
    let health = chat.health();
    let status = if health.status == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health))
}

fn answer(source: &Source) -> Response {
    const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match source.text() {
        Ok(text) => ([(header::CONTENT_TYPE, TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
