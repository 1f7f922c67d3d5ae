//! Bodies of requests.

use crate::respond::{Refused, failure, refusal};
use bytes::Buf;
use futures_util::{Stream, StreamExt};
use http::StatusCode;
use http::header::{self, HeaderMap};
use mvchat_core::{Chat, ErrorKind};
use std::pin::pin;
use std::time::Duration;

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads a body of JSON, which may be as long as a message on a connection.
pub(crate) async fn read<B: Buf, E>(
    headers: &HeaderMap,
    body: impl Stream<Item = Result<B, E>>,
    chat: &Chat,
) -> Result<Vec<u8>, Refused> {
    if !is_json(headers) {
        return Err(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a body is application/json"));
    }
    match tokio::time::timeout(PATIENCE, collect(body, chat.limits().max_message_size)).await {
        Ok(Some(Ok(bytes))) => Ok(bytes),
        Ok(Some(Err(_))) => Err(refusal(StatusCode::BAD_REQUEST, "the body broke off")),
        Ok(None) => Err(Box::new(failure(chat, &ErrorKind::TooLarge.into()))),
        Err(_) => Err(refusal(StatusCode::REQUEST_TIMEOUT, "the body took too long")),
    }
}

/// Puts a body together; `None` if it has more than `most` bytes.
async fn collect<B: Buf, E>(
    body: impl Stream<Item = Result<B, E>>,
    most: usize,
) -> Option<Result<Vec<u8>, E>> {
    let mut body = pin!(body);
    let mut whole = Vec::new();
    while let Some(part) = body.next().await {
        let mut part = match part {
            Ok(part) => part,
            Err(error) => return Some(Err(error)),
        };
        if part.remaining() > most - whole.len() {
            return None;
        }
        while part.has_remaining() {
            let chunk = part.chunk();
            whole.extend_from_slice(chunk);
            let length = chunk.len();
            part.advance(length);
        }
    }
    Some(Ok(whole))
}

/// Whether a body says that it is JSON. Forms and plain text don't pass, which foreign pages may send without being
/// asked first.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
