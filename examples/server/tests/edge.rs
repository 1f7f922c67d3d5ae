//! The edge over real sockets: TLS, headers, caps, and the deadlines of WebSockets.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use mvchat_core::{
    Chat,
    builtin::{MemoryStore, password::PasswordParams},
    proto::Limits,
};
use mvchat_server::{
    accept::{AcceptOptions, serve},
    guard::Guard,
    metrics::{Source, routes},
    tls::Tls,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore, SupportedProtocolVersion,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
        version::{TLS12, TLS13},
    },
};
use tokio_tungstenite::{client_async, tungstenite::Message};

/// Longer than anything here takes; reached only when something hangs.
const PATIENCE: Duration = Duration::from_secs(20);
const ORIGIN: &str = "https://app.example.com";

/// A chat behind the accept loop.
struct Server {
    address: SocketAddr,
    source: Source,
    _stop: oneshot::Sender<()>,
}

impl Server {
    async fn start(limits: Limits, adjust: impl FnOnce(&mut AcceptOptions)) -> Self {
        let builder = Chat::builder(MemoryStore::default()).limits(limits);
        let chat = builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut options = AcceptOptions::default();
        adjust(&mut options);
        let source = Source::new(chat.clone(), Arc::clone(&options.counts));
        let (stop, stopped) = oneshot::channel::<()>();
        let app = mvchat_transport_axum::router(chat).merge(mvchat_server::web::routes());
        tokio::spawn(serve(listener, app, options, async {
            // A dropped sender stops the server as well.
            let _ = stopped.await;
        }));
        Self { address, source, _stop: stop }
    }

    async fn plain(limits: Limits) -> Self {
        Self::start(limits, |_| {}).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Reads a metric without labels, or the sum over them.
    fn metric(&self, name: &str) -> f64 {
        let text = self.source.text().unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let of_name = lines.filter(|line| line.split(['{', ' ']).next() == Some(name));
        of_name.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }
}

/// Sends a request and returns all of the answer, whose connection is closed with it.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, head: &str) -> String {
    let request = format!("{head}\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Without a close_notify the end is an error, and the answer is there all the same.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("no answer");
    String::from_utf8(answer).unwrap().to_ascii_lowercase()
}

/// Waits for the end of a connection; returns how long that took, and what came before.
async fn ended(stream: &mut TcpStream) -> (Duration, Vec<u8>) {
    let (begun, mut rest) = (Instant::now(), Vec::new());
    // A reset is as good as an end.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the connection stays open");
    (begun.elapsed(), rest)
}

/// A certificate of its own making, in files.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        files.renew();
        files
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// Writes another certificate with another key.
    fn renew(&self) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(self.certificate(), made.cert.pem()).unwrap();
        fs::write(self.key(), made.signing_key.serialize_pem()).unwrap();
        self.guard(0o600);
    }

    fn guard(&self, mode: u32) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(self.key(), fs::Permissions::from_mode(mode)).unwrap();
        }
        #[cfg(not(unix))]
        let _ = mode;
    }

    fn tls(&self) -> Arc<Tls> {
        Arc::new(Tls::load(&self.certificate(), &self.key()).unwrap())
    }

    /// Shakes hands as a client that trusts the certificate in the file as it is now.
    async fn connect(
        &self,
        server: &Server,
        version: &'static SupportedProtocolVersion,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.certificate()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_protocol_versions(&[version]).unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, server.connect().await).await
    }
}

async fn with_tls(files: &Files) -> (Server, Arc<Tls>) {
    let tls = files.tls();
    let given = Some(Arc::clone(&tls));
    let server = Server::start(Limits::default(), |options| {
        options.tls = given;
        options.header_timeout = Duration::from_millis(500);
        options.guard = Guard::new(&[], Some(Duration::from_secs(3_600)));
    })
    .await;
    (server, tls)
}

#[tokio::test]
async fn tls_carries_http_1_and_tells_browsers_to_come_back_with_it() {
    let files = Files::new();
    let (server, _) = with_tls(&files).await;
    for version in [&TLS12, &TLS13] {
        let stream = files.connect(&server, version).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]), "HTTP/2 is off");
        let answer = ask(stream, "GET /health HTTP/1.1").await;
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age=3600"), "{answer}");
    }
}

#[tokio::test]
async fn websockets_run_over_tls() {
    let files = Files::new();
    let (server, _) = with_tls(&files).await;
    let stream = files.connect(&server, &TLS13).await.unwrap();
    let (mut socket, _) = client_async("wss://localhost/v0/ws", stream).await.unwrap();
    socket.send(Message::text(r#"{"id":"1","hi":{"ver":"0"}}"#)).await.unwrap();
    let reply = timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
    assert!(
        reply.to_text().unwrap().contains(r#""code":201"#) || reply.to_text().unwrap().contains("params")
    );
    assert_eq!(server.metric("mvchat_connections"), 1.0);
}

#[tokio::test]
async fn who_does_not_shake_hands_is_cut_off_and_counted() {
    let files = Files::new();
    let (server, _) = with_tls(&files).await;
    let mut plain = server.connect().await;
    plain.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let (_, answer) = ended(&mut plain).await;
    assert!(!answer.starts_with(b"HTTP"), "nothing is said in the clear");
    let mut silent = server.connect().await;
    assert!(ended(&mut silent).await.0 < PATIENCE / 2);
    let refused = || server.metric("mvchat_edge_refused_total");
    assert!(refused() >= 2.0, "{}", refused());
}

#[tokio::test]
async fn a_changed_certificate_is_taken_over_and_a_broken_one_is_not() {
    let files = Files::new();
    let (server, tls) = with_tls(&files).await;
    let before = files.connect(&server, &TLS13).await.unwrap();
    assert!(!tls.reload().unwrap());
    files.renew();
    assert!(files.connect(&server, &TLS13).await.is_err(), "the old one is still in use");
    assert!(tls.reload().unwrap());
    assert!(files.connect(&server, &TLS13).await.is_ok());
    let answer = ask(before, "GET /health HTTP/1.1").await;
    assert!(answer.starts_with("http/1.1 200"), "whoever was connected stays so: {answer}");

    let good = fs::read(files.certificate()).unwrap();
    fs::write(files.certificate(), "no certificate").unwrap();
    assert!(tls.reload().unwrap_err().to_string().contains("cert.pem"));
    let other = Files::new();
    fs::copy(other.certificate(), files.certificate()).unwrap();
    assert!(tls.reload().unwrap_err().to_string().contains("key.pem"), "the key belongs to another one");
    fs::write(files.certificate(), good).unwrap();
    assert!(files.connect(&server, &TLS13).await.is_ok());
    #[cfg(unix)]
    {
        files.guard(0o644);
        assert!(tls.reload().unwrap_err().to_string().contains("others may read it"));
    }
}

#[tokio::test]
async fn every_answer_is_guarded() {
    let server = Server::start(Limits::default(), |options| {
        options.guard = Guard::new(&[ORIGIN.to_owned()], None);
    })
    .await;
    for path in ["/", "/health", "/nowhere", "/v0/ws"] {
        let answer = ask(server.connect().await, &format!("GET {path} HTTP/1.1")).await;
        for header in
            ["x-content-type-options: nosniff", "referrer-policy: no-referrer", "content-security-policy: "]
        {
            assert_eq!(answer.matches(header).count(), 1, "{path}: {header}: {answer}");
        }
        assert!(!answer.contains("strict-transport-security"), "without TLS that would be a lie");
    }
    let own = ask(server.connect().await, &format!("GET /health HTTP/1.1\r\norigin: {ORIGIN}")).await;
    assert!(own.contains(&format!("access-control-allow-origin: {ORIGIN}")), "{own}");
    let foreign = ask(server.connect().await, "GET /health HTTP/1.1\r\norigin: https://evil.example").await;
    assert!(!foreign.contains("access-control-allow-origin"), "{foreign}");
    let asks = "OPTIONS /v0/login HTTP/1.1\r\naccess-control-request-method: POST\r\norigin: ";
    let own = ask(server.connect().await, &format!("{asks}{ORIGIN}")).await;
    assert!(own.starts_with("http/1.1 204") && own.contains("access-control-allow-methods"), "{own}");
    let foreign = ask(server.connect().await, &format!("{asks}https://evil.example")).await;
    assert!(foreign.starts_with("http/1.1 403"), "{foreign}");
}

#[tokio::test]
async fn nothing_is_compressed() {
    let server = Server::plain(Limits::default()).await;
    let head = "GET /health HTTP/1.1\r\naccept-encoding: gzip, br";
    assert!(!ask(server.connect().await, head).await.contains("content-encoding"));
    let upgrade = "GET /v0/ws HTTP/1.1\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                   sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-extensions: permessage-deflate\r\n\
                   connection: upgrade";
    let mut stream = server.connect().await;
    stream.write_all(format!("{upgrade}\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    let answer = head_of(&mut stream).await;
    assert!(answer.starts_with("http/1.1 101"), "{answer}");
    assert!(!answer.contains("sec-websocket-extensions"), "{answer}");
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_gets_them_back() {
    let server = Server::start(Limits::default(), |options| options.max_per_address = 2).await;
    let (mut first, second) = (server.connect().await, socket(&server).await);
    first.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(head_of(&mut first).await.starts_with("http/1.1 200"));
    let mut third = server.connect().await;
    assert!(ended(&mut third).await.1.is_empty(), "an upgraded connection counts, too");
    assert_eq!(server.metric("mvchat_edge_refused_total"), 1.0);
    drop(second);
    let begun = Instant::now();
    loop {
        // The server learns of the end a moment later.
        let answer = ask(server.connect().await, "GET /health HTTP/1.1").await;
        if answer.starts_with("http/1.1 200") {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "the place is not given back");
    }
    let free = Server::start(Limits::default(), |options| {
        options.max_per_address = 1;
        options.uncapped = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let _first = free.connect().await;
    assert!(ask(free.connect().await, "GET /health HTTP/1.1").await.starts_with("http/1.1 200"));
}

/// Limits with deadlines that a test can wait for.
fn impatient() -> Limits {
    let mut limits = Limits::default();
    (limits.login_deadline, limits.ping_interval, limits.idle_timeout) = (1, 1, 2);
    limits
}

/// Opens a WebSocket by hand, so that nothing is answered but what a test answers.
async fn socket(server: &Server) -> TcpStream {
    let mut stream = server.connect().await;
    let head = "GET /v0/ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(head_of(&mut stream).await.starts_with("http/1.1 101"));
    stream
}

async fn head_of(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.expect("no answer").unwrap());
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

/// A masked frame with a mask of zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}

const TEXT: u8 = 0x81;
const PONG: u8 = 0x8a;

/// The close code with which the server's last frame ends a connection.
fn code(rest: &[u8]) -> Option<u16> {
    let at = rest.iter().rposition(|byte| *byte == 0x88)?;
    Some(u16::from_be_bytes([*rest.get(at + 2)?, *rest.get(at + 3)?]))
}

#[tokio::test]
async fn who_does_not_log_in_is_sent_away() {
    let server = Server::plain(impatient()).await;
    let mut stream = socket(&server).await;
    let (took, rest) = ended(&mut stream).await;
    assert_eq!(code(&rest), Some(4001), "{rest:?}");
    assert!(took >= Duration::from_millis(900), "{took:?}");
}

/// Signs up on a socket, so that only the heartbeat ends it.
async fn logged_in(server: &Server, name: &str) -> TcpStream {
    use base64::Engine as _;
    let secret = base64::engine::general_purpose::STANDARD.encode(format!("{name}:correct-horse"));
    let text = format!(r#"{{"acc":{{"user":"new","scheme":"basic","secret":"{secret}","login":true}}}}"#);
    let mut stream = socket(server).await;
    stream.write_all(&frame(TEXT, text.as_bytes())).await.unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("token") {
        seen.push(timeout(PATIENCE, stream.read_u8()).await.expect("no answer").unwrap());
    }
    stream
}

#[tokio::test]
async fn a_silent_connection_is_asked_and_then_given_up() {
    let server = Server::plain(impatient()).await;
    let mut stream = logged_in(&server, "silent").await;
    let (took, rest) = ended(&mut stream).await;
    assert!(rest.windows(2).any(|bytes| bytes == [0x89, 0]), "it was asked for a sign of life: {rest:?}");
    assert!(took >= Duration::from_millis(1_500) && took < PATIENCE / 2, "{took:?}");
}

#[tokio::test]
async fn every_frame_is_a_sign_of_life() {
    let server = Server::plain(impatient()).await;
    let mut stream = logged_in(&server, "talkative").await;
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(400));
    // Pongs that nobody asked for, and frames that are refused, count as well as good ones.
    let signs =
        [frame(PONG, b""), frame(TEXT, br#"{"typing":{}}"#), frame(TEXT, br#"{"get":{"what":"online"}}"#)];
    let mut sink = [0; 4_096];
    for sign in signs.iter().cycle() {
        if begun.elapsed() > Duration::from_secs(4) {
            break;
        }
        tokio::select! { biased;
            _ = ticks.tick() => stream.write_all(sign).await.expect("it is open"),
            read = stream.read(&mut sink) => assert!(read.unwrap() > 0, "closed after {:?}", begun.elapsed()),
        }
    }
    assert_eq!(server.metric("mvchat_sessions"), 1.0);
}

#[tokio::test]
async fn half_a_frame_is_no_sign_of_life() {
    let server = Server::plain(impatient()).await;
    let mut stream = logged_in(&server, "slowly").await;
    let whole = frame(TEXT, &[b' '; 100]);
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    let mut bytes = whole.iter();
    let mut sink = [0; 4_096];
    // Byte after byte, with time for each: the frame would take twenty seconds.
    loop {
        tokio::select! { biased;
            _ = ticks.tick() => {
                let Some(byte) = bytes.next() else { panic!("the whole frame was waited for") };
                if stream.write_all(&[*byte]).await.is_err() { break }
            }
            read = stream.read(&mut sink) => if read.unwrap_or(0) == 0 { break },
        }
    }
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn garbage_ends_a_connection_as_abuse() {
    let server = Server::plain(Limits::default()).await;
    let mut stream = socket(&server).await;
    for _ in 0..20 {
        if stream.write_all(&frame(TEXT, b"garbage")).await.is_err() {
            break;
        }
    }
    let (_, rest) = ended(&mut stream).await;
    assert_eq!(code(&rest), Some(4029), "{}", String::from_utf8_lossy(&rest));
    let closed = server.source.text().unwrap();
    assert!(closed.contains(r#"mvchat_connections_closed_total{reason="abuse"} 1"#), "{closed}");
}

#[tokio::test]
async fn metrics_are_served_by_their_own_routes() {
    let server = Server::plain(Limits::default()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let admin = listener.local_addr().unwrap();
    let options = AcceptOptions::default();
    tokio::spawn(serve(listener, routes(server.source.clone()), options, std::future::pending()));
    let answer = ask(TcpStream::connect(admin).await.unwrap(), "GET /metrics HTTP/1.1").await;
    assert!(answer.starts_with("http/1.1 200") && answer.contains("openmetrics-text"), "{answer}");
    assert!(answer.ends_with("# eof\n"), "{answer}");
    let elsewhere = ask(server.connect().await, "GET /metrics HTTP/1.1").await;
    assert!(elsewhere.starts_with("http/1.1 404"), "not where everybody comes");
    let health = ask(TcpStream::connect(admin).await.unwrap(), "GET /health HTTP/1.1").await;
    assert!(health.starts_with("http/1.1 200") && health.contains(r#""status":"ok""#), "{health}");
}
