//! The session machine.

use super::allowance::Allowance;
use super::{Device, Ended, Finished, Identity, Input, Job, Now, Output, SessionConfig, Ticket, take};
use crate::error::{Error, ErrorKind, Result};
use crate::proto::{
    Close, Command, Ctrl, Envelope, Frame, Hi, HiParams, Info, Reply, Request, ServerMsg, UNICODE, VERSION,
    What,
};
use crate::time::Instant;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long before a token expires its owner is asked to log in again.
const LOGIN_NOTICE: Duration = Duration::from_secs(60);

/// One connection on the server.
///
/// Requests start in the order in which they came, at most
/// [`max_in_flight`](crate::proto::Limits::max_in_flight) at once; one that changes who is logged in runs
/// alone, and so does one whose answer has no bound but the number of members or conversations. What waits is bounded by not reading: see [`wants_frames`](Session::wants_frames).
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    identity: Option<Identity>,
    device: Device,
    /// In boxes, so that what the queue keeps for later is small.
    waiting: VecDeque<Box<Waiting>>,
    /// The bytes of the frames that wait.
    waiting_bytes: usize,
    held: bool,
    running: BTreeMap<Ticket, Running>,
    next: u64,
    allowance: Allowance,
    /// When the connection is closed for want of a login.
    login_by: Option<Instant>,
    /// When the token's coming end is announced, and when it ends.
    expiry: Option<(Instant, Instant)>,
    heard: Instant,
    pinged: bool,
    closed: bool,
    refused: Refused,
    out: VecDeque<Output>,
}

/// Frames that became no command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// They came too fast.
    pub limited: u16,
    /// They could not be read.
    pub malformed: u16,
}

#[derive(Debug)]
struct Waiting {
    ticket: Ticket,
    envelope: Envelope,
    bytes: usize,
}

#[derive(Debug)]
struct Running {
    id: Option<String>,
    silent: bool,
    alone: bool,
}

impl Session {
    /// Makes the machine of a fresh connection.
    pub fn new(config: SessionConfig, now: Now) -> Self {
        let login_by = Some(now.mono + Duration::from_secs(config.limits.login_deadline));
        Self {
            config,
            identity: None,
            device: Device::default(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            held: false,
            running: BTreeMap::new(),
            next: 0,
            allowance: Allowance::default(),
            login_by,
            expiry: None,
            heard: now.mono,
            pinged: false,
            closed: false,
            refused: Refused::default(),
            out: VecDeque::new(),
        }
    }

    /// Takes the first ticket for a login that was proved before there was a connection: what becomes of it is handed
    /// in with [`Input::Done`] and is the first answer, without an id. To be called before the first input.
    pub fn log_in(&mut self) -> Ticket {
        let ticket = Ticket(self.next);
        self.next += 1;
        self.running.insert(ticket, Running { id: None, silent: false, alone: true });
        ticket
    }

    /// Takes one input; drain [`poll`](Session::poll) afterwards.
    pub fn handle(&mut self, input: Input, now: Now) {
        if self.closed {
            return;
        }
        match input {
            Input::Frame(frame) => self.frame(frame, now),
            Input::Done(ticket, result) => self.done(ticket, result, now),
            Input::End(Ended::Session) => self.close(Close::SessionEnded),
            Input::End(Ended::Overflow) => self.close(Close::Resync),
            Input::End(Ended::Abuse) => self.close(Close::Abuse),
            Input::End(Ended::Shutdown(after)) => {
                let error = Error::new(ErrorKind::Unavailable, "going away").retry_after(after);
                self.push(ServerMsg::Ctrl(Ctrl::error(None, &error, now.wall)));
                self.close(Close::GoingAway);
            }
            Input::Timeout => {}
        }
        self.deadlines(now);
        self.start(now);
    }

    /// Takes the next thing to do.
    pub fn poll(&mut self) -> Output {
        self.out.pop_front().unwrap_or_else(|| Output::Wait(self.deadline()))
    }

    /// Returns whether the driver should read on: not while as many requests wait as may run, or as many bytes as
    /// one frame may have.
    pub fn wants_frames(&self) -> bool {
        let limits = &self.config.limits;
        let room = self.waiting.len() < limits.max_in_flight && self.waiting_bytes < limits.max_message_size;
        room && !self.closed
    }

    /// Says whether the peer takes what it is sent: while it does not, no command starts. Returns whether what
    /// waits may start now, with the next input.
    pub fn hold(&mut self, held: bool) -> bool {
        std::mem::replace(&mut self.held, held) && !held
    }

    /// Returns how many frames became no command since this was asked last.
    pub fn take_refused(&mut self) -> Refused {
        std::mem::take(&mut self.refused)
    }

    /// Returns who is logged in.
    pub fn identity(&self) -> Option<Identity> {
        self.identity
    }

    /// Returns whether nothing more will be done.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    fn frame(&mut self, frame: Frame, now: Now) {
        self.heard = now.mono;
        self.pinged = false;
        let text = match frame {
            Frame::Text(text) | Frame::Binary(text) => text,
            Frame::Close(_) => return self.close(Close::Normal),
            Frame::Ping | Frame::Pong => return,
        };
        if text.len() > self.config.limits.max_message_size {
            return self.close(Close::TooBig);
        }
        let ticket = Ticket(self.next);
        self.next += 1;
        let within = self.allowance.frame(&self.config.limits, text.len(), now.mono);
        let decoded = Envelope::decode(&text);
        if let Err(over) = within {
            self.refused.limited += 1;
            let id = decoded.map_or_else(|bad| bad.id, |envelope| envelope.id);
            let error = Error::from(ErrorKind::RateLimited).retry_after(over.after);
            self.reply(ticket, id, Err(error), now);
            if over.abuse {
                self.close(Close::Abuse);
            }
            return;
        }
        match decoded {
            Ok(envelope) => {
                self.waiting_bytes += text.len();
                let waiting = Waiting { ticket, envelope, bytes: text.len() };
                self.waiting.push_back(Box::new(waiting));
            }
            Err(bad) => {
                self.refused.malformed += 1;
                self.reply(ticket, bad.id, Err(bad.error), now);
                if !self.allowance.malformed(&self.config.limits, now.mono) {
                    self.close(Close::Abuse);
                }
            }
        }
    }

    /// Starts what may start, in order.
    fn start(&mut self, now: Now) {
        while !self.closed
            && !self.held
            && self.running.len() < self.config.limits.max_in_flight
            && !self.running.values().any(|running| running.alone)
        {
            let Some(first) = self.waiting.front() else { return };
            let alone = runs_alone(&first.envelope.request);
            if alone && !self.running.is_empty() {
                return;
            }
            let Some(first) = self.waiting.pop_front() else { return };
            let Waiting { ticket, envelope, bytes } = *first;
            self.waiting_bytes -= bytes;
            let Envelope { id, request } = envelope;
            if self.identity.is_none() && !request.is_public() {
                self.reply(ticket, id, Err(ErrorKind::Unauthenticated.into()), now);
                continue;
            }
            match Command::parse(request, &self.config.limits) {
                Err(error) => self.reply(ticket, id, Err(error), now),
                Ok(Command::Hi(hi)) => {
                    let reply = self.greet(hi);
                    self.reply(ticket, id, Ok(reply), now);
                }
                Ok(command) => {
                    let silent = matches!(command, Command::Typing { .. });
                    self.running.insert(ticket, Running { id, silent, alone });
                    let job = Job { identity: self.identity, device: self.device.clone(), command };
                    self.out.push_back(Output::Run(ticket, Box::new(job)));
                }
            }
        }
    }

    fn greet(&mut self, hi: Hi) -> Reply {
        self.device = std::mem::take(&mut self.device).called(hi.ua, hi.dev);
        Reply::ok(HiParams {
            ver: VERSION.to_owned(),
            build: self.config.build.to_string(),
            sid: self.config.conn,
            unicode: UNICODE.to_owned(),
            limits: (*self.config.limits).clone(),
            caps: self.config.caps.to_vec(),
        })
    }

    fn done(&mut self, ticket: Ticket, result: Result<Finished>, now: Now) {
        let Some(running) = take(&mut self.running, &ticket) else { return };
        let ended = result.as_ref().is_ok_and(|finished| finished.ended);
        let result = result.map(|finished| {
            if let Some(identity) = finished.identity {
                self.identify(identity, now);
            }
            finished.reply
        });
        if running.silent {
            self.out.push_back(Output::Reply(ticket, None));
        } else {
            self.reply(ticket, running.id, result, now);
        }
        if ended {
            self.close(Close::SessionEnded);
        }
    }

    fn identify(&mut self, identity: Identity, now: Now) {
        self.identity = Some(identity);
        self.login_by = None;
        let end = now.mono + identity.expires.since(now.wall);
        let notice = now.mono + identity.expires.since(now.wall).saturating_sub(LOGIN_NOTICE);
        self.expiry = Some((notice, end));
    }

    fn deadlines(&mut self, now: Now) {
        let passed = |at: Instant| at <= now.mono;
        if self.closed {
            return;
        }
        if self.login_by.is_some_and(passed) && self.running.is_empty() {
            return self.close(Close::LogIn);
        }
        if let Some((notice, end)) = self.expiry {
            if passed(end) {
                return self.close(Close::LogIn);
            }
            if passed(notice) && notice < end {
                self.expiry = Some((end, end));
                self.push(ServerMsg::Info(Info::new(What::Login, None, None, now.wall)));
            }
        }
        if !self.wants_frames() {
            // Nothing is read while too much waits: silence proves nothing then.
            self.heard = now.mono;
        }
        if passed(self.dead_at()) && !bug!(NoDeadline) {
            self.closed = true;
            self.out.push_back(Output::Abort);
        } else if !self.pinged && passed(self.ping_at()) {
            self.pinged = true;
            self.out.push_back(Output::Ping);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        if self.closed {
            return None;
        }
        let login_by = self.login_by.filter(|_| self.running.is_empty());
        let expiry = self.expiry.map(|(notice, _)| notice);
        let alive = if self.pinged { self.dead_at() } else { self.ping_at() };
        [login_by, expiry, Some(alive)].into_iter().flatten().min()
    }

    fn ping_at(&self) -> Instant {
        self.heard + Duration::from_secs(self.config.limits.ping_interval)
    }

    fn dead_at(&self) -> Instant {
        self.heard + Duration::from_secs(self.config.limits.idle_timeout)
    }

    fn reply(&mut self, ticket: Ticket, id: Option<String>, result: Result<Reply>, now: Now) {
        let ctrl = match result {
            Ok(reply) => Ctrl::ok(id, reply.done.code(), &reply.params, now.wall),
            Err(error) => Ctrl::error(id, &error, now.wall),
        };
        let frame = ServerMsg::Ctrl(ctrl).encode();
        if bug!(AnsweredTwice) {
            self.out.push_back(Output::Push(frame.clone()));
        }
        self.out.push_back(Output::Reply(ticket, Some(frame)));
    }

    fn push(&mut self, message: ServerMsg) {
        let frame: Bytes = message.encode();
        self.out.push_back(Output::Push(frame));
    }

    fn close(&mut self, close: Close) {
        self.closed = true;
        self.waiting.clear();
        self.waiting_bytes = 0;
        self.out.push_back(Output::Close(close));
    }
}

fn runs_alone(request: &Request) -> bool {
    match request {
        Request::Login(_) | Request::Acc(_) | Request::Logout(_) => true,
        Request::Get(get) => match get.what.as_deref() {
            Some("members") => true,
            Some("receipts") => get.limit.is_none(),
            Some("conversations") => get.limit.is_none() && get.since.is_none() && get.before.is_none(),
            _ => false,
        },
        _ => false,
    }
}
