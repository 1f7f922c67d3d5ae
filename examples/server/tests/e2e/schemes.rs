//! Logging in otherwise than with a password, as the configuration says.

use crate::support::{Data, Server, Wire, soon};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio_tungstenite::connect_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const SECRET: &str = "the secret that the issuer shares with the chat";

fn login(scheme: &str, secret: &str) -> Value {
    json!({"login": {"scheme": scheme, "secret": secret}})
}

async fn code(server: &Server, request: Value) -> Value {
    Wire::connect(server).await.ask(request).await["code"].take()
}

/// Makes a token that is good for ten minutes.
fn token(claims: Value, secret: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut all = json!({"iss": "https://id.example.org", "aud": "chat", "sub": "ana", "exp": now + 600});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encode(&json!({"alg": "HS256", "typ": "JWT"})), encode(&all));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn guests_come_only_where_they_are_wanted() {
    let mut data = Data::new();
    let server = data.start();
    assert_eq!(code(&server, login("anonymous", "Gus")).await, 400);
    server.kill();
    data = data.with("MVCHAT_AUTH_GUESTS", "1d");
    let server = data.start();
    let mut guest = Wire::connect(&server).await;
    let params = guest.ok(login("anonymous", "Gus")).await;
    assert_eq!(params["desc"]["public"]["fn"], "Gus");
}

#[tokio::test]
async fn tokens_of_an_issuer_let_in() {
    let mut data = Data::new();
    let file = data.path().with_extension("issuer");
    fs::write(&file, SECRET).unwrap();
    data = data
        .with("MVCHAT_AUTH_JWT_ISSUER", "https://id.example.org")
        .with("MVCHAT_AUTH_JWT_AUDIENCE", "chat")
        .with("MVCHAT_AUTH_JWT_KEYS_FILE", file.to_str().unwrap())
        .with("MVCHAT_AUTH_PASSWORDS", "false");
    let server = data.start();
    let mut ana = Wire::connect(&server).await;
    let first = ana.ok(login("jwt", &token(json!({"name": "Ana"}), SECRET))).await;
    assert_eq!(first["desc"]["public"]["fn"], "Ana");
    let again = Wire::connect(&server).await.ok(login("jwt", &token(json!({}), SECRET))).await;
    assert_eq!(again["user"], first["user"]);
    for bad in [
        token(json!({"iss": "https://evil.example"}), SECRET),
        token(json!({"aud": "mail"}), SECRET),
        token(json!({"exp": 1}), SECRET),
        token(json!({}), "another secret, as long as the other one is"),
    ] {
        assert_eq!(code(&server, login("jwt", &bad)).await, 401, "{bad}");
    }
    let account = json!({"acc": {"user": "new", "scheme": "basic", "secret": "YW5hYTpwYXNzd29yZA=="}});
    assert_eq!(code(&server, account).await, 403, "there are no passwords");
    assert_eq!(code(&server, login("token", again["token"].as_str().unwrap())).await, 200);
}

/// Logs in by the header, as a proxy at this machine would.
async fn by_header(server: &Server, name: &str, forwarded: Option<&str>) -> Value {
    let mut request = server.url().into_client_request().unwrap();
    request.headers_mut().append("X-User", name.parse().unwrap());
    if let Some(forwarded) = forwarded {
        request.headers_mut().append("X-Forwarded-For", forwarded.parse().unwrap());
    }
    let connected = soon("a connection", connect_async_with_config(request, None, true)).await;
    Wire::over(connected.unwrap().0).ask(login("header", "")).await
}

#[tokio::test]
async fn a_header_lets_in_from_trusted_proxies_only() {
    let mut data = Data::new().with("MVCHAT_AUTH_HEADER_NAME", "X-User");
    let server = data.start();
    let ana = by_header(&server, "ana", None).await;
    assert_eq!(ana["code"], 200, "{ana}");
    assert_eq!(code(&server, login("header", "")).await, 401, "without the header");
    server.kill();
    // A proxy that is trusted is so for clients from everywhere.
    data = data.with("MVCHAT_SERVER_USE_X_FORWARDED_FOR", "true");
    let server = data.start();
    assert_eq!(by_header(&server, "ana", Some("203.0.113.7")).await["code"], 200);
    server.kill();
    // Whoever claims to be forwarded from a trusted network is not the proxy that is trusted.
    data = data.with("MVCHAT_AUTH_HEADER_TRUSTED", "10.0.0.0/8");
    let server = data.start();
    assert_eq!(by_header(&server, "ana", Some("10.0.0.1")).await["code"], 401);
}
