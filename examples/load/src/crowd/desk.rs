//! Where people get their accounts: plain requests, one after the other on few connections, because a WebSocket for each
//! would take longer than the account.

use crate::own::HEADER;
use crate::people::{Account, part};
use crate::progress::Progress;
use crate::{Problem, Tried};
use axum::body::{Body, to_bytes};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

/// So many connections to each server make accounts.
const LANES: usize = 16;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest answer.
const LARGEST_ANSWER: usize = 64 * 1024;

/// A connection to a server of our own.
struct Desk {
    requests: SendRequest<Body>,
    host: String,
    /// The task that moves the bytes, which ends with this.
    _beside: JoinSet<()>,
}

impl Desk {
    async fn open(host: &str) -> Tried<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        let (requests, connection) = handshake(TokioIo::new(stream)).await?;
        let mut beside = JoinSet::new();
        // Whoever asks is told if it fails.
        beside.spawn(async { drop(connection.await) });
        Ok(Self { requests, host: host.to_owned(), _beside: beside })
    }

    async fn sign_up(&mut self, name: &str) -> Tried<Account> {
        let login = json!({"scheme": "header", "secret": ""}).to_string();
        let request = Request::post("/v0/login")
            .header(HEADER, name)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::HOST, &self.host)
            .body(Body::from(login))?;
        let answer = self.ask(request).await?;
        Ok(Account { user: part(&answer, "user")?, token: part(&answer, "token")? })
    }

    async fn ask(&mut self, request: Request<Body>) -> Tried<Value> {
        let asked = timeout(PATIENCE, self.requests.send_request(request)).await;
        let (head, body) = asked.map_err(|_| "the server does not answer")??.into_parts();
        let body = to_bytes(Body::new(body), LARGEST_ANSWER).await?;
        if !head.status.is_success() {
            let said = String::from_utf8_lossy(&body);
            return Err(format!("the server refused: {} {said}", head.status).into());
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

/// Makes so many new accounts, spread over servers: the first on the first, the second on the second, and so on.
///
/// # Errors
/// With a server's refusal.
pub(super) async fn sign_up(
    hosts: impl Iterator<Item = &str>,
    count: usize,
    progress: &Arc<Progress>,
) -> Tried<Vec<Account>> {
    progress.begin("signing up", count as u64);
    let hosts: Vec<&str> = hosts.collect();
    let tag = Uuid::new_v4().simple().to_string();
    let mut tasks = JoinSet::new();
    let lanes = hosts.len() * LANES;
    for lane in 0..lanes.min(count) {
        let (host, tag, progress) = (hosts[lane % hosts.len()].to_owned(), tag.clone(), progress.clone());
        tasks.spawn(async move {
            let mut desk = Desk::open(&host).await?;
            let mut made = Vec::new();
            for number in (lane..count).step_by(lanes) {
                made.push((number, desk.sign_up(&format!("b{}-{number}", &tag[..12])).await?));
                progress.step();
            }
            Ok::<_, Problem>(made)
        });
    }
    let mut accounts = Vec::with_capacity(count);
    while let Some(made) = tasks.join_next().await {
        accounts.extend(made??);
    }
    accounts.sort_by_key(|(number, _)| *number);
    Ok(accounts.into_iter().map(|(_, account)| account).collect())
}

/// How many connections servers say that they have, of people who are logged in.
///
/// # Errors
/// If one does not answer, or is not well.
pub(super) async fn sessions(hosts: impl Iterator<Item = &str>) -> Tried<u64> {
    let mut sum = 0;
    for host in hosts {
        let request = Request::builder().method(Method::GET).uri("/health").header(header::HOST, host);
        let health = Desk::open(host).await?.ask(request.body(Body::empty())?).await?;
        sum += part::<u64>(&health, "sessions")?;
    }
    Ok(sum)
}
