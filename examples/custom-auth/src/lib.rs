//! A messenger for an app that has its own users and its own login.
//!
//! The app stays what it is: a table of users ([`accounts`]), a login that sets a cookie ([`login`]). Three things
//! connect it with the messenger: its middleware says who is behind a request, its table names people ([`names`]), and
//! the chat is built without passwords of its own. A page that has logged in at the app opens the WebSocket, to which
//! the browser adds the cookie, and sends `{"login":{"scheme":"host"}}`.

pub mod accounts;
pub mod login;
pub mod names;

use crate::accounts::Accounts;
use crate::login::Logins;
use crate::names::Names;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::post;
use mvchat_core::builtin::auth::HostPrincipal;
use mvchat_core::engine::BuildError;
use mvchat_core::{Chat, ChatBuilder};

/// Puts the app and its messenger together; `chat` brings the store and the keys.
///
/// # Errors
/// If the chat can't be built.
pub async fn app(accounts: Accounts, chat: ChatBuilder) -> Result<(Router, Chat), BuildError> {
    let chat = chat.without_passwords().authenticator(HostPrincipal).directory(Names(accounts.clone()));
    let chat = chat.build().await?;
    let logins = Logins::new(accounts);
    let app = Router::new()
        .route("/login", post(login::log_in))
        .merge(mvchat_transport_axum::router(chat.clone()))
        .layer(from_fn_with_state(logins.clone(), login::who_is_it))
        .with_state(logins);
    Ok((app, chat))
}
