//! A WebSocket client that can also do what no client should.

use super::bed::soon;
use super::request::{Head, UPGRADE, request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// First bytes of frames: FIN and the kind (RFC 6455 §5.2).
pub(super) const TEXT: u8 = 0x81;
pub(super) const BINARY: u8 = 0x82;
pub(super) const CLOSE: u8 = 0x88;
pub(super) const PING: u8 = 0x89;
pub(super) const PONG: u8 = 0x8a;
pub(super) const TEXT_BEGINS: u8 = 0x01;
pub(super) const CONTINUES: u8 = 0x00;
pub(super) const ENDS: u8 = 0x80;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(super) struct Client {
    pub(super) stream: BufReader<TcpStream>,
    kept: VecDeque<Value>,
    ids: u64,
    pub(super) token: String,
    pub(super) user: String,
}

/// What a client receives.
#[derive(Debug, PartialEq)]
pub(super) enum Received {
    Text(Value),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16),
    /// The connection's end.
    End,
}

/// Makes a frame as clients must.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(first, 0x80, payload.len());
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Makes a frame as only servers may.
pub(super) fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(first, 0, payload.len());
    frame.extend(payload);
    frame
}

fn head(first: u8, mask: u8, length: usize) -> Vec<u8> {
    let mut head = vec![first];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..126), _) => head.push(mask | length),
        (_, Ok(length)) => {
            head.push(mask | 126);
            head.extend(length.to_be_bytes());
        }
        _ => {
            head.push(mask | 127);
            head.extend((length as u64).to_be_bytes());
        }
    }
    head
}

impl Client {
    pub(super) async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.expect("a connection");
        Self::upgrade(stream, "/v0/ws").await
    }

    /// Makes a WebSocket of a connection.
    pub(super) async fn upgrade(stream: TcpStream, path: &str) -> Self {
        match Self::upgrade_with(stream, path, &[]).await {
            (_, Some(client)) => client,
            (head, None) => panic!("{head:?}"),
        }
    }

    /// Asks for a WebSocket with more headers; returns the head of the answer, and the client if that grants it.
    pub(super) async fn upgrade_with(
        stream: TcpStream,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (Head, Option<Self>) {
        stream.set_nodelay(true).expect("an option of sockets");
        let headers = [&UPGRADE[..], headers].concat();
        let (head, stream) = request(stream, &format!("GET {path}"), &headers, b"").await;
        let granted = head.status == 101;
        let client =
            Self { stream, kept: VecDeque::new(), ids: 0, token: String::new(), user: String::new() };
        (head, granted.then_some(client))
    }

    pub(super) async fn sign_up(&mut self, name: &str) {
        let secret = STANDARD.encode(format!("{name}:password-{name}"));
        let request = json!({"acc": {
            "user": "new", "scheme": "basic", "secret": secret, "login": true,
            "desc": {"public": {"fn": name}},
        }});
        let ctrl = self.ask(request).await;
        assert_eq!(ctrl["code"], 201, "{ctrl}");
        self.token = ctrl["params"]["token"].as_str().unwrap_or_default().to_owned();
        self.user = ctrl["params"]["user"].as_str().unwrap_or_default().to_owned();
    }

    /// Opens the direct conversation with another user and returns its id.
    pub(super) async fn dm(&mut self, other: &Client) -> Value {
        let ctrl = self.ask(json!({"dm": {"user": other.user}})).await;
        ctrl["params"]["conv"].clone()
    }

    /// Sends bytes as they are.
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        soon("room to send", self.stream.write_all(bytes.as_ref())).await.expect("the bytes leave");
    }

    pub(super) async fn send_text(&mut self, text: impl AsRef<str>) {
        self.send(frame(TEXT, text.as_ref().as_bytes())).await;
    }

    /// Sends a request under a fresh id and returns the id.
    pub(super) async fn begin(&mut self, mut request: Value) -> String {
        self.ids += 1;
        let id = self.ids.to_string();
        request["id"] = Value::from(id.as_str());
        self.send_text(request.to_string()).await;
        id
    }

    /// Sends a request and returns its `ctrl`.
    pub(super) async fn ask(&mut self, request: Value) -> Value {
        let id = self.begin(request).await;
        self.reply(&id).await
    }

    /// Waits for the `ctrl` with an id; what comes before is kept for [`text`](Client::text).
    pub(super) async fn reply(&mut self, id: &str) -> Value {
        loop {
            match self.receive().await {
                Received::Text(mut text) if text["ctrl"]["id"] == id => return text["ctrl"].take(),
                Received::Text(text) => self.kept.push_back(text),
                Received::Ping(_) | Received::Pong(_) => {}
                end => panic!("{end:?} before the reply to {id}"),
            }
        }
    }

    /// Checks that the connection works.
    pub(super) async fn works(&mut self) {
        let ctrl = self.ask(json!({"hi": {}})).await;
        assert_eq!(ctrl["code"].as_u64().map(|code| code / 100), Some(2), "{ctrl}");
    }

    /// Returns the next text.
    pub(super) async fn text(&mut self) -> Value {
        if let Some(text) = self.kept.pop_front() {
            return text;
        }
        loop {
            match self.receive().await {
                Received::Text(text) => return text,
                Received::Ping(_) | Received::Pong(_) => {}
                end => panic!("{end:?} instead of a text"),
            }
        }
    }

    /// Waits for the close and returns the texts before it and its code; then the connection must end.
    pub(super) async fn closed(&mut self) -> (Vec<Value>, u16) {
        let mut texts: Vec<_> = self.kept.drain(..).collect();
        let code = loop {
            match self.receive().await {
                Received::Text(text) => texts.push(text),
                Received::Close(code) => break code,
                Received::End => panic!("the connection ended without a close, after {texts:?}"),
                Received::Ping(_) | Received::Pong(_) => {}
            }
        };
        // A server that has ended already does not read this.
        drop(self.stream.write_all(&frame(CLOSE, &code.to_be_bytes())).await);
        assert_eq!(self.receive().await, Received::End);
        drop(self.stream.shutdown().await);
        (texts, code)
    }

    /// Receives a whole message or a control frame.
    pub(super) async fn receive(&mut self) -> Received {
        let mut message = Vec::new();
        loop {
            let Some((first, payload)) = soon("a frame", self.read()).await else { return Received::End };
            match first {
                PING => return Received::Ping(payload),
                PONG => return Received::Pong(payload),
                CLOSE => {
                    let code = payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
                    return Received::Close(code);
                }
                TEXT | TEXT_BEGINS if message.is_empty() => message = payload,
                CONTINUES | ENDS => message.extend(payload),
                other => panic!("a server may not send {other:#x}"),
            }
            if matches!(first, TEXT | ENDS) {
                let value = serde_json::from_slice(&message);
                return Received::Text(value.expect("every message of the server is JSON"));
            }
        }
    }

    /// Reads a frame as servers send them: not masked.
    async fn read(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = self.stream.read_u8().await.ok()?;
        let length = match self.stream.read_u8().await.ok()? {
            126 => u64::from(self.stream.read_u16().await.ok()?),
            127 => self.stream.read_u64().await.ok()?,
            length @ ..126 => u64::from(length),
            masked => panic!("a server may not mask: {masked:#x}"),
        };
        let mut payload = vec![0; usize::try_from(length).ok()?];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some((first, payload))
    }
}
