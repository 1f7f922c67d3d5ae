//! The accept loop over real TCP.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use hyper_util::rt::TokioIo;
use mvchat_server::accept::{AcceptOptions, Drained, serve};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, copy, split},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

/// Longer than anything here takes; reached only when something hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// A deadline under test: short, but long enough for a client on a busy machine to keep it.
const SHORT: Duration = Duration::from_millis(300);

/// A served router, and the handle that stops it.
struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    done: JoinHandle<Drained>,
}

impl Server {
    async fn start(adjust: impl FnOnce(&mut AcceptOptions)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut options = AcceptOptions::default();
        adjust(&mut options);
        let app = Router::new()
            .route("/", get(|| async { "hello" }))
            .route("/peer", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }))
            .route("/slow", get(slow))
            .route("/panic", get(panic))
            .route("/echo", get(echo));
        let (stop, stopped) = oneshot::channel::<()>();
        let done = tokio::spawn(serve(listener, app, options, async {
            // A dropped sender stops the server as well.
            let _ = stopped.await;
        }));
        Self { address, stop: Some(stop), done }
    }

    async fn connect(&self) -> Client {
        Client { stream: BufReader::new(TcpStream::connect(self.address).await.unwrap()) }
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    async fn drained(self) -> Drained {
        timeout(PATIENCE, self.done).await.expect("the server hangs").unwrap()
    }
}

/// Outlasts the read and idle deadlines of the tests that set them, in real time like those.
async fn slow() -> &'static str {
    let never = timeout(SHORT * 4, std::future::pending::<()>());
    assert!(never.await.is_err());
    "slow"
}

async fn panic() -> StatusCode {
    panic!("on purpose")
}

async fn echo(request: Request) -> impl IntoResponse {
    tokio::spawn(async move {
        let upgraded = hyper::upgrade::on(request).await.unwrap();
        let (mut read, mut write) = split(TokioIo::new(upgraded));
        // Ends when the client closes, or with the runtime.
        let _ = copy(&mut read, &mut write).await;
    });
    let headers = [(header::UPGRADE, "echo"), (header::CONNECTION, "upgrade")];
    (StatusCode::SWITCHING_PROTOCOLS, headers)
}

struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    async fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    async fn get(&mut self, path: &str) -> (String, String) {
        self.write(&format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        self.answer().await
    }

    /// Reads one answer: the status line and the body.
    async fn answer(&mut self) -> (String, String) {
        timeout(PATIENCE, async {
            let mut status = String::new();
            self.stream.read_line(&mut status).await.unwrap();
            let mut length = 0;
            loop {
                let mut line = String::new();
                self.stream.read_line(&mut line).await.unwrap();
                if line.trim().is_empty() {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            self.stream.read_exact(&mut body).await.unwrap();
            (status.trim().to_owned(), String::from_utf8(body).unwrap())
        })
        .await
        .expect("no answer")
    }

    /// Waits for the server to close, and tells how long that took.
    async fn closed(&mut self) -> Duration {
        let start = Instant::now();
        let mut rest = Vec::new();
        // A reset is as good as an end.
        let _ =
            timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await.expect("the connection stays open");
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&rest));
        start.elapsed()
    }
}

#[tokio::test]
async fn a_head_that_does_not_end_is_cut_off() {
    let server = Server::start(|options| {
        options.header_timeout = SHORT;
        options.idle_timeout = PATIENCE;
    })
    .await;
    for start in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let mut client = server.connect().await;
        client.write(start).await;
        assert!(client.closed().await < PATIENCE / 2, "{start:?}");
    }
}

#[tokio::test]
async fn bytes_that_drip_do_not_move_the_deadline() {
    let server = Server::start(|options| options.header_timeout = SHORT).await;
    let start = Instant::now();
    let mut client = server.connect().await;
    client.write("GET / HTTP/1.1\r\n").await;
    let mut tick = tokio::time::interval(SHORT / 5);
    let mut gone = [0; 1];
    loop {
        tokio::select! { biased;
            _ = tick.tick() => if client.stream.write_all(b"x: y\r\n").await.is_err() { break },
            read = client.stream.read(&mut gone) => if read.unwrap_or(0) == 0 { break },
        }
        assert!(start.elapsed() < PATIENCE, "still open");
    }
    assert!(start.elapsed() >= SHORT);
}

#[tokio::test]
async fn a_later_head_has_the_same_deadline() {
    let server = Server::start(|options| {
        options.header_timeout = SHORT;
        options.idle_timeout = PATIENCE;
    })
    .await;
    let mut client = server.connect().await;
    client.get("/").await;
    client.write("GET / HT").await;
    assert!(client.closed().await < PATIENCE / 2);
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let server = Server::start(|options| {
        options.header_timeout = PATIENCE;
        options.idle_timeout = SHORT;
    })
    .await;
    let mut client = server.connect().await;
    assert_eq!(client.get("/slow").await.1, "slow", "the answer takes longer than the idle deadline");
    let start = Instant::now();
    assert_eq!(client.get("/").await.1, "hello");
    client.closed().await;
    assert!(start.elapsed() >= SHORT && start.elapsed() < PATIENCE / 2, "{:?}", start.elapsed());
}

#[tokio::test]
async fn half_open_connections_do_not_stop_others() {
    let server = Server::start(|_| {}).await;
    let mut half = Vec::new();
    for _ in 0..200 {
        let mut client = server.connect().await;
        client.write("GET / HTTP/1.1\r\nho").await;
        half.push(client);
    }
    let start = Instant::now();
    assert_eq!(server.connect().await.get("/").await.1, "hello");
    assert!(start.elapsed() < Duration::from_secs(5));
    let mut first = half.swap_remove(0);
    first.write("st: x\r\n\r\n").await;
    assert_eq!(first.answer().await.1, "hello", "a slow head within its time is served");
}

#[tokio::test]
async fn requests_know_their_peer() {
    let server = Server::start(|_| {}).await;
    let mut client = server.connect().await;
    let own = client.stream.get_ref().local_addr().unwrap().to_string();
    assert_eq!(client.get("/peer").await.1, own);
    client.write("GET /peer HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 203.0.113.7\r\n\r\n").await;
    assert_eq!(client.answer().await.1, own, "nobody is believed by default");

    let server =
        Server::start(|options| options.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let mut client = server.connect().await;
    client.write("GET /peer HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 203.0.113.7\r\n\r\n").await;
    assert_eq!(client.answer().await.1, "203.0.113.7:0");
}

#[tokio::test]
async fn too_large_heads_are_refused() {
    let server = Server::start(|options| options.max_headers = 20).await;
    let mut client = server.connect().await;
    client.write(&format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(21))).await;
    assert!(client.answer().await.0.contains("431"));
    let mut client = server.connect().await;
    client.write(&format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "b".repeat(64 * 1024))).await;
    assert!(client.answer().await.0.contains("431"));
}

#[tokio::test]
async fn http_2_is_off() {
    let server = Server::start(|_| {}).await;
    let mut client = server.connect().await;
    client.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    client.closed().await;
}

#[tokio::test]
async fn a_panic_ends_one_connection_only() {
    let server = Server::start(|_| {}).await;
    let mut client = server.connect().await;
    client.write("GET /panic HTTP/1.1\r\nhost: x\r\n\r\n").await;
    client.closed().await;
    assert_eq!(server.connect().await.get("/").await.1, "hello");
}

#[tokio::test]
async fn further_connections_wait_at_the_cap() {
    let server = Server::start(|options| options.max_connections = 2).await;
    let mut first = server.connect().await;
    first.get("/").await;
    let mut second = upgrade(&server).await;
    let mut third = server.connect().await;
    third.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut byte = [0; 1];
    assert!(timeout(SHORT, third.stream.read(&mut byte)).await.is_err(), "an upgraded connection counts");
    echoes(&mut second, "still here").await;
    drop(second);
    assert_eq!(third.answer().await.1, "hello");
    assert_eq!(first.get("/").await.1, "hello");
}

async fn upgrade(server: &Server) -> Client {
    let mut client = server.connect().await;
    client.write("GET /echo HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n").await;
    assert!(client.answer().await.0.contains("101"));
    client
}

async fn echoes(client: &mut Client, text: &str) {
    client.write(text).await;
    let mut back = vec![0; text.len()];
    timeout(PATIENCE, client.stream.read_exact(&mut back)).await.expect("no echo").unwrap();
    assert_eq!(back, text.as_bytes());
}

#[tokio::test]
async fn an_upgraded_connection_outlives_every_deadline() {
    let server = Server::start(|options| {
        options.header_timeout = SHORT;
        options.idle_timeout = SHORT;
    })
    .await;
    let mut client = upgrade(&server).await;
    echoes(&mut client, "one").await;
    // A request that takes longer than all deadlines together is the clock.
    assert_eq!(server.connect().await.get("/slow").await.1, "slow");
    echoes(&mut client, "two").await;
}

#[tokio::test]
async fn a_stop_ends_idle_connections_and_refuses_new_ones() {
    let mut server = Server::start(|_| {}).await;
    let mut idle = server.connect().await;
    idle.get("/").await;
    server.stop();
    idle.closed().await;
    assert!(TcpStream::connect(server.address).await.is_err(), "the listener is closed");
    assert_eq!(server.drained().await, Drained::All);
}

#[tokio::test]
async fn a_request_under_way_is_answered_during_a_stop() {
    let mut server = Server::start(|_| {}).await;
    let mut busy = server.connect().await;
    // The second of two pipelined requests is being served once the first is answered.
    busy.write("GET / HTTP/1.1\r\nhost: x\r\n\r\nGET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(busy.answer().await.1, "hello");
    server.stop();
    assert_eq!(busy.answer().await.1, "slow");
    busy.closed().await;
    assert_eq!(server.drained().await, Drained::All);
}

#[tokio::test]
async fn a_stop_waits_for_upgraded_connections_but_not_for_ever() {
    let mut server = Server::start(|_| {}).await;
    let mut client = upgrade(&server).await;
    server.stop();
    echoes(&mut client, "still here").await;
    assert!(!server.done.is_finished());
    drop(client);
    assert_eq!(server.drained().await, Drained::All);

    let mut server = Server::start(|options| options.drain_timeout = SHORT).await;
    let _one = upgrade(&server).await;
    let _two = upgrade(&server).await;
    server.stop();
    assert_eq!(server.drained().await, Drained::Cut { left: 2 });
}
