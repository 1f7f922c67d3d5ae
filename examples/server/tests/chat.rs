//! The real binary with real clients: two people chat, the server stops, and comes back with what was said.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

/// How long anything may take before the test counts as failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// The server; killed when the test ends early.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(folder: &TempDir, store: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mvchat"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MVCHAT_") {
                command.env_remove(name);
            }
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir", "data", "--store", store]);
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (_, address) = line.trim().split_once("http://").unwrap_or_else(|| panic!("not ready: {line}"));
        Self { child, address: address.to_owned() }
    }

    fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An ended process cannot be killed any more, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    ids: u64,
}

impl Client {
    async fn connect(server: &Server) -> Self {
        let address = format!("ws://{}/v0/ws", server.address);
        let (socket, _) = tokio_tungstenite::connect_async(address).await.unwrap();
        Self { socket, ids: 0 }
    }

    /// The next message; pings are answered and not shown.
    async fn next(&mut self) -> Message {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await.unwrap();
            match next.unwrap().unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    /// The next frame of this kind, without its envelope; other frames are skipped.
    async fn hear(&mut self, kind: &str) -> Value {
        loop {
            let text = self.next().await.into_text().unwrap();
            let mut frame: Value = serde_json::from_str(&text).unwrap();
            if let Some(found) = frame.get_mut(kind) {
                return found.take();
            }
        }
    }

    /// Sends a request that succeeds; returns the parameters of its reply.
    async fn ask(&mut self, mut request: Value) -> Value {
        self.ids += 1;
        let id = self.ids.to_string();
        request["id"] = json!(id);
        self.socket.send(Message::text(request.to_string())).await.unwrap();
        let mut ctrl = self.hear("ctrl").await;
        assert_eq!(ctrl["id"], id, "{ctrl}");
        assert!(ctrl["code"].as_u64().unwrap() < 300, "{request} → {ctrl}");
        ctrl["params"].take()
    }

    async fn sign_up(&mut self, name: &str) -> String {
        let secret = STANDARD.encode(format!("{name}:correct-horse"));
        let request = json!({"acc": {"user": "new", "scheme": "basic", "secret": secret, "login": true}});
        self.ask(request).await["user"].as_str().unwrap().to_owned()
    }

    async fn log_in(&mut self, name: &str) {
        let secret = STANDARD.encode(format!("{name}:correct-horse"));
        self.ask(json!({"login": {"scheme": "basic", "secret": secret}})).await;
    }

    /// The word before the close, and the close's code.
    async fn told_to_leave(&mut self) -> (Value, u16) {
        let ctrl = self.hear("ctrl").await;
        let Message::Close(Some(close)) = self.next().await else { panic!("no close after {ctrl}") };
        // Reading on answers the close and waits for the end.
        assert!(self.socket.next().await.is_none());
        (ctrl, close.code.into())
    }
}

/// Lets two people chat and stops the server; returns the conversation.
async fn two_people_chat(folder: &TempDir, store: &str) -> Value {
    let mut server = Server::start(folder, store);
    let (mut alice, mut bobby) = (Client::connect(&server).await, Client::connect(&server).await);
    alice.ask(json!({"hi": {"ver": "0.1.0"}})).await;
    alice.sign_up("alice").await;
    let id = bobby.sign_up("bobby").await;
    let conv = alice.ask(json!({"dm": {"user": id}})).await["conv"].take();
    let text = json!({"v": 1, "text": "hello, Bobby"});
    assert_eq!(alice.ask(json!({"send": {"conv": conv, "content": text}})).await["seq"], 1);
    let data = bobby.hear("data").await;
    assert_eq!((&data["conv"], &data["content"]), (&conv, &text));
    bobby.ask(json!({"send": {"conv": conv, "content": "hello, Alice"}})).await;
    assert_eq!(alice.hear("data").await["content"]["text"], "hello, Alice");

    server.terminate();
    for client in [&mut alice, &mut bobby] {
        let (ctrl, code) = client.told_to_leave().await;
        assert_eq!((&ctrl["code"], code), (&json!(503), 1001));
        assert!(ctrl["params"]["retryAfter"].is_u64(), "{ctrl}");
    }
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    conv
}

#[tokio::test]
async fn two_people_chat_in_memory() {
    two_people_chat(&tempfile::tempdir().unwrap(), "memory").await;
}

#[tokio::test]
async fn what_was_said_outlives_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let conv = two_people_chat(&folder, "sled").await;
    let server = Server::start(&folder, "sled");
    let mut alice = Client::connect(&server).await;
    alice.log_in("alice").await;
    let page = alice.ask(json!({"get": {"what": "messages", "conv": conv}})).await;
    let texts: Vec<_> =
        page["messages"].as_array().unwrap().iter().map(|row| &row["content"]["text"]).collect();
    assert!(texts.contains(&&json!("hello, Bobby")) && texts.contains(&&json!("hello, Alice")), "{page}");
}
