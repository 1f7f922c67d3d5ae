//! The app's own login, and what it tells the messenger.

use crate::accounts::{Account, Accounts};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use mvchat_core::seam::Principal;
use parking_lot::Mutex;
use serde::Deserialize;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

const NAME: &str = "app_session";

/// Who is logged in at the app, by the value of the cookie.
#[derive(Clone, Debug)]
pub struct Logins {
    accounts: Accounts,
    open: Arc<Mutex<HashMap<String, Account>>>,
}

impl Logins {
    /// Begins with nobody.
    pub fn new(accounts: Accounts) -> Self {
        Self { accounts, open: Arc::default() }
    }

    fn of(&self, headers: &HeaderMap) -> Option<Account> {
        let cookies = headers.get_all(COOKIE).into_iter().filter_map(|cookies| cookies.to_str().ok());
        let pairs =
            cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let value = pairs.filter(|(name, _)| *name == NAME).map(|(_, value)| value).next()?;
        self.open.lock().get(value).cloned()
    }
}

/// What the app's form sends.
#[derive(Deserialize)]
pub struct Form {
    login: String,
    password: String,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Form({})", self.login)
    }
}

/// `POST /login`: sets a cookie that no script reads and no other site's page sends.
pub async fn log_in(State(logins): State<Logins>, Json(form): Json<Form>) -> Response {
    let account = match logins.accounts.check(&form.login, form.password).await {
        Ok(Some(account)) => account.clone(),
        Ok(None) => return StatusCode::UNAUTHORIZED.into_response(),
        Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
    };
    let mut random = [0; 32];
    if getrandom::fill(&mut random).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let value = random.iter().fold(String::new(), |mut hex, byte| {
        // Writing into a string does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let cookie = format!("{NAME}={value}; Path=/; HttpOnly; SameSite=Strict");
    logins.open.lock().insert(value, account);
    ([(SET_COOKIE, cookie)], StatusCode::NO_CONTENT).into_response()
}

/// Says who is behind a request: the messenger's scheme `host` believes it.
pub async fn who_is_it(State(logins): State<Logins>, mut request: Request, next: Next) -> Response {
    if let Some(account) = logins.of(request.headers()) {
        request.extensions_mut().insert(Principal::new(account.user()));
    }
    next.run(request).await
}
