//! One connection: the task that owns a party and its socket, and does what the party says.

use futures_util::{FutureExt, SinkExt, StreamExt};
use mvchat_core::proto::Close;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// How long opening or closing a connection may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How many frames that are there already are read before the clock is looked at again.
const AT_ONCE: usize = 64;

/// A connection of a client.
pub(crate) type Web = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What all connections are told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Connect, and wait.
    Gather,
    /// Do what the habit says from the first to the second instant.
    Run(Instant, Instant),
    /// Disconnect and stay away.
    Away,
    /// Come back, from this instant on.
    Back(Instant),
    /// It is over.
    End,
}

/// What happened to a party.
pub(crate) enum Happened<'a> {
    Opened,
    Text(&'a [u8]),
    Closed(Option<Close>),
    Phase(Phase),
    /// The instant it waited for has come.
    Time,
}

/// What a party wants done.
pub(crate) enum Act {
    Connect,
    Send(Utf8Bytes),
    Disconnect(Close),
    Wait(Option<Instant>),
}

/// Somebody at the client's end of a connection, without input and output.
pub(crate) trait Party: Send + 'static {
    /// Takes in what happened.
    fn step(&mut self, happened: Happened<'_>, now: Instant);
    /// Returns the next thing to do; [`Act::Wait`] once there is nothing more.
    fn poll(&mut self, now: Instant) -> Act;
}

/// How connections are opened.
#[derive(Debug)]
pub(crate) struct Road {
    request: Request,
    /// So many connections are opened at once, as their machine's system would queue the rest anyway.
    doors: Semaphore,
}

impl Road {
    pub(crate) fn new(request: Request, at_once: usize) -> Self {
        Self { request, doors: Semaphore::new(at_once) }
    }

    async fn open(&self) -> Option<Web> {
        let _turn = self.doors.acquire().await.ok()?;
        timeout(PATIENCE, connect(self.request.clone())).await.ok()?.ok()
    }
}

/// Opens a WebSocket with small buffers, because a run has thousands.
pub(crate) async fn connect(request: Request) -> Result<Web, Error> {
    let config = WebSocketConfig::default()
        .read_buffer_size(4 * 1024)
        .write_buffer_size(4 * 1024)
        .max_write_buffer_size(1024 * 1024);
    Ok(connect_async_with_config(request, Some(config), true).await?.0)
}

/// Runs a party until the end of the run, and hands it back with what it has measured.
pub(crate) async fn drive<P: Party>(
    mut party: P,
    road: std::sync::Arc<Road>,
    mut phases: watch::Receiver<Phase>,
) -> P {
    let mut socket: Option<Web> = None;
    let timer = tokio::time::sleep(Duration::ZERO);
    tokio::pin!(timer);
    let first = *phases.borrow_and_update();
    party.step(Happened::Phase(first), Instant::now());
    loop {
        let until = carry_out(&mut party, &mut socket, &road).await;
        if let Some(until) = until {
            // What is due already does not wait for the timer, which knows milliseconds only.
            let now = Instant::now();
            if until <= now {
                party.step(Happened::Time, now);
                tokio::task::coop::consume_budget().await;
                continue;
            }
            timer.as_mut().reset(until);
        }
        tokio::select! { biased;
            changed = phases.changed() => {
                let phase = *phases.borrow_and_update();
                if changed.is_err() || phase == Phase::End {
                    return party;
                }
                party.step(Happened::Phase(phase), Instant::now());
            }
            () = &mut timer, if until.is_some() => party.step(Happened::Time, Instant::now()),
            message = next(&mut socket), if socket.is_some() => {
                let mut message = Some(message);
                let mut left = AT_ONCE;
                while let Some(read) = message.take() {
                    hear(&mut party, &mut socket, read);
                    left -= 1;
                    if left > 0 && socket.is_some() {
                        message = next(&mut socket).now_or_never();
                    }
                }
            }
        }
    }
}

/// Reads a frame; waits for ever without a connection.
async fn next(socket: &mut Option<Web>) -> Option<Result<Message, Error>> {
    match socket {
        Some(web) => web.next().await,
        None => std::future::pending().await,
    }
}

fn hear<P: Party>(party: &mut P, socket: &mut Option<Web>, read: Option<Result<Message, Error>>) {
    let close = match read {
        Some(Ok(Message::Text(text))) => {
            return party.step(Happened::Text(text.as_bytes()), Instant::now());
        }
        Some(Ok(Message::Close(frame))) => frame.map(|frame| Close::from_code(frame.code.into())),
        // Pings are answered by the socket itself.
        Some(Ok(_)) => return,
        Some(Err(_)) | None => None,
    };
    *socket = None;
    party.step(Happened::Closed(close), Instant::now());
}

/// Does all that the party says; returns when it wants to be told the time.
async fn carry_out<P: Party>(party: &mut P, socket: &mut Option<Web>, road: &Road) -> Option<Instant> {
    let mut fed = false;
    loop {
        match party.poll(Instant::now()) {
            Act::Connect => {
                *socket = road.open().await;
                let happened = if socket.is_some() { Happened::Opened } else { Happened::Closed(None) };
                party.step(happened, Instant::now());
            }
            Act::Send(text) => {
                if let Some(web) = socket {
                    fed = true;
                    if web.feed(Message::Text(text)).await.is_err() {
                        *socket = None;
                        party.step(Happened::Closed(None), Instant::now());
                    }
                }
            }
            Act::Disconnect(close) => {
                if let Some(web) = socket.take() {
                    // Whether the server answers no longer matters to anybody.
                    let _ = timeout(PATIENCE, say_goodbye(web, close)).await;
                }
            }
            Act::Wait(until) => {
                let Some(web) = socket.as_mut().filter(|_| std::mem::take(&mut fed)) else { return until };
                if web.flush().await.is_err() {
                    *socket = None;
                    party.step(Happened::Closed(None), Instant::now());
                }
            }
        }
    }
}

async fn say_goodbye(mut web: Web, close: Close) -> Result<(), Error> {
    let frame = CloseFrame { code: close.code().into(), reason: close.reason().into() };
    WebSocketStream::close(&mut web, Some(frame)).await?;
    while let Some(message) = web.next().await {
        message?;
    }
    Ok(())
}
