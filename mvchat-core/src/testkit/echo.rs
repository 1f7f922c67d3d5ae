//! A server that sends back what it hears, for conformance suites of transports.

use crate::proto::{Close, Frame};
use crate::seam::{Misuse, Transport};
use futures_util::{SinkExt, StreamExt};
use std::time::Duration;

/// How long a closed connection may take to end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Sends every message back until the connection ends, and ends it as the engine does.
pub async fn echo<T: Transport>(mut transport: T) {
    let close = loop {
        match transport.next().await {
            Some(Ok(frame @ (Frame::Text(_) | Frame::Binary(_)))) => {
                if transport.send(frame).await.is_err() {
                    return;
                }
            }
            Some(Ok(Frame::Close(_))) => break Close::Normal,
            Some(Ok(_)) => {}
            Some(Err(error)) => match error.downcast_ref::<Misuse>() {
                Some(Misuse(close)) => break *close,
                None => return,
            },
            None => return,
        }
    };
    let last = async {
        transport.send(Frame::Close(close)).await?;
        transport.close().await
    };
    // The peer may be gone already; then there is nobody to tell.
    drop(tokio::time::timeout(CLOSE_TIMEOUT, last).await);
}
