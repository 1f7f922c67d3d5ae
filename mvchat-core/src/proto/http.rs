//! What is said over HTTP and not on a connection.

use super::Login;
use crate::error::{ErrorKind, Result};
use crate::time::Timestamp;

crate::record! {
    /// A login over HTTP: the fields of `login`, and what `hi` says of the device on a connection.
    #[derive(Clone, Default)]
    #[non_exhaustive]
    pub struct LoginBody {
        /// `basic`, `token` or another scheme.
        #[serde(skip_serializing_if = "absent", default)]
        pub scheme: Option<String>,
        /// What the scheme asks for.
        #[serde(skip_serializing_if = "absent", default)]
        pub secret: Option<String>,
        /// The client's name and version; without it the header `User-Agent` is taken.
        #[serde(skip_serializing_if = "absent", default)]
        pub ua: Option<String>,
        /// The device's name.
        #[serde(skip_serializing_if = "absent", default)]
        pub dev: Option<String>,
    }
}

crate::record! {
    /// A ticket for one WebSocket.
    #[derive(Clone)]
    #[non_exhaustive]
    pub struct TicketParams {
        /// The ticket.
        pub ticket: String,
        /// Until when it can be used.
        pub expires: Timestamp,
    }
}

crate::record! {
    /// What runs here.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct VersionParams {
        /// The version of the protocol.
        pub ver: String,
        /// The server's build.
        pub build: String,
    }
}

crate::record! {
    /// Whether requests would succeed now: `ok` or `unavailable` for each part, and for all of them.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct ReadyParams {
        /// All of it.
        pub status: String,
        /// The store answers.
        pub store: String,
        /// The store takes writes: its disk has room, and did not fail.
        pub writes: String,
        /// The keys can be read.
        pub keys: String,
        /// The server is not about to stop.
        pub serving: String,
    }
}

impl LoginBody {
    /// Reads a body.
    ///
    /// # Errors
    /// `Malformed` if it is no JSON object of these fields.
    pub fn decode(body: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(body).ok().filter(|text| super::check_text(text));
        let read = text.and_then(|text| crate::wire::read(text).ok());
        read.ok_or_else(|| ErrorKind::Malformed.into())
    }

    /// Returns the same as a request on a connection.
    pub(crate) fn login(&self) -> Login {
        Login { scheme: self.scheme.clone(), secret: self.secret.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_like_a_frame() {
        let body =
            LoginBody::decode(br#"{"scheme":"basic","secret":"YTpi","dev":"laptop","new":1}"#).unwrap();
        let fields =
            (body.scheme.as_deref(), body.secret.as_deref(), body.ua.as_deref(), body.dev.as_deref());
        assert_eq!(fields, (Some("basic"), Some("YTpi"), None, Some("laptop")));
        let deep = format!(r#"{{"scheme":"basic","x":{}{}}}"#, "[".repeat(40), "]".repeat(40));
        for bad in
            ["", "null", "[]", "\"basic\"", "{", "{}{}", r#"{"scheme":1}"#, "{\"dev\":\"\\u0000\"}", &deep]
        {
            assert_eq!(
                LoginBody::decode(bad.as_bytes()).err().map(|error| error.kind()),
                Some(ErrorKind::Malformed),
                "{bad}"
            );
        }
        let twice = br#"{"scheme":"basic","scheme":"token"}"#;
        assert!(LoginBody::decode(twice).is_err() && LoginBody::decode(b"\xff").is_err());
    }
}
