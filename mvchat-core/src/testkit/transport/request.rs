//! Plain HTTP requests, written by hand.

use super::bed::soon;
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// The key of RFC 6455 §1.3, and what the server must make of it.
pub(super) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(super) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The headers of a good request for a WebSocket.
pub(super) const UPGRADE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", KEY),
];

/// The head of a response.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
}

impl Head {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Sends a request and returns the head of the response, and the connection behind it.
pub(super) async fn request(
    stream: TcpStream,
    line: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> (Head, BufReader<TcpStream>) {
    let mut stream = BufReader::with_capacity(4 * 1024, stream);
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let text = format!("{line} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    // A server may answer, and stop reading, before it has everything.
    drop(stream.write_all(&[text.as_bytes(), body].concat()).await);
    let mut lines = Vec::new();
    soon("the head of a response", async {
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.expect("a line of the head");
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
    })
    .await;
    let status = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let status = status.parse().unwrap_or_else(|_| panic!("no status in {lines:?}"));
    let headers = lines.iter().skip(1).filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    (Head { status, headers }, stream)
}

/// Sends a request on a connection of its own and returns the response.
pub(super) async fn ask(addr: SocketAddr, line: &str, headers: &[(&str, &str)]) -> (Head, String) {
    ask_with(addr, line, headers, b"").await
}

/// Sends a request with a body of JSON.
pub(super) async fn post(
    addr: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (Head, String) {
    let headers = [&[("Content-Type", "application/json")][..], headers].concat();
    ask_with(addr, &format!("POST {path}"), &headers, body.as_bytes()).await
}

/// Sends a request with a body.
pub(super) async fn ask_with(
    addr: SocketAddr,
    line: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> (Head, String) {
    let stream = TcpStream::connect(addr).await.expect("a connection");
    let length = body.len().to_string();
    let headers = match body.is_empty() {
        true => headers.to_vec(),
        false => [&[("Content-Length", length.as_str())][..], headers].concat(),
    };
    let (head, mut stream) = request(stream, line, &headers, body).await;
    let mut body = String::new();
    if head.status != 101 && !line.starts_with("HEAD ") {
        let length = head.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut bytes = vec![0; length];
        soon("the body of a response", stream.read_exact(&mut bytes)).await.expect("a body");
        body = String::from_utf8(bytes).expect("a body of text");
    }
    (head, body)
}
