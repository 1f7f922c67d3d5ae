//! The network.

use crate::proto::Frame;
use futures_util::{Sink, Stream};

/// A broken connection.
pub type TransportError = Box<dyn std::error::Error + Send + Sync>;

/// A full-duplex connection; implemented for everything that is a stream and a sink of frames.
///
/// # Contract
/// * Frames arrive whole and in order; a message that is larger than the engine's limit is never handed over,
///   the adapter closes with [`Close::TooBig`](crate::proto::Close::TooBig) (law `oversize_closes_1009`).
/// * A `Text` frame that is handed over is valid UTF-8 (law `bad_utf8_never_arrives`).
/// * After a [`Frame::Close`] was sent, what was sent before has left, and the peer sees the code (law
///   `the_peer_sees_the_close_code`).
/// * The adapter answers protocol-level pings by itself or hands them over; it never invents frames.
pub trait Transport:
    Stream<Item = Result<Frame, TransportError>> + Sink<Frame, Error = TransportError> + Send + Unpin + 'static
{
}

impl<T> Transport for T where
    T: Stream<Item = Result<Frame, TransportError>>
        + Sink<Frame, Error = TransportError>
        + Send
        + Unpin
        + 'static
{
}
