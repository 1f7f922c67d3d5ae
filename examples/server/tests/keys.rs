//! Keys, audit log, export and erasure with the real binary, beside a running server and without one.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

fn mvchat(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mvchat"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MVCHAT_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).current_dir(folder.path()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn output(folder: &TempDir, arguments: &[&str]) -> Output {
    mvchat(folder, &[arguments, &["--data-dir", "data"]].concat()).output().unwrap()
}

/// What a command printed that went well.
fn good(folder: &TempDir, arguments: &[&str]) -> String {
    let output = output(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What a command complained about that failed.
fn bad(folder: &TempDir, arguments: &[&str]) -> String {
    let output = output(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

/// The server; killed when the test ends early.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(folder: &TempDir) -> Self {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"];
        let mut command = mvchat(folder, &arguments);
        command.stderr(Stdio::null()).env("MVCHAT_LIMITS_RATE_LIMIT_MESSAGES", "100000");
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (_, address) = line.trim().split_once("http://").unwrap_or_else(|| panic!("not ready: {line}"));
        Self { child, address: address.to_owned() }
    }

    fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
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
    id: String,
}

impl Client {
    async fn connect(server: &Server) -> Self {
        let url = format!("ws://{}/v0/ws", server.address);
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let mut client = Self { socket, ids: 0, id: String::new() };
        client.ask(json!({"hi": {"ver": "0.1"}})).await;
        client
    }

    async fn sign_up(server: &Server, name: &str) -> Self {
        let mut client = Self::connect(server).await;
        let account = json!({"acc": {"user": "new", "scheme": "basic", "login": true,
            "secret": STANDARD.encode(format!("{name}:password-{name}")), "desc": {"public": {"fn": name}}}});
        let reply = client.ask(account).await;
        client.id = reply["params"]["user"].as_str().unwrap().to_owned();
        client
    }

    async fn log_in(server: &Server, name: &str) -> Self {
        let mut client = Self::connect(server).await;
        let secret = STANDARD.encode(format!("{name}:password-{name}"));
        let reply = client.ask(json!({"login": {"scheme": "basic", "secret": secret}})).await;
        client.id = reply["params"]["user"].as_str().unwrap().to_owned();
        client
    }

    /// Sends a request and returns its answer, which must be a success.
    async fn ask(&mut self, mut request: Value) -> Value {
        self.ids += 1;
        let id = self.ids.to_string();
        request["id"] = json!(id);
        self.socket.send(Message::text(request.to_string())).await.unwrap();
        loop {
            let Message::Text(text) = self.socket.next().await.unwrap().unwrap() else { continue };
            let frame: Value = serde_json::from_str(&text).unwrap();
            if frame["ctrl"]["id"] == id.as_str() {
                let code = frame["ctrl"]["code"].as_u64().unwrap();
                assert!((200..300).contains(&code), "{request} → {frame}");
                return frame["ctrl"].clone();
            }
        }
    }

    async fn dm(&mut self, other: &str) -> String {
        let reply = self.ask(json!({"dm": {"user": other}})).await;
        reply["params"]["conv"].as_str().unwrap().to_owned()
    }

    async fn say(&mut self, conv: &str, text: &str) {
        self.ask(json!({"send": {"conv": conv, "content": {"v": 1, "text": text}}})).await;
    }

    async fn messages(&mut self, conv: &str) -> Vec<Value> {
        let get = json!({"get": {"what": "messages", "conv": conv, "limit": 100}});
        self.ask(get).await["params"]["messages"].as_array().unwrap().clone()
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_rotate_beside_a_running_server_and_nobody_notices() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder);
    let mut a = Client::sign_up(&server, "alice").await;
    let mut b = Client::sign_up(&server, "bobby").await;
    let conv = a.dm(&b.id).await;
    let chatting = tokio::spawn({
        let conv = conv.clone();
        async move {
            for n in 0..60 {
                a.say(&conv, &format!("message {n}")).await;
                for message in b.messages(&conv).await {
                    assert!(message["content"]["text"].is_string(), "{message}");
                }
            }
        }
    });
    tokio::task::spawn_blocking(move || {
        for _ in 0..3 {
            let told = good(&folder, &["keys", "rotate"]);
            assert!(told.contains("wraps the keys of 2 users; 0 could not be unwrapped"), "{told}");
        }
        assert!(good(&folder, &["keys", "rotate", "--signing"]).contains("signs"));
        let status: Value = serde_json::from_str(&good(&folder, &["keys", "status", "--json"])).unwrap();
        assert_eq!((&status["users"], status["wraps"].as_object().unwrap().len()), (&json!(2), 1));
        let socket = folder.path().join("data/keys");
        assert_eq!(fs::metadata(socket).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(good(&folder, &["keys", "list"]).lines().count(), 4 + 2);
        tokio::runtime::Handle::current().block_on(chatting).unwrap();
        server.stop();
        // Without a server it does the same.
        assert!(good(&folder, &["keys", "rotate"]).contains("2 users"));
        let log = good(&folder, &["audit", "tail", "-n", "1000"]);
        assert_eq!(log.matches("\"reason\":\"active\"").count(), 5, "{log}");
        assert!(good(&folder, &["audit", "verify"]).contains("are whole"));
        assert!(!log.contains("alice") && !log.contains("password") && !log.contains("message 1"), "{log}");
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_brings_the_keys_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder);
    let mut a = Client::sign_up(&server, "alice").await;
    let b = Client::sign_up(&server, "bobby").await;
    let conv = a.dm(&b.id).await;
    a.say(&conv, "hello").await;
    let recovery = mvchat(&folder, &["keys", "generate", "--recovery-key"]).output().unwrap();
    fs::write(folder.path().join("recovery"), recovery.stdout).unwrap();
    fs::write(folder.path().join("words"), "correct horse battery staple\n").unwrap();
    good(&folder, &["keys", "rotate"]);
    let told = good(&folder, &["keys", "backup", "--to", "a.keys", "--recovery-key-file", "recovery"]);
    assert!(told.contains("2 users"), "{told}");
    good(&folder, &["keys", "backup", "--to", "b.keys", "--passphrase-file", "words"]);
    bad(&folder, &["keys", "backup", "--to", "b.keys", "--passphrase-file", "words"]);
    server.stop();
    assert!(good(&folder, &["audit", "tail"]).contains("backup"));

    for (file, secret) in [("a.keys", "--recovery-key-file=recovery"), ("b.keys", "--passphrase-file=words")]
    {
        assert!(bad(&folder, &["keys", "restore", "--from", file, secret]).contains("has keys already"));
        fs::remove_dir_all(folder.path().join("data/keys")).unwrap();
        bad(&folder, &["keys", "status"]);
        let told = good(&folder, &["keys", "restore", "--from", file, secret]);
        assert!(told.contains("2 users"), "{told}");
        let server = Server::start(&folder);
        let mut a = Client::log_in(&server, "alice").await;
        assert_eq!(a.messages(&conv).await[0]["content"]["text"], "hello");
        server.stop();
        assert!(good(&folder, &["audit", "verify"]).contains("are whole"));
    }
}

/// Whoever holds a copy of the messages from before, and the vault as it is after, reads nothing of an erased user.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_user_is_unreadable_in_a_copy_of_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder);
    let mut a = Client::sign_up(&server, "alice").await;
    let mut b = Client::sign_up(&server, "bobby").await;
    let conv = a.dm(&b.id).await;
    a.say(&conv, "canary of alice").await;
    b.say(&conv, "bobby was here").await;
    server.stop();
    copy_folder(&folder.path().join("data"), &folder.path().join("copy"));

    let server = Server::start(&folder);
    let told = good(&folder, &["user", "export", "alice", "--to", "out"]);
    assert!(told.contains(&a.id), "{told}");
    let export = fs::read_to_string(folder.path().join("out/export.jsonl")).unwrap();
    assert!(export.contains("canary of alice") && export.contains("bobby was here"));
    assert!(good(&folder, &["user", "check", "out/manifest.json"]).contains("as it was signed"));
    let mut file = fs::OpenOptions::new().append(true).open(folder.path().join("out/export.jsonl")).unwrap();
    file.write_all(b"\n").unwrap();
    assert!(bad(&folder, &["user", "check", "out/manifest.json"]).contains("was changed"));

    assert_eq!(output(&folder, &["user", "erase", "alice"]).status.code(), Some(2), "it must be meant");
    let report = good(&folder, &["user", "erase", "alice", "--yes"]);
    assert!(report.contains("\"key_destroyed\":true") && report.contains("\"messages\":1"), "{report}");
    fs::write(folder.path().join("report"), &report).unwrap();
    assert!(good(&folder, &["user", "check", "report"]).contains("Erasure"));
    let mut b = Client::log_in(&server, "bobby").await;
    let left = b.messages(&conv).await;
    assert_eq!((&left[0]["content"]["text"], &left[1]["deleted"]), (&json!("bobby was here"), &json!(true)));
    server.stop();
    assert!(bad(&folder, &["user", "export", "nobody", "--to", "none"]).contains("no user nobody"));

    // The store of before, the keys of after.
    for part in fs::read_dir(folder.path().join("data")).unwrap() {
        let part = part.unwrap();
        if part.file_name() != "keys" {
            let path = part.path();
            if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
        }
    }
    fs::remove_dir_all(folder.path().join("copy/keys")).unwrap();
    copy_folder(&folder.path().join("copy"), &folder.path().join("data"));
    let server = Server::start(&folder);
    let mut b = Client::log_in(&server, "bobby").await;
    let old = b.messages(&conv).await;
    assert_eq!(old[0]["content"]["text"], "bobby was here");
    assert_eq!((&old[1]["unavailable"], &old[1]["content"]), (&json!(true), &Value::Null));
    server.stop();
    assert!(good(&folder, &["audit", "tail"]).contains("crypt_decrypt_fail"));
}

#[test]
fn a_log_that_was_changed_is_found_and_the_server_does_not_go_on_with_it() {
    let folder = tempfile::tempdir().unwrap();
    Server::start(&folder).stop();
    good(&folder, &["keys", "rotate"]);
    good(&folder, &["keys", "rotate", "--signing"]);
    let verified = good(&folder, &["audit", "verify"]);
    let chain = verified.lines().nth(1).unwrap().strip_prefix("chain ").unwrap();
    good(&folder, &["audit", "verify", "--chain", chain]);
    assert!(bad(&folder, &["audit", "verify", "--chain", &"0".repeat(64)]).contains(chain));
    let log = folder.path().join("data/audit/audit-000000000001.jsonl");
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text.replacen("active", "hidden", 1)).unwrap();
    assert!(bad(&folder, &["audit", "verify"]).contains("line 2"));
    let refused =
        mvchat(&folder, &["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
}

/// A secrets manager hands the ring over; what it replaces it with takes effect at the next start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_from_the_environment_works_and_rotates_outside() {
    let folder = tempfile::tempdir().unwrap();
    let first = mvchat(&folder, &["keys", "generate"]).output().unwrap().stdout;
    let ring = folder.path().join("ring");
    fs::write(&ring, &first).unwrap();
    fs::set_permissions(&ring, fs::Permissions::from_mode(0o600)).unwrap();
    let next = mvchat(&folder, &["keys", "generate", "--after", "ring"]).output().unwrap().stdout;
    let run = |ring: &[u8], arguments: &[&str]| {
        let mut command = mvchat(&folder, arguments);
        command.env("MVCHAT_KEYS_SOURCE", "env").env("MVCHAT_KEY_RING", std::str::from_utf8(ring).unwrap());
        command.args(["--data-dir", "data"]);
        command
    };
    let mut child = run(&first, &["serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().split_once("http://").unwrap().1.to_owned();
    let server = Server { child, address };
    Client::sign_up(&server, "alice").await;
    let refused = run(&first, &["keys", "rotate"]).output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("kept outside"), "{refused:?}");
    server.stop();
    assert!(!folder.path().join("data/keys/ring.json").exists());
    let told = run(&next, &["keys", "status"]).output().unwrap();
    assert!(String::from_utf8_lossy(&told.stdout).contains("decrypt-only"), "{told:?}");
}
