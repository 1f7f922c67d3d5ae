//! Sends what the app wrote, and asks what it asks.

use super::apply::normal;
use super::backoff::Backoff;
use super::event::{ClientError, Event, SendState};
use super::machine::Client;
use super::mine::Mine;
use super::outbox::{Draft, OutboxItem};
use super::pending::{Entry, Purpose, Waiting};
use super::sync::pause;
use crate::error::Answer;
use crate::proto::{Close, ConvId, Ctrl, Request, Seq, Typing};
use crate::time::Instant;
use std::time::Duration;

/// After so many defects of the server (500), a message has failed.
const MAX_DEFECTS: u32 = 5;
/// The server works on at most so many requests of a connection; more would wait in the network.
const WINDOW: usize = 16;

impl Client {
    /// Sends a request, whatever it is for.
    pub(super) fn ask(&mut self, request: Request, purpose: Purpose) {
        let id = self.pending.id();
        self.ask_as(id, request.encode(Some(&id.to_string())), purpose);
    }

    fn ask_as(&mut self, id: u64, text: String, purpose: Purpose) {
        let bytes = text.len();
        let too_large = bytes > self.limits.max_message_size.max(1_024);
        let error = || ClientError::local("too_large", "larger than the server allows");
        match purpose {
            Purpose::Ask { .. } if too_large => return self.answer(id, Err(error())),
            Purpose::Send { cid } if too_large => return self.send_failed(&cid, error()),
            _ => {}
        }
        // A sign of life has a deadline of its own.
        let timed = !matches!(purpose, Purpose::Ping);
        let deadline = timed.then(|| self.now + self.config.request_timeout);
        self.pending.sent.insert(id, Entry { purpose, deadline, bytes });
        self.transmit(text);
    }

    /// Sends whatever may be sent now: the catch-up first, then requests, then messages.
    pub(super) fn pump(&mut self) {
        if !self.link.is_ready() {
            return;
        }
        let free = !self.link.must_change_password;
        if free {
            self.start_jobs();
        }
        let window = self.limits.max_in_flight.clamp(1, WINDOW);
        while self.pending.in_flight() < window {
            let Some(Waiting { id, request, .. }) = self.pending.waiting.pop_front() else { break };
            let text = request.encode(Some(&id.to_string()));
            let purpose = Purpose::Ask { request: Box::new(normalized(request)), answered: false };
            self.ask_as(id, text, purpose);
        }
        while free && self.pending.in_flight() < window {
            let Some(item) = self.outbox.next(self.now) else { break };
            self.send_state(item.conv, item.cid.clone(), SendState::Sending);
            self.ask(item.request(), Purpose::Send { cid: item.cid });
        }
    }

    pub(super) fn enqueue(&mut self, draft: Draft) -> Result<String, ClientError> {
        let Draft { conv, content, reply_to, view_once, view_once_ttl, expires_in, cid } = draft;
        if let Some(cid) = cid.as_ref().filter(|cid| self.outbox.has(cid)) {
            return Ok(cid.clone());
        }
        if self.outbox.len() >= self.config.max_outbox {
            return Err(ClientError::local("full", "too many messages wait to be sent"));
        }
        let content = normal(content);
        if content.as_str().len() > self.limits.max_message_size.max(1_024) {
            return Err(ClientError::local("too_large", "larger than the server allows"));
        }
        let cid = match cid {
            Some(cid) if cid.is_empty() || cid.len() > self.limits.max_cid => {
                return Err(ClientError::local("invalid", "the message's id is empty or too long"));
            }
            Some(cid) => cid,
            None => {
                self.written += 1;
                format!("{:016x}-{:x}", self.tag, self.written)
            }
        };
        let item =
            OutboxItem { cid: cid.clone(), conv, content, reply_to, view_once, view_once_ttl, expires_in };
        self.outbox.push(item);
        self.send_state(conv, cid.clone(), SendState::Queued);
        Ok(cid)
    }

    pub(super) fn send_answered(&mut self, cid: &str, result: Result<&Ctrl, ClientError>, bytes: usize) {
        let error = match result {
            Ok(ctrl) => return self.accepted(cid, ctrl, bytes),
            Err(error) => error,
        };
        let again = error.is_transient() || error.answer() == Answer::Unauthenticated;
        let (now, floor) = (self.now, error.floor());
        let rng = &mut self.rng;
        let failures = self.outbox.again(cid, |failures| {
            let mut backoff = Backoff::new(pause(failures), pause(failures));
            Some(now + backoff.fail(rng, floor.max(Duration::from_millis(100))))
        });
        if !again || (error.answer() == Answer::Defect && failures >= MAX_DEFECTS) {
            return self.send_failed(cid, error);
        }
        if let Some(conv) = self.outbox.get(cid).map(|item| item.conv) {
            self.send_state(conv, cid.to_owned(), SendState::Queued);
        }
        if error.answer() == Answer::Unauthenticated && self.link.is_ready() {
            self.log_in();
        }
    }

    fn accepted(&mut self, cid: &str, ctrl: &Ctrl, bytes: usize) {
        // A message that came back in the changes before this answer is out of the outbox already.
        let Some(item) = self.outbox.take(cid) else { return };
        let mine = Mine::read(ctrl);
        let state = SendState::Sent { seq: mine.seq.unwrap_or_default(), rev: mine.rev };
        let request = item.request();
        self.send_state(item.conv, item.cid, state);
        self.effect(request, ctrl, bytes);
    }

    /// One's own message was seen: it needs no answer.
    pub(super) fn arrived(&mut self, cid: &str, seq: Seq, rev: crate::proto::Rev) {
        if let Some(item) = self.outbox.take(cid) {
            self.send_state(item.conv, item.cid, SendState::Sent { seq, rev: Some(rev) });
        }
    }

    pub(super) fn send_failed(&mut self, cid: &str, error: ClientError) {
        if let Some(item) = self.outbox.take(cid) {
            self.send_state(item.conv, item.cid, SendState::Failed(error));
        }
    }

    pub(super) fn send_state(&mut self, conv: ConvId, cid: String, state: SendState) {
        self.event(Event::SendState { conv, cid, state });
    }

    /// Everything that was not answered on the connection that has ended.
    pub(super) fn disconnected(&mut self, close: Option<Close>) {
        let mut sent = std::mem::take(&mut self.pending.sent);
        if close == Some(Close::TooBig) {
            // The server does not say which; sending the same again would only end the next connection.
            let largest = sent.values().max_by_key(|entry| entry.bytes);
            if let Some(Entry { purpose: Purpose::Send { cid }, .. }) = largest {
                self.send_failed(
                    &cid.clone(),
                    ClientError::local("too_large", "larger than the server allows"),
                );
            }
        }
        while let Some((id, entry)) = sent.pop_first() {
            if let Purpose::Ask { answered: false, .. } = entry.purpose {
                self.answer(
                    id,
                    Err(ClientError::local("disconnected", "the connection ended before the answer")),
                );
            }
        }
        for (conv, cid) in self.outbox.disconnected() {
            self.send_state(conv, cid, SendState::Queued);
        }
        self.typed.clear();
        let conversations = &self.state.conversations;
        self.sync.disconnected(|conv| conversations.contains_key(&conv));
    }

    pub(super) fn type_in(&mut self, conv: ConvId) {
        let every = Duration::from_millis(self.limits.typing_interval_ms.min(60_000));
        let now = self.now;
        self.typed.retain(|_, at| now.since(*at) < every);
        if self.link.is_ready() && !self.typed.contains_key(&conv) {
            self.typed.insert(conv, now);
            // Typing is never answered, so it has no id.
            let request = Request::Typing(Typing { conv: Some(conv.to_string()) });
            self.transmit(request.encode(None));
        }
    }

    /// Returns when something that waits can be sent. What could be sent already waits for an answer instead,
    /// because as much as may be is on its way.
    pub(super) fn sending_deadline(&self) -> Option<Instant> {
        let later = self.sync.deadline(self.now).into_iter().chain(self.outbox.deadline(self.now)).min();
        self.pending.deadline().into_iter().chain(later.filter(|_| self.link.is_ready())).min()
    }
}

/// Remembers a request as the server will have understood it.
fn normalized(mut request: Request) -> Request {
    if let Request::Send(crate::proto::Send { content, .. }) = &mut request {
        *content = content.take().map(normal);
    }
    request
}
