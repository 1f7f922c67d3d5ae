//! Tokens and tickets in addresses: taken where the configuration says so, and never written to the log.

use crate::support::{Data, Wire, soon};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;

/// Opens a WebSocket with a query; returns the first frame, or the status of the refusal.
async fn enter(url: &str, query: &str) -> Result<(Wire, Value), u16> {
    match soon("an answer", connect_async(format!("{url}?{query}"))).await {
        Ok((socket, _)) => {
            let mut wire = Wire::over(socket);
            let first = wire.frame().await.unwrap();
            Ok((wire, first))
        }
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

/// Makes a request with a token and returns the body of the answer.
async fn ask(server: std::net::SocketAddr, line: &str, token: &str) -> Value {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let head = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n");
    let request = format!("{head}Authorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    serde_json::from_str(body).unwrap()
}

async fn secrets_in_addresses(transport: &str) {
    let mut data = Data::new().with("MVCHAT_LOG", "trace").with("MVCHAT_TRANSPORT", transport);
    let server = data.start();
    let alice = Wire::sign_up(&server, "alice").await;
    let query = format!("token={}", alice.token);
    assert_eq!(enter(&server.url(), &query).await.err(), Some(401));

    let ticket = ask(server.address, "POST /v0/ticket", &alice.token).await["ticket"].take();
    let ticket = ticket.as_str().unwrap().to_owned();
    let (mut wire, first) = enter(&server.url(), &format!("ticket={ticket}")).await.ok().unwrap();
    assert_eq!(first["ctrl"]["params"]["user"], json!(alice.id), "{first}");
    assert_eq!(wire.ok(json!({"session": {"list": true}})).await["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(enter(&server.url(), &format!("ticket={ticket}")).await.err(), Some(401));
    let ready = ask(server.address, "GET /ready", &alice.token).await;
    assert_eq!(ready["status"], "ok", "{ready}");
    server.kill();

    let mut data = data.with("MVCHAT_AUTH_QUERY_TOKEN", "true");
    let server = data.start();
    let (_, first) = enter(&server.url(), &query).await.ok().unwrap();
    assert_eq!(first["ctrl"]["params"]["user"], json!(alice.id), "{first}");
    assert_eq!(enter(&server.url(), &format!("{query}x")).await.err(), Some(401));
    server.kill();

    let log = std::fs::read_to_string(data.log()).unwrap();
    assert_eq!(log.matches("an upgrade was refused").count(), 3, "{log}");
    assert!(log.contains("/v0/ws?token=…") && log.contains("/v0/ws?ticket=…"), "{log}");
    for secret in [&alice.token, &ticket, &alice.token[..40], &ticket[..40]] {
        assert!(!log.contains(secret), "a secret is in the log");
    }
}

#[tokio::test]
async fn secrets_in_addresses_are_not_logged() {
    secrets_in_addresses("axum").await;
}

#[tokio::test]
async fn secrets_in_addresses_are_not_logged_over_warp() {
    secrets_in_addresses("warp").await;
}
