//! What tells the clients of one messenger apart from those of another.

use crate::marker::Marker;

/// The frames of a messenger, for somebody who gets in and talks to one other.
///
/// What is done for every message is to be of one kind of cheapness everywhere: one text is formatted for each that is
/// said, and of one that is heard no more is looked at than tells what it is and where its mark stands.
pub(crate) trait Dialect: Send + 'static {
    /// Whether the server answers the sender; elsewhere a delivery is all that shows that a message was taken.
    const ANSWERS: bool;

    /// What is said as soon as the connection is open.
    fn greeting(&mut self) -> Vec<String>;

    /// Takes in what the server said.
    fn read(&mut self, frame: &[u8]) -> Read;

    /// A message to the other one; `number` has not been used before.
    fn message(&self, number: u64, text: &str) -> String;
}

/// What a frame meant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// Nothing that matters here.
    Nothing,
    /// The server waits for this before it lets anybody in.
    Say(String),
    /// Messages can come and go from now on.
    Ready,
    /// The oldest message without an answer has been taken.
    Taken,
    /// A message of the other one.
    Heard(Marker),
    /// Something that must not be.
    Wrong(String),
}

/// Whether a frame has this in it.
pub(super) fn holds(frame: &[u8], part: &[u8]) -> bool {
    frame.windows(part.len()).any(|window| window == part)
}

/// Something that must not be, in the server's words.
pub(super) fn wrong(frame: &[u8]) -> Read {
    Read::Wrong(String::from_utf8_lossy(frame).into_owned())
}
