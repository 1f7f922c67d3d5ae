//! The network.

use crate::proto::{Close, Frame};
use futures_util::{Sink, Stream};
use std::fmt;

/// A broken connection; a [`Misuse`] if the peer can still be told why it ends.
pub type TransportError = Box<dyn std::error::Error + Send + Sync>;

/// What a stream of frames ends with when the peer broke the transport's rules: the engine sends what is queued,
/// then this close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misuse(pub Close);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.reason())
    }
}

impl std::error::Error for Misuse {}

/// A full-duplex connection; implemented for everything that is a stream and a sink of frames.
///
/// # Contract
/// * Frames arrive whole and in order (laws `fragments_arrive_as_one_message`, `order_is_kept`); a message of
///   exactly the engine's limit passes (law `the_largest_message_passes`), a larger one is never handed over: the
///   stream yields a [`Misuse`] with [`Close::TooBig`], and the peer sees that code, even while it is still sending
///   (law `oversize_closes_1009`).
/// * A `Text` frame that is handed over is valid UTF-8; otherwise the stream yields [`Close::BadText`] (law
///   `bad_utf8_never_arrives`).
/// * After a [`Frame::Close`] was sent and the sink closed, what was sent before has left, and the peer sees the
///   code (law `the_peer_sees_the_close_code`). A peer that closed first is answered with its own code (law
///   `a_close_is_answered_with_its_code`).
/// * A sink that is ready takes a frame of any size; it buffers no more than one of them (law
///   `a_client_that_does_not_read_is_not_read`).
/// * A message that has begun and does not end is not waited for without limit: the stream yields a [`Misuse`], and
///   pings or pieces win no time (laws `half_a_message_is_given_up`, `neither_pings_nor_pieces_win_time_for_a_message`,
///   `a_message_in_time_is_no_half_one`).
/// * The adapter answers protocol-level pings by itself and hands them over as signs of life (law
///   `pings_are_answered`); it never invents frames.
/// * When the peer is gone without a word, the stream ends (law `an_abrupt_end_leaves_nothing`).
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
