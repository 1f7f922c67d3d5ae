//! Laws about requests and their answers.

use super::bed::{Bed, Server};
use super::client::Client;
use super::request::{ACCEPT, KEY, UPGRADE, ask};
use crate::testkit::runner::{Law, law};
use serde_json::{Value, json};
use tokio::net::TcpStream;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(the_handshake_is_that_of_the_rfc),
    law!(both_endpoints_are_the_same),
    law!(words_of_the_handshake_have_no_case),
    law!(no_upgrade_without_asking),
    law!(other_versions_are_refused),
    law!(a_missing_key_is_refused),
    law!(other_methods_are_refused),
    law!(origins_are_matched_exactly),
    law!(no_list_lets_every_origin_in),
    law!(health_is_told),
];

async fn status(server: &Server, line: &str, headers: &[(&str, &str)]) -> u16 {
    ask(server.addr, line, headers).await.0.status
}

/// The headers of a good request without one of them.
fn without(name: &str) -> Vec<(&'static str, &'static str)> {
    UPGRADE.into_iter().filter(|(known, _)| *known != name).collect()
}

async fn the_handshake_is_that_of_the_rfc(bed: Bed) {
    let server = bed.start().await;
    let mut headers = UPGRADE.to_vec();
    headers.push(("Sec-WebSocket-Extensions", "permessage-deflate"));
    let (head, _) = ask(server.addr, "GET /v0/ws", &headers).await;
    assert_eq!(head.status, 101);
    assert_eq!(head.header("sec-websocket-accept"), Some(ACCEPT));
    let word = |name| head.header(name).map(str::to_lowercase);
    assert_eq!(word("connection").as_deref(), Some("upgrade"));
    assert_eq!(word("upgrade").as_deref(), Some("websocket"));
    // What is not said was not agreed on.
    assert_eq!(head.header("sec-websocket-extensions"), None);
    assert_eq!(head.header("sec-websocket-protocol"), None);
}

async fn both_endpoints_are_the_same(bed: Bed) {
    let server = bed.start().await;
    for path in ["/v0/ws", "/v0/channels", "/v0/ws?from=somewhere"] {
        let stream = TcpStream::connect(server.addr).await.unwrap();
        Client::upgrade(stream, path).await.works().await;
    }
    assert_eq!(status(&server, "GET /v0/elsewhere", &UPGRADE).await, 404);
}

async fn words_of_the_handshake_have_no_case(bed: Bed) {
    let server = bed.start().await;
    let headers = [
        ("connection", "keep-alive, upgrade"),
        ("UPGRADE", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("SEC-WEBSOCKET-KEY", KEY),
    ];
    assert_eq!(status(&server, "GET /v0/ws", &headers).await, 101);
}

async fn no_upgrade_without_asking(bed: Bed) {
    let server = bed.start().await;
    for headers in [vec![], without("Upgrade"), without("Connection")] {
        let status = status(&server, "GET /v0/ws", &headers).await;
        assert!(matches!(status, 400 | 426), "{status} for {headers:?}");
    }
}

async fn other_versions_are_refused(bed: Bed) {
    let server = bed.start().await;
    for version in [None, Some("8"), Some("14")] {
        let mut headers = without("Sec-WebSocket-Version");
        headers.extend(version.map(|version| ("Sec-WebSocket-Version", version)));
        let (head, _) = ask(server.addr, "GET /v0/ws", &headers).await;
        assert!(matches!(head.status, 400 | 426), "{head:?}");
        if head.status == 426 {
            assert_eq!(head.header("sec-websocket-version"), Some("13"));
        }
    }
}

async fn a_missing_key_is_refused(bed: Bed) {
    let server = bed.start().await;
    assert_eq!(status(&server, "GET /v0/ws", &without("Sec-WebSocket-Key")).await, 400);
}

async fn other_methods_are_refused(bed: Bed) {
    let server = bed.start().await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let mut headers = UPGRADE.to_vec();
        headers.push(("Content-Length", "0"));
        assert_eq!(status(&server, &format!("{method} /v0/ws"), &headers).await, 405, "{method}");
    }
}

async fn origins_are_matched_exactly(bed: Bed) {
    let server = bed.start_with(|_| (), &["https://a.example", "http://localhost:8080"]).await;
    let cases = [
        (None, 101),
        (Some("https://a.example"), 101),
        (Some("http://localhost:8080"), 101),
        (Some("http://a.example"), 403),
        (Some("https://a.example:8443"), 403),
        (Some("https://b.a.example"), 403),
        (Some("https://a.example.evil.example"), 403),
        (Some("https://a.exampl"), 403),
        (Some("http://localhost"), 403),
        (Some("null"), 403),
    ];
    for path in ["/v0/ws", "/v0/channels"] {
        for (origin, expected) in cases {
            let mut headers = UPGRADE.to_vec();
            headers.extend(origin.map(|origin| ("Origin", origin)));
            assert_eq!(status(&server, &format!("GET {path}"), &headers).await, expected, "{origin:?}");
        }
    }
}

async fn no_list_lets_every_origin_in(bed: Bed) {
    let server = bed.start().await;
    let mut headers = UPGRADE.to_vec();
    headers.push(("Origin", "https://anywhere.example"));
    assert_eq!(status(&server, "GET /v0/ws", &headers).await, 101);
}

async fn health_is_told(bed: Bed) {
    let server = bed.start().await;
    let _stranger = server.connect().await;
    let alice = server.user("alice").await;
    let mut phone = server.connect().await;
    let ctrl = phone.ask(json!({"login": {"scheme": "token", "secret": alice.token}})).await;
    assert_eq!(ctrl["code"], 200, "{ctrl}");
    let _bobby = server.user("bobby").await;
    for method in ["GET", "POST", "DELETE"] {
        let (head, body) = ask(server.addr, &format!("{method} /health"), &[("Content-Length", "0")]).await;
        assert_eq!(head.status, 200);
        assert!(head.header("content-type").is_some_and(|kind| kind.starts_with("application/json")));
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body, json!({"status": "ok", "sessions": 3, "online": 2}));
    }
}
