//! The task that owns the machine.

use crate::handle::{Answer, Command, Delivery, Handle, Sent};
use crate::socket::{Happened, Socket};
use mvchat_core::client::{Client, ClientConfig, ClientError, Event, Input, Output, RequestId, SendState};
use mvchat_core::time::Instant;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// How many events may wait for the app before the socket is no longer read.
pub const MAX_EVENTS: usize = 1_024;
/// How many commands may wait for the driver; more of them wait in the callers.
const MAX_COMMANDS: usize = 64;

/// An address that no WebSocket can be opened to.
#[derive(Debug, thiserror::Error)]
#[error("not an address of a WebSocket, such as ws://127.0.0.1:6060/v0/ws: {0}")]
pub struct BadUrl(String);

/// The events of a client, in order. Without a reader they are dropped.
#[derive(Debug)]
pub struct Events {
    events: mpsc::Receiver<Event>,
}

impl Events {
    /// Waits for the next event; `None` when all handles are gone and the connection is closed. Nothing is lost
    /// when the future is dropped.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

/// Starts a client on the current tokio runtime; it connects at once and comes back by itself.
///
/// # Errors
/// If `url` is not an address of a WebSocket without TLS. That nobody listens there is no error: the client
/// keeps trying.
pub fn connect(url: &str, config: ClientConfig) -> Result<(Handle, Events), BadUrl> {
    let request = url.into_client_request().map_err(|error| BadUrl(error.to_string()))?;
    if request.uri().scheme_str() != Some("ws") {
        return Err(BadUrl("only ws:// is spoken here, a proxy speaks TLS".to_owned()));
    }
    let seed = getrandom::u64().map_err(|error| BadUrl(error.to_string()))?;
    let (commands, from_handles) = mpsc::channel(MAX_COMMANDS);
    let (to_app, events) = mpsc::channel(MAX_EVENTS);
    let socket = Socket::new(request, config.max_frame);
    let driver = Driver {
        client: Client::new(config, seed, Instant(0)),
        socket,
        start: tokio::time::Instant::now(),
        answers: BTreeMap::new(),
        deliveries: BTreeMap::new(),
        waiting: VecDeque::new(),
        to_app,
    };
    tokio::spawn(driver.run(from_handles));
    Ok((Handle { commands }, Events { events }))
}

struct Driver {
    client: Client,
    socket: Socket,
    start: tokio::time::Instant,
    /// Who waits for the answer to a request; bounded by the machine's `max_requests`.
    answers: BTreeMap<RequestId, Option<Answer>>,
    /// Who waits for a message to get its place; bounded by the machine's `max_outbox`.
    deliveries: BTreeMap<String, Delivery>,
    /// Events that the app's queue has no room for yet. While there are some, the socket is not read, so only the
    /// timer and what the app itself asks for make them more. With [`MAX_EVENTS`] of them the timer stands still,
    /// too, and what the app can ask for is bounded by the machine.
    waiting: VecDeque<Event>,
    to_app: mpsc::Sender<Event>,
}

impl Driver {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let timer = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(timer);
        let to_app = self.to_app.clone();
        loop {
            let until = self.drain();
            if let Some(until) = until {
                timer.as_mut().reset(self.start + Duration::from_millis(until.0));
            }
            let calm = self.waiting.is_empty();
            let ticks = until.is_some() && self.waiting.len() < MAX_EVENTS;
            tokio::select! { biased;
                command = commands.recv() => match command {
                    Some(command) => self.command(command).await,
                    None => break,
                },
                permit = to_app.reserve(), if !calm => match (permit, self.waiting.pop_front()) {
                    (Ok(permit), Some(event)) => permit.send(event),
                    _ => self.waiting.clear(),
                },
                happened = self.socket.next(calm) => self.happened(happened),
                () = &mut timer, if ticks => self.client.handle(Input::Timeout, self.now()),
            }
        }
        self.client.close(self.now());
        self.drain();
        self.socket.closed().await;
    }

    fn now(&self) -> Instant {
        // A client does not run for the 584 million years that overflow takes.
        Instant(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn happened(&mut self, happened: Happened) {
        let now = self.now();
        match happened {
            Happened::Opened => self.client.handle(Input::Opened, now),
            Happened::Text(text) => self.client.handle(Input::Text(text.as_bytes()), now),
            Happened::Closed(close) => self.client.handle(Input::Closed(close), now),
        }
    }

    async fn command(&mut self, command: Command) {
        let now = self.now();
        match command {
            Command::Act(act) => act(&mut self.client, now),
            Command::Ask(request, answer) => {
                let id = self.client.request(*request, now);
                self.answers.insert(id, answer);
            }
            Command::Deliver(draft, delivery) => match self.client.send(draft, now) {
                Ok(cid) => drop(self.deliveries.insert(cid, delivery)),
                Err(error) => settle(delivery, Err(error)),
            },
            Command::Close(done) => {
                self.client.close(now);
                self.drain();
                self.socket.closed().await;
                settle(done, ());
            }
        }
    }

    /// Does all that the machine says; returns when it wants to be told the time.
    fn drain(&mut self) -> Option<Instant> {
        loop {
            match self.client.poll() {
                Output::Connect => self.socket.connect(),
                Output::Send(text) => {
                    // The machine writes JSON, which is UTF-8.
                    if let Ok(text) = Utf8Bytes::try_from(text) {
                        self.socket.send(text);
                    }
                }
                Output::Disconnect(close) => self.socket.disconnect(close),
                Output::Event(event) => self.event(*event),
                Output::Wait(until) => return until,
                _ => {}
            }
        }
    }

    fn event(&mut self, event: Event) {
        match &event {
            Event::Reply { id, result } => {
                if let Some(Some(answer)) = self.answers.remove(id) {
                    settle(answer, result.clone());
                }
                return;
            }
            Event::SendState { cid, state: SendState::Sent { seq, .. }, .. } => {
                self.delivered(cid, Ok(Sent { cid: cid.clone(), seq: *seq }));
            }
            Event::SendState { cid, state: SendState::Failed(error), .. } => {
                self.delivered(cid, Err(error.clone()));
            }
            _ => {}
        }
        if self.waiting.is_empty() {
            if let Err(mpsc::error::TrySendError::Full(event)) = self.to_app.try_send(event) {
                self.waiting.push_back(event);
            }
        } else {
            self.waiting.push_back(event);
        }
    }

    fn delivered(&mut self, cid: &str, result: Result<Sent, ClientError>) {
        if let Some(delivery) = self.deliveries.remove(cid) {
            settle(delivery, result);
        }
    }
}

/// Answers whoever waits, or nobody if they have stopped waiting.
fn settle<T>(answer: oneshot::Sender<T>, value: T) {
    let _ = answer.send(value);
}
