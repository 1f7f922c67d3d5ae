//! The machine's outside.

use super::backoff::{Backoff, SplitMix64};
use super::connection::{Connection, Phase};
use super::event::{ClientError, EndReason, Event, Input, Output, SendState};
use super::outbox::{Draft, Outbox, OutboxState};
use super::pending::{Pending, RequestId, Waiting};
use super::state::ClientState;
use super::sync::{Stage, Sync};
use super::{ClientConfig, Credentials};
use crate::map::Map;
use crate::proto::{ConvId, Ctrl, Limits, Request};
use crate::time::Instant;
use std::collections::VecDeque;

/// The client's half of the protocol; see the [module](super) for how it is driven.
pub struct Client {
    pub(super) config: ClientConfig,
    pub(super) rng: SplitMix64,
    pub(super) now: Instant,
    /// What the `cid`s of this client begin with.
    pub(super) tag: u64,
    /// How many messages were written.
    pub(super) written: u64,
    pub(super) link: Connection,
    pub(super) limits: Limits,
    pub(super) pending: Pending,
    pub(super) outbox: Outbox,
    pub(super) sync: Sync,
    pub(super) state: ClientState,
    pub(super) typed: Map<ConvId, Instant>,
    pub(super) out: VecDeque<Output>,
}

impl Client {
    /// Makes a client that connects at once.
    ///
    /// `seed` must come from a good source of entropy and be another one every time: message ids are derived
    /// from it, and so is the jitter that keeps clients from coming back all at once.
    pub fn new(config: ClientConfig, seed: u64, now: Instant) -> Self {
        let mut rng = SplitMix64::new(seed);
        let backoff = Backoff::new(config.backoff_base, config.backoff_cap);
        Self {
            tag: rng.next(),
            rng,
            now,
            written: 0,
            link: Connection::new(config.credentials.clone(), backoff, Phase::Waiting(now), now),
            limits: Limits::default(),
            pending: Pending::default(),
            outbox: Outbox::default(),
            sync: Sync::new(),
            state: ClientState::default(),
            typed: Map::new(),
            out: VecDeque::new(),
            config,
        }
        .started()
    }

    fn started(mut self) -> Self {
        self.connect();
        self
    }

    /// Takes in what happened at `now`.
    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        self.at(now);
        match input {
            Input::Opened => self.opened(),
            Input::Text(text) => self.text(text),
            Input::Closed(close) => self.closed(close),
            Input::Timeout => {}
            Input::Online => self.online(),
        }
        self.settle_up();
    }

    /// Returns the next thing to do; [`Output::Wait`] once there is nothing more.
    pub fn poll(&mut self) -> Output {
        self.out.pop_front().unwrap_or_else(|| {
            Output::Wait(self.connection_deadline().into_iter().chain(self.sending_deadline()).min())
        })
    }

    /// Asks the server for anything; answered by one [`Event::Reply`].
    ///
    /// A request that can't be sent yet waits as long as an answer may take. It fails with `timeout`, or with
    /// `disconnected` when the connection ended before the answer: it may have happened then. Messages are
    /// better sent with [`send`](Client::send); logging in is the machine's own business (`unsupported`).
    pub fn request(&mut self, request: Request, now: Instant) -> RequestId {
        self.at(now);
        let id = self.pending.id();
        let refused = match &request {
            Request::Login(_) => Some(("unsupported", "the client logs in by itself")),
            Request::Acc(acc) if acc.user.as_deref() == Some("new") => {
                Some(("unsupported", "the client signs up by itself"))
            }
            _ if self.link.phase == Phase::Ended => Some(("ended", "the client has ended")),
            _ if self.pending.len() >= self.config.max_requests => Some(("full", "too many requests wait")),
            _ => None,
        };
        if let Some((err, text)) = refused {
            self.answer(id, Err(ClientError::local(err, text)));
        } else {
            let deadline = self.now + self.config.request_timeout;
            self.pending.waiting.push_back(Waiting { id, request, deadline });
        }
        self.settle_up();
        RequestId(id)
    }

    /// Puts a message into the outbox and returns its `cid`; [`Event::SendState`] tells the rest.
    ///
    /// It is sent until the server has accepted or refused it, over any number of connections, and the messages
    /// of one conversation arrive in the order in which they were written.
    ///
    /// A message whose `cid` waits already is not taken a second time.
    ///
    /// # Errors
    /// `full` if too many messages wait; `too_large` if no server would take it; `invalid` if its own `cid` is empty
    /// or too long.
    pub fn send(&mut self, draft: Draft, now: Instant) -> Result<String, ClientError> {
        self.at(now);
        let cid = self.enqueue(draft);
        self.settle_up();
        cid
    }

    /// Takes a message back that was never sent. Returns whether that was still possible.
    pub fn cancel(&mut self, cid: &str, now: Instant) -> bool {
        self.at(now);
        let cancelled = self.outbox.cancel(cid);
        let done = cancelled.is_some();
        if let Some(item) = cancelled {
            let error = ClientError::local("cancelled", "taken back before it was sent");
            self.send_state(item.conv, item.cid, SendState::Failed(error));
        }
        self.settle_up();
        done
    }

    /// Says that the user is writing; may be called with every key, passed on as often as the server likes.
    pub fn typing(&mut self, conv: ConvId, now: Instant) {
        self.at(now);
        self.type_in(conv);
        self.settle_up();
    }

    /// Ends the connection and stays away. The outbox keeps what it has.
    pub fn close(&mut self, now: Instant) {
        self.at(now);
        if self.link.phase != Phase::Ended {
            self.end();
            self.event(Event::Ended(EndReason::Closed));
        }
        self.settle_up();
    }

    /// Connects again after the client has ended, with other credentials if some are given.
    pub fn reopen(&mut self, credentials: Option<Credentials>, now: Instant) {
        self.at(now);
        if self.link.phase == Phase::Ended {
            if let Some(credentials) = credentials {
                let backoff = self.link.backoff;
                self.link = Connection::new(credentials, backoff, Phase::Ended, now);
            }
            self.link.backoff.reset();
            self.connect();
        }
        self.settle_up();
    }

    /// Returns the messages that are not accepted yet, for keeping them over a restart.
    pub fn export_outbox(&self) -> OutboxState {
        self.outbox.export()
    }

    /// Takes the messages of an earlier run over; they go before those of this one, with the same `cid`s.
    /// Those that it has already are left out.
    ///
    /// # Errors
    /// `other_user` if another user wrote them; `full` if they are too many.
    pub fn import_outbox(&mut self, outbox: OutboxState, now: Instant) -> Result<(), ClientError> {
        self.at(now);
        let imported = self.outbox.import(outbox, self.config.max_outbox);
        self.settle_up();
        imported
    }

    /// Returns the model.
    pub fn state(&self) -> &ClientState {
        &self.state
    }

    /// Returns the server's limits, the defaults before it has told them.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns whether the client is logged in.
    pub fn is_connected(&self) -> bool {
        self.link.is_ready()
    }

    /// Returns whether everything that the server has mentioned is in the model.
    pub fn is_synced(&self) -> bool {
        self.link.is_ready() && matches!(self.sync.stage, Stage::Live { .. }) && self.sync.is_idle()
    }

    fn at(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Does what the clock says and sends what can be sent: the end of every mutation.
    fn settle_up(&mut self) {
        self.tick_requests();
        self.tick_connection();
        self.pump();
    }

    pub(super) fn transmit(&mut self, text: String) {
        self.out.push_back(Output::Send(text.into()));
    }

    pub(super) fn event(&mut self, event: Event) {
        self.out.push_back(Output::Event(Box::new(event)));
    }

    pub(super) fn out_event(&mut self, event: Option<Event>) {
        self.out.extend(event.map(|event| Output::Event(Box::new(event))));
    }

    /// Tells what changes did, and takes one's own messages that are among them out of the outbox.
    pub(super) fn tell(&mut self, events: Vec<Event>) {
        for event in events {
            let own = match &event {
                Event::Message { message, .. } | Event::Updated { message, .. } => {
                    message.cid.clone().filter(|_| message.from == self.state.me).zip(Some(message.clone()))
                }
                _ => None,
            };
            self.event(event);
            if let Some((cid, message)) = own {
                self.arrived(&cid, message.seq, message.rev);
            }
        }
    }

    pub(super) fn answer(&mut self, id: u64, result: Result<Ctrl, ClientError>) {
        self.event(Event::Reply { id: RequestId(id), result });
    }
}

impl std::fmt::Debug for Client {
    /// Shows where the machine is; never what people wrote or how they log in.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("phase", &self.link.phase)
            .field("pending", &self.pending.len())
            .field("outbox", &self.outbox.len())
            .field("conversations", &self.state.conversations.len())
            .finish_non_exhaustive()
    }
}
