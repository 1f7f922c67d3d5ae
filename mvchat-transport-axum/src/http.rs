//! The HTTP routes.

use axum::Json;
use axum::http::StatusCode;
use mvchat_core::Chat;
use mvchat_core::engine::Health;

/// Answers a health check; with the status 503 while the chat can't serve.
pub fn health(chat: &Chat) -> (StatusCode, Json<Health>) {
    let health = chat.health();
    let status = if health.status == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health))
}
