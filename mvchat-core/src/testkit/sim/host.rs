//! A device: the client machine with its hands, used by somebody impatient.

use super::link::until;
use super::rng::Rng;
use super::trace::Seen;
use super::walk::Walk;
use super::world::{Phase, World};
use crate::client::{Client, ClientConfig, ClientState, Credentials, Event, Input, Output};
use crate::proto::{Close, Frame, Password};
use crate::testkit::Pipe;
use crate::time::Instant;
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use std::collections::VecDeque;
use std::time::Duration;

/// How a device was at the end.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) user: usize,
    pub(super) device: usize,
    pub(super) connected: bool,
    /// It knows everything and has nothing more to say.
    pub(super) well: bool,
    pub(super) state: ClientState,
}

/// One device of one user.
pub(super) struct Host {
    pub(super) world: World,
    pub(super) user: usize,
    pub(super) device: usize,
    pub(super) rng: Rng,
    pub(super) client: Client,
    pub(super) token: Option<String>,
    pub(super) walk: Option<Walk>,
    /// Another session is needed before it can connect again.
    ended: bool,
    opening: Option<Instant>,
    link: Option<Connected>,
    /// It has said its last words, after the faults.
    final_said: bool,
}

struct Connected {
    id: usize,
    up: SplitSink<Pipe, Frame>,
    down: SplitStream<Pipe>,
    queue: VecDeque<Bytes>,
}

enum Happened {
    Opened,
    Sent(bool),
    Frame(Option<Frame>),
    Deadline,
    Act,
    Phase,
}

impl Host {
    pub(super) async fn new(world: &World, user: usize, device: usize) -> Self {
        let mut rng = world.fork();
        let token = world.session(user, &mut rng).await;
        let client = client(&token, &mut rng, world.clock.mono());
        Self {
            world: world.clone(),
            user,
            device,
            rng,
            client,
            token: Some(token),
            walk: None,
            ended: false,
            opening: None,
            link: None,
            final_said: false,
        }
    }

    /// Lives until the run is done, then tells how it is.
    pub(super) async fn live(mut self) {
        let world = self.world.clone();
        let mut next = self.pause();
        loop {
            let deadline = self.drain();
            if self.ended {
                self.start_again().await;
                continue;
            }
            if self.world.phase() == Phase::Done {
                break;
            }
            if self.world.phase() == Phase::Heal && !self.final_said && self.client.is_synced() {
                self.final_said = true;
                self.say_goodbye();
                continue;
            }
            let acts = self.world.phase() == Phase::Chaos;
            let clock = self.world.clock.clone();
            let happened = {
                let (opening, link) = (self.opening, &mut self.link);
                let work = async {
                    match link {
                        Some(link) => link.step().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! { biased;
                    () = world.next_phase() => Happened::Phase,
                    happened = work => happened,
                    () = until(&clock, opening) => Happened::Opened,
                    () = until(&clock, deadline) => Happened::Deadline,
                    () = until(&clock, acts.then_some(next)) => Happened::Act,
                }
            };
            if matches!(happened, Happened::Act) {
                next = self.pause();
            }
            self.handle(happened).await;
        }
        let end = Ended {
            user: self.user,
            device: self.device,
            connected: self.link.is_some(),
            well: self.client.is_synced() && self.final_said && self.client.export_outbox().items.is_empty(),
            state: self.client.state().clone(),
        };
        self.world.ended.lock().push(end);
    }

    pub(super) fn now(&self) -> Instant {
        self.world.clock.mono()
    }

    fn pause(&mut self) -> Instant {
        let pace = u64::try_from(self.world.scenario.pace.as_millis()).unwrap_or(1_000);
        self.now() + Duration::from_millis(1 + self.rng.below(2 * pace))
    }

    async fn handle(&mut self, happened: Happened) {
        let now = self.now();
        match happened {
            Happened::Opened => {
                self.opening = None;
                let node = self.rng.below(self.world.scenario.nodes as u64);
                let node = usize::try_from(node).unwrap_or(0);
                match self.world.connect(self.user, self.device, node) {
                    Some((id, pipe)) => {
                        let (up, down) = pipe.split();
                        self.link = Some(Connected { id, up, down, queue: VecDeque::new() });
                        self.client.handle(Input::Opened, now);
                    }
                    None => self.client.handle(Input::Closed(None), now),
                }
            }
            Happened::Sent(true) => {}
            Happened::Sent(false) | Happened::Frame(None) => self.lost(None),
            Happened::Frame(Some(Frame::Text(text))) => {
                if let Some(link) = &self.link {
                    let text = String::from_utf8_lossy(&text).into_owned();
                    self.world.trace.note(Seen::Down { link: link.id, text });
                }
                self.client.handle(Input::Text(&text), now);
            }
            Happened::Frame(Some(Frame::Close(close))) => self.lost(Some(close)),
            Happened::Frame(Some(Frame::Ping)) => {
                if let Some(link) = &mut self.link {
                    // As a browser does it: without the machine's knowledge.
                    drop(link.up.send(Frame::Pong).await);
                }
            }
            Happened::Frame(Some(_)) | Happened::Phase => {}
            Happened::Deadline => self.client.handle(Input::Timeout, now),
            Happened::Act => self.act(),
        }
    }

    /// The connection has ended without the machine's doing.
    fn lost(&mut self, close: Option<Close>) {
        if let Some(link) = self.link.take() {
            self.world.trace.note(Seen::Closed { link: link.id, code: close.map(Close::code) });
            let now = self.now();
            self.client.handle(Input::Closed(close), now);
        }
    }

    /// Does what the machine says; returns when it wants to be woken.
    fn drain(&mut self) -> Option<Instant> {
        loop {
            match self.client.poll() {
                Output::Connect => {
                    let takes = self.rng.between(1, 100);
                    self.opening = Some(self.now() + Duration::from_millis(takes));
                }
                Output::Send(text) => {
                    if let Some(link) = &mut self.link {
                        let shown = String::from_utf8_lossy(&text).into_owned();
                        self.world.trace.note(Seen::Up { link: link.id, text: shown });
                        link.queue.push_back(text);
                    }
                }
                Output::Disconnect(_) => {
                    self.opening = None;
                    if let Some(link) = self.link.take() {
                        self.world.trace.note(Seen::Closed { link: link.id, code: None });
                    }
                }
                Output::Event(event) => self.hear(*event),
                Output::Wait(deadline) => return deadline,
            }
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Connected(account) | Event::Renewed(account) => {
                self.token = account.token.map(|token| token.0).or(self.token.take());
            }
            Event::LoginFailed(_) | Event::Ended(_) => self.ended = true,
            Event::Reply { id, result } => self.walk_on(id, result),
            _ => {}
        }
    }

    /// The user logs in anew, as one does who was logged out.
    async fn start_again(&mut self) {
        self.ended = false;
        let token = self.world.session(self.user, &mut self.rng).await;
        self.token = Some(token.clone());
        let credentials = Credentials::Token(Password(token));
        let now = self.now();
        self.client.reopen(Some(credentials), now);
    }

    /// The app is closed and started again: what it kept is its outbox and its token.
    pub(super) fn restart(&mut self) {
        let outbox = self.client.export_outbox();
        if let Some(link) = self.link.take() {
            self.world.trace.note(Seen::Closed { link: link.id, code: None });
        }
        self.opening = None;
        self.walk = None;
        let now = self.now();
        let token = self.token.clone().unwrap_or_default();
        self.client = client(&token, &mut self.rng, now);
        self.client.import_outbox(outbox, now).expect("its own outbox fits");
    }
}

impl Connected {
    /// Waits for what the connection does next.
    async fn step(&mut self) -> Happened {
        let Self { up, down, queue, .. } = self;
        let send = async {
            // May be dropped at any time: what was begun is finished by the next, and taken from the queue already.
            if up.flush().await.is_err() {
                return false;
            }
            match queue.pop_front() {
                // After a flush there is room for one, so this does not wait.
                Some(text) => up.feed(Frame::Text(text)).await.is_ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! { biased;
            sent = send => Happened::Sent(sent),
            frame = down.next() => Happened::Frame(frame.and_then(Result::ok)),
        }
    }
}

fn client(token: &str, rng: &mut Rng, now: Instant) -> Client {
    Client::new(ClientConfig::new(Credentials::token(token)), rng.next(), now)
}
