//! HTTP to a collector, on the server's own runtime.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Request, Response, Uri, header},
};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::{net::TcpStream, runtime::Handle, task::JoinSet, time::timeout};

/// How long one delivery may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);
/// A collector has little to say.
const LARGEST_ANSWER: usize = 64 * 1024;
/// How often failures are logged.
const SILENCE: Duration = Duration::from_mins(1);

/// A collector, with a connection for each delivery. They are seconds apart.
#[derive(Debug)]
pub(super) struct Collector {
    /// Whoever delivers is a thread without a runtime.
    runtime: Handle,
    complained: Mutex<Option<Instant>>,
}

impl Collector {
    pub(super) fn new(runtime: Handle) -> Self {
        Self { runtime, complained: Mutex::default() }
    }

    /// Logs why a delivery failed, unless there was a word about it a short time ago.
    fn complain(&self, why: &str) {
        let mut complained = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if complained.is_none_or(|last| last.elapsed() >= SILENCE) {
            *complained = Some(Instant::now());
            tracing::warn!(why, "traces can't be delivered");
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let delivered = self.runtime.spawn(async { timeout(TIMEOUT, deliver(request)).await }).await;
        let answer = match delivered {
            Ok(Ok(answer)) => answer,
            Ok(Err(late)) => Err(late.into()),
            Err(ended) => Err(ended.into()),
        };
        match &answer {
            Ok(answer) if !answer.status().is_success() => self.complain(answer.status().as_str()),
            Ok(_) => {}
            Err(error) => self.complain(&error.to_string()),
        }
        answer
    }
}

async fn deliver(mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let address = std::mem::take(request.uri_mut());
    let authority = address.authority().ok_or("no host")?;
    // IPv6 addresses are in brackets there.
    let host = authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    *request.uri_mut() = address.path_and_query().cloned().map_or_else(Uri::default, Uri::from);
    request.headers_mut().insert(header::HOST, HeaderValue::from_str(authority.as_str())?);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut beside = JoinSet::new();
    beside.spawn(connection);
    let (head, body) = sender.send_request(request.map(Body::from)).await?.into_parts();
    let body = axum::body::to_bytes(Body::new(body), LARGEST_ANSWER).await?;
    Ok(Response::from_parts(head, body))
}
