//! Measures what an idle connection costs: `cargo run --release --example idle_memory -- 1000` on Linux.
//!
//! The clients run in a process of their own, so that only the server is measured: fresh after logging in, after every
//! client has sent a message and read a page of history (which also puts rows into the store), and after it has sent a
//! frame of 48 KiB.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use mvchat_core::builtin::MemoryStore;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::{Chat, proto::Limits};
use serde_json::{Value, json};
use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, stdin};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{ChildStdout, Command};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const PHASES: [&str; 3] = ["connected", "after small messages", "after a large frame"];

type Outcome<T> = Result<T, Box<dyn Error>>;
type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [count, addr] => clients(count.parse()?, addr.parse()?).await,
        [count] => server(count.parse()?).await,
        _ => server(1_000).await,
    }
}

async fn server(count: usize) -> Outcome<()> {
    let limits = Limits::default().unthrottled();
    let builder = Chat::builder(MemoryStore::default()).passwords(PasswordParams::insecurely_fast());
    let chat = builder.limits(limits).build().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let app: axum::Router = mvchat_transport_axum::router(chat.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });

    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    command.args([count.to_string(), addr.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn()?;
    let mut go = child.stdin.take().ok_or("no standard input")?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no standard output")?).lines();
    let mut out = std::io::stdout();

    step(&mut lines, "signed up").await?;
    let empty = resident()?;
    for phase in PHASES {
        go.write_all(b"go\n").await?;
        step(&mut lines, phase).await?;
        let each = (resident()?.saturating_sub(empty)) as f64 / count as f64;
        writeln!(out, "{phase}: {} connections, {each:.1} KiB each", chat.connections())?;
    }
    Ok(())
}

async fn step(lines: &mut Lines<BufReader<ChildStdout>>, expected: &str) -> Outcome<()> {
    match lines.next_line().await? {
        Some(line) if line == expected => Ok(()),
        other => Err(format!("{other:?} instead of {expected}").into()),
    }
}

/// The memory of this process that is in use, in KiB.
fn resident() -> Outcome<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

async fn clients(count: usize, addr: SocketAddr) -> Outcome<()> {
    let mut out = std::io::stdout();
    let mut go = BufReader::new(stdin()).lines();
    let mut tokens = Vec::new();
    for n in 0..count {
        let mut socket = connect(addr).await?;
        let secret = STANDARD.encode(format!("user{n}:correct-horse"));
        let request = json!({"acc": {"user": "new", "scheme": "basic", "secret": secret, "login": true}});
        tokens.push(ask(&mut socket, request).await?["token"].take());
        socket.close(None).await?;
        while socket.next().await.is_some() {}
    }
    writeln!(out, "signed up")?;
    go.next_line().await?;
    let mut sockets = Vec::new();
    for token in tokens {
        let mut socket = connect(addr).await?;
        ask(&mut socket, json!({"login": {"scheme": "token", "secret": token}})).await?;
        sockets.push(socket);
    }
    writeln!(out, "{}", PHASES[0])?;
    go.next_line().await?;
    for socket in &mut sockets {
        let conv = ask(socket, json!({"dm": {"self": true}})).await?["conv"].take();
        ask(socket, json!({"send": {"conv": conv, "content": "x"}})).await?;
        ask(socket, json!({"get": {"what": "messages", "conv": conv}})).await?;
    }
    writeln!(out, "{}", PHASES[1])?;
    go.next_line().await?;
    for socket in &mut sockets {
        ask(socket, json!({"hi": {}, "pad": "x".repeat(48 * 1024)})).await?;
    }
    writeln!(out, "{}", PHASES[2])?;
    go.next_line().await?;
    Ok(())
}

async fn connect(addr: SocketAddr) -> Outcome<Socket> {
    Ok(connect_async(format!("ws://{addr}/v0/ws")).await?.0)
}

/// Sends a request and returns the parameters of its reply.
async fn ask(socket: &mut Socket, mut request: Value) -> Outcome<Value> {
    request["id"] = json!("1");
    socket.send(Message::text(request.to_string())).await?;
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else { continue };
        let mut frame: Value = serde_json::from_str(&text)?;
        if frame["ctrl"]["id"] == "1" {
            return match frame["ctrl"]["code"].as_u64() {
                Some(200..300) => Ok(frame["ctrl"]["params"].take()),
                _ => Err(frame.to_string().into()),
            };
        }
    }
    Err("the connection ended".into())
}
