//! What travels over a transport.

use bytes::Bytes;

/// One frame of a connection, as transports see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame {
    /// JSON in UTF-8. Only valid UTF-8 may be put in here.
    Text(Bytes),
    /// JSON in a binary frame; accepted from clients, never sent.
    Binary(Bytes),
    /// Asks the peer for a sign of life.
    Ping,
    /// Answers a ping.
    Pong,
    /// Ends the connection.
    Close(Close),
}

/// Why a connection ends: a WebSocket close code (RFC 6455 §7.4) and a reason of at most 123 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Close {
    /// 1000: the peer was done.
    Normal,
    /// 1001: the server is stopping; come back after the announced time.
    GoingAway,
    /// 1002: the peer broke the rules of the transport.
    Protocol,
    /// 1007: a text was not valid UTF-8.
    BadText,
    /// 1009: a message was larger than allowed.
    TooBig,
    /// 1011: a defect of the server.
    Internal,
    /// 4001: log in (again): the deadline passed or the token expired.
    LogIn,
    /// 4003: the session was ended; don't retry with the same token.
    SessionEnded,
    /// 4008: the connection could not keep up; reconnect and catch up.
    Resync,
    /// 4029: the peer abuses the server.
    Abuse,
    /// Any other code, from a peer.
    Other(u16),
}

impl Close {
    /// Returns the code on the wire.
    pub fn code(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::GoingAway => 1001,
            Self::Protocol => 1002,
            Self::BadText => 1007,
            Self::TooBig => 1009,
            Self::Internal => 1011,
            Self::LogIn => 4001,
            Self::SessionEnded => 4003,
            Self::Resync => 4008,
            Self::Abuse => 4029,
            Self::Other(code) => code,
        }
    }

    /// Returns the reason on the wire.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Normal | Self::Other(_) => "",
            Self::GoingAway => "going away",
            Self::Protocol => "protocol error",
            Self::BadText => "invalid text",
            Self::TooBig => "message too big",
            Self::Internal => "internal error",
            Self::LogIn => "log in",
            Self::SessionEnded => "session ended",
            Self::Resync => "resync",
            Self::Abuse => "abuse",
        }
    }

    /// Reads a code from the wire.
    pub fn from_code(code: u16) -> Self {
        match code {
            1000 => Self::Normal,
            1001 => Self::GoingAway,
            1002 => Self::Protocol,
            1007 => Self::BadText,
            1009 => Self::TooBig,
            1011 => Self::Internal,
            4001 => Self::LogIn,
            4003 => Self::SessionEnded,
            4008 => Self::Resync,
            4029 => Self::Abuse,
            other => Self::Other(other),
        }
    }
}
