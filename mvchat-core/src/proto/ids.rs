//! Identifiers and counters.

use crate::wire::{Read, Reader, Write};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// The largest value of any counter: 2^53 − 1, the largest integer that JavaScript holds exactly.
pub const MAX_COUNTER: u64 = (1 << 53) - 1;

/// A UUID that was not in the hyphenated form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a hyphenated UUID")]
pub struct BadId;

fn parse(text: &str) -> Result<Uuid, BadId> {
    // `Uuid` reads four spellings; only the 36-character one is the protocol's.
    if text.len() != 36 {
        return Err(BadId);
    }
    Uuid::try_parse(text).map_err(|_| BadId)
}

impl Read for Uuid {
    fn blank() -> Self {
        Self::nil()
    }
    fn read(&mut self, reader: &mut Reader<'_>) -> bool {
        match reader.string().map(|text| parse(&text)) {
            Some(Ok(id)) => *self = id,
            _ => return reader.fail("not a hyphenated UUID"),
        }
        true
    }
}

impl Write for Uuid {
    fn write(&self, out: &mut String) {
        out.push('"');
        out.push_str(self.hyphenated().encode_lower(&mut Self::encode_buffer()));
        out.push('"');
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// Read in hyphenated form, any case; written in lower case.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> { parse(text).map(Self) }
        }
        impl Read for $name {
            fn blank() -> Self { Self(Uuid::nil()) }
            fn read(&mut self, reader: &mut Reader<'_>) -> bool { self.0.read(reader) }
        }
        impl Write for $name {
            fn write(&self, out: &mut String) { self.0.write(out); }
        }
        crate::bridge!($name);
    )*};
}

ids! {
    /// A user.
    UserId;
    /// A conversation.
    ConvId;
    /// A message, independent of its place; part of what its ciphertext is bound to.
    MsgId;
    /// A session: one login of one device, which tokens name.
    SessionId;
    /// An invite to the server.
    InviteId;
    /// A file.
    FileId;
    /// A connection.
    ConnId;
}

#[cfg(feature = "server")]
impl UserId {
    /// Makes the stable id of a user whom the host knows by another id, for example
    /// `UserId::external("account", 42)`: a UUIDv5 (RFC 9562) in a namespace of its own.
    ///
    /// ```
    /// use mvchat_core::proto::UserId;
    /// assert_eq!(UserId::external("account", 42), UserId::external("account", 42));
    /// assert_ne!(UserId::external("account", 42), UserId::external("bot", 42));
    /// ```
    pub fn external(kind: &str, id: impl fmt::Display) -> Self {
        const NAMESPACE: Uuid = Uuid::from_u128(0x6d76_6368_6174_4578_8000_7465_726e_616c);
        Self(Uuid::new_v5(&NAMESPACE, format!("{}:{kind}:{id}", kind.len()).as_bytes()))
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl $name {
            /// Returns the following value.
            #[must_use]
            pub const fn next(self) -> Self { Self(self.0 + 1) }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
        impl Read for $name {
            fn blank() -> Self { Self(0) }
            fn read(&mut self, reader: &mut Reader<'_>) -> bool { self.0.read(reader) }
        }
        impl Write for $name {
            fn write(&self, out: &mut String) { self.0.write(out); }
        }
        crate::bridge!($name);
    )*};
}

counters! {
    /// Numbers the messages of a conversation: from 1, without a gap, never reused.
    Seq;
    /// Numbers every shared durable change of a conversation, without a gap.
    Rev;
    /// Counts one member's private changes in a conversation.
    Own;
    /// Changes whenever who may do what in a conversation changes.
    Epoch;
    /// A place in the store-wide log of changes.
    Position;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_read() {
        let text = "5F281D6B-e26b-4e58-82c1-621cacf21f04";
        assert_eq!(text.parse::<UserId>().unwrap().to_string(), text.to_lowercase());
        for other in ["5f281d6be26b4e5882c1621cacf21f04", "{5f281d6b-e26b-4e58-82c1-621cacf21f04}", "x", ""] {
            assert_eq!(other.parse::<UserId>(), Err(BadId), "{other}");
        }
    }
}
