//! What goes into a session and what comes out.

use crate::error::Error;
use crate::proto::{Close, Command, Frame, Reply, SessionId, UserId};
use crate::time::{Instant, Timestamp};
use bytes::Bytes;
use std::time::Duration;

/// The time, on both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// For deadlines.
    pub mono: Instant,
    /// For what is shown and for the life of tokens.
    pub wall: Timestamp,
}

/// Names a request by its place on the connection, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// Who is logged in on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// The session that the token names.
    pub session: SessionId,
    /// When the token expires.
    pub expires: Timestamp,
}

/// What the client said about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The client's name and version.
    pub user_agent: Option<String>,
    /// The device's name.
    pub name: Option<String>,
}

/// The longest device name and user agent that are kept, in bytes.
const MAX_DEVICE: usize = 64;
const MAX_USER_AGENT: usize = 255;

impl Device {
    /// Takes what the client says now; what it does not say stays as it is.
    #[must_use]
    pub fn called(self, user_agent: Option<String>, name: Option<String>) -> Self {
        Self {
            user_agent: user_agent.map(|text| cut(text, MAX_USER_AGENT)).or(self.user_agent),
            name: name.map(|text| cut(text, MAX_DEVICE)).or(self.name),
        }
    }
}

/// A command to carry out.
#[derive(Clone, Debug)]
pub struct Job {
    /// On whose behalf.
    pub identity: Option<Identity>,
    /// From which device.
    pub device: Device,
    /// What to do.
    pub command: Command,
}

/// How a command succeeded.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The answer.
    pub reply: Reply,
    /// Who is logged in from now on, if that changed.
    pub identity: Option<Identity>,
    /// Whether the session is over: the connection closes after the answer.
    pub ended: bool,
}

impl From<Reply> for Finished {
    fn from(reply: Reply) -> Self {
        Self { reply, identity: None, ended: false }
    }
}

/// Why the engine ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The session was ended.
    Session,
    /// The connection could not keep up.
    Overflow,
    /// The peer goes on above a limit that ends the connection.
    Abuse,
    /// The server stops; the client may come back after this time.
    Shutdown(Duration),
}

/// What happens to a session.
#[derive(Debug)]
#[non_exhaustive]
pub enum Input {
    /// The peer sent a frame.
    Frame(Frame),
    /// A command handed out by [`Output::Run`] is done.
    Done(Ticket, Result<Finished, Error>),
    /// The engine ends the connection.
    End(Ended),
    /// A deadline may have passed.
    Timeout,
}

/// What the driver must do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output {
    /// Answer a request: hand it to [`Outbox::reply`](super::Outbox::reply). `None` is no answer.
    Reply(Ticket, Option<Bytes>),
    /// Push a frame.
    Push(Bytes),
    /// Ask the peer for a sign of life.
    Ping,
    /// Carry out a command, answer with [`Input::Done`].
    Run(Ticket, Box<Job>),
    /// Send everything, then this, then end.
    Close(Close),
    /// The peer is gone: end without a word.
    Abort,
    /// Nothing more to do until an input or this instant.
    Wait(Option<Instant>),
}

/// Cuts a text to at most `max` bytes, between characters.
fn cut(mut text: String, max: usize) -> String {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}
