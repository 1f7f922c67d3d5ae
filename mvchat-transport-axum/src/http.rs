//! The HTTP routes.

use axum::Json;
use mvchat_core::Chat;
use mvchat_core::engine::Health;

/// Answers a health check.
pub fn health(chat: &Chat) -> Json<Health> {
    Json(chat.health())
}
