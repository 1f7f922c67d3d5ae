//! Traces of the real binary: what a collector receives, and that one which does not answer disturbs nobody.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use base64::Engine as _;
use futures_util::{SinkExt, StreamExt};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value as Any},
    trace::v1::Span,
};
use prost::Message as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::mpsc};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

const NAME: &str = "nameofauser";
const PASSWORD: &str = "passwordofauser";
const WORDS: &str = "wordsofauser";

/// A server that has said it is ready; killed when the test ends early.
struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
    _folder: TempDir,
}

impl Server {
    fn start(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_mvchat"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("MVCHAT_") || name.starts_with("OTEL_") {
                command.env_remove(&*name);
            }
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--store", "memory"]).current_dir(folder.path());
        command.envs(settings.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let (_, address) = line.trim().split_once("listening on http://").unwrap();
        Self { child, stdout, address: address.parse().unwrap(), _folder: folder }
    }

    /// Stops the server while the collector goes on; returns what it has logged.
    async fn stop(self) -> String {
        tokio::task::spawn_blocking(|| self.ended()).await.unwrap()
    }

    fn ended(mut self) -> String {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let (mut rest, mut errors) = (String::new(), String::new());
        self.stdout.read_to_string(&mut rest).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{errors}");
        errors
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An ended process cannot be killed any more, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Client(WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>);

impl Client {
    async fn connect(server: &Server) -> Self {
        Self(connect_async(format!("ws://{}/v0/ws", server.address)).await.unwrap().0)
    }

    /// Sends a request and returns its `ctrl`.
    async fn ask(&mut self, mut request: Value) -> Value {
        request["id"] = "1".into();
        self.0.send(Message::text(request.to_string())).await.unwrap();
        loop {
            let Message::Text(text) = self.0.next().await.unwrap().unwrap() else { continue };
            let mut answer: Value = serde_json::from_str(&text).unwrap();
            if answer["ctrl"]["id"] == "1" {
                return answer["ctrl"].take();
            }
        }
    }
}

fn secret() -> String {
    base64::engine::general_purpose::STANDARD.encode(format!("{NAME}:{PASSWORD}"))
}

async fn sign_up(client: &mut Client) -> Value {
    let request = json!({"acc": {"user": "new", "scheme": "basic", "secret": secret(), "login": true}});
    let answer = client.ask(request).await;
    assert_eq!(answer["code"], 201, "{answer}");
    answer["params"].clone()
}

/// Opens the notes of the user and sends a message there; returns the conversation.
async fn send(client: &mut Client) -> Value {
    let conv = client.ask(json!({"dm": {"self": true}})).await["params"]["conv"].clone();
    let sent = client.ask(json!({"send": {"conv": conv, "content": {"v": 1, "text": WORDS}}})).await;
    assert_eq!(sent["code"], 202, "{sent}");
    conv
}

/// Takes traces; each delivery is handed over as it came.
async fn collector() -> (String, mpsc::UnboundedReceiver<Bytes>) {
    let (deliveries, delivered) = mpsc::unbounded_channel();
    let take = async |State(deliveries): State<Arc<mpsc::UnboundedSender<Bytes>>>,
                      headers: HeaderMap,
                      body: Bytes| {
        assert_eq!(headers["content-type"], "application/x-protobuf");
        deliveries.send(body).unwrap();
    };
    let app = Router::new().route("/v1/traces", post(take)).with_state(Arc::new(deliveries));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (endpoint, delivered)
}

fn attributes(attributes: &[KeyValue]) -> BTreeMap<&str, String> {
    let value = |attribute: &KeyValue| match attribute.value.as_ref().and_then(|any| any.value.as_ref()) {
        Some(Any::StringValue(text)) => text.clone(),
        Some(Any::IntValue(number)) => number.to_string(),
        other => panic!("{other:?}"),
    };
    attributes.iter().map(|attribute| (attribute.key.as_str(), value(attribute))).collect()
}

/// What the book says there is: the names of spans, and the attributes of each.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", "..", "book", "src", "reference", "traces.md"].iter().collect();
    let page = fs::read_to_string(path).unwrap();
    let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').collect();
        (words(cells[1]).pop_first().unwrap(), words(cells[2]))
    })
    .collect()
}

#[tokio::test]
async fn a_collector_receives_what_the_book_says_and_nothing_that_is_anybodys() {
    let (endpoint, mut delivered) = collector().await;
    let server = Server::start(&[("MVCHAT_TRACES_ENDPOINT", &endpoint), ("MVCHAT_TRACES_SERVICE", "a-node")]);
    let mut client = Client::connect(&server).await;
    let params = sign_up(&mut client).await;
    drop(client);
    let mut client = Client::connect(&server).await;
    let login = client.ask(json!({"login": {"scheme": "basic", "secret": secret()}})).await;
    assert_eq!(login["code"], 200, "{login}");
    let conv = send(&mut client).await;
    let refused = client.ask(json!({"get": {"what": "members", "conv": params["user"]}})).await;
    assert_eq!(refused["code"], 403, "{refused}");
    drop(client);
    let log = server.stop().await;
    assert!(!log.contains("connection{") && !log.contains("traces can't be delivered"), "{log}");

    let mut spans: Vec<Span> = Vec::new();
    while let Ok(body) = delivered.try_recv() {
        let shown = String::from_utf8_lossy(&body).into_owned();
        let token = params["token"].as_str().unwrap();
        let (user, conv) = (params["user"].as_str().unwrap(), conv.as_str().unwrap());
        for private in [NAME, PASSWORD, WORDS, &secret(), token, user, conv, "127.0.0.1"] {
            assert!(!shown.contains(private), "{private} is in {shown:?}");
        }
        for of_service in ExportTraceServiceRequest::decode(body).unwrap().resource_spans {
            let resource = of_service.resource.unwrap();
            assert_eq!(attributes(&resource.attributes)["service.name"], "a-node");
            spans.extend(of_service.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    let documented = documented();
    for span in &spans {
        let known = &documented[&span.name];
        assert!(attributes(&span.attributes).keys().all(|key| known.contains(*key)), "{span:?}");
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano && span.events.is_empty(), "{span:?}");
    }
    let seen: BTreeSet<_> = spans.iter().map(|span| span.name.clone()).collect();
    assert_eq!(seen, documented.into_keys().collect());

    let find = |name: &str, key: &str, value: &str| {
        let fits = |span: &&Span| {
            span.name == name && attributes(&span.attributes).get(key).is_some_and(|found| found == value)
        };
        spans.iter().find(fits).unwrap_or_else(|| panic!("no {name} with {key} {value}"))
    };
    let (login, send) = (find("command", "command", "login_basic"), find("command", "command", "send"));
    assert_eq!(attributes(&send.attributes)["outcome"], "ok");
    let conn = &attributes(&send.attributes)["conn"];
    assert_eq!(conn, &attributes(&login.attributes)["conn"]);
    find("connection", "conn", conn);
    assert_eq!(attributes(&find("command", "command", "get_members").attributes)["outcome"], "not_member");
    let commit =
        spans.iter().find(|span| span.name == "commit" && span.parent_span_id == send.span_id).unwrap();
    assert_eq!(commit.trace_id, send.trace_id);
    assert!(send.parent_span_id.is_empty() && login.trace_id != send.trace_id);
    let batch = find("batch", "changes", "1");
    assert!(spans.iter().any(|span| span.name == "store" && span.parent_span_id == batch.span_id));
}

#[tokio::test]
async fn few_traces_are_kept_where_few_are_wanted() {
    let (endpoint, mut delivered) = collector().await;
    let server = Server::start(&[("MVCHAT_TRACES_ENDPOINT", &endpoint), ("MVCHAT_TRACES_ONE_IN", "1000000")]);
    let mut client = Client::connect(&server).await;
    sign_up(&mut client).await;
    send(&mut client).await;
    drop(client);
    server.stop().await;
    let mut spans = 0;
    while let Ok(body) = delivered.try_recv() {
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        let scopes = request.resource_spans.into_iter().flat_map(|of_service| of_service.scope_spans);
        spans += scopes.map(|scope| scope.spans.len()).sum::<usize>();
    }
    assert!(spans < 10, "{spans}");
}

/// Runs a server that can't deliver its traces, and tries to deliver often; returns what it has logged.
async fn works_undisturbed(endpoint: &str) -> String {
    let server = Server::start(&[
        ("MVCHAT_TRACES_ENDPOINT", endpoint),
        ("MVCHAT_LIMITS_RATE_LIMIT_MESSAGES", "100000"),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
    ]);
    let mut client = Client::connect(&server).await;
    sign_up(&mut client).await;
    let conv = send(&mut client).await;
    let begun = Instant::now();
    // Each makes several spans: in all more than may wait.
    for _ in 0..1_000 {
        let answer = client.ask(json!({"get": {"what": "messages", "conv": conv}})).await;
        assert_eq!(answer["code"], 200, "{answer}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    drop(client);
    let begun = Instant::now();
    let log = server.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}: {log}", begun.elapsed());
    assert!(!log.contains("panicked"), "{log}");
    log
}

#[tokio::test]
async fn a_collector_that_is_gone_disturbs_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let log = works_undisturbed(&endpoint).await;
    assert_eq!(log.matches("traces can't be delivered").count(), 1, "{log}");
}

#[tokio::test]
async fn a_collector_that_does_not_answer_disturbs_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let log = works_undisturbed(&format!("http://{}", listener.local_addr().unwrap())).await;
    assert!(log.contains("the last traces were not sent"), "{log}");
}
