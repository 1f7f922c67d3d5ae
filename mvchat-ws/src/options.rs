//! Who may connect, how they may say who they are, and how long they may take.

use crate::patience::Patience;
use std::sync::Arc;
use std::time::Duration;

/// What a transport may decide by itself.
///
/// # Defaults
/// Pages of every origin may connect. That is safe as long as nothing but frames authenticates: mvchat reads no
/// cookies, so a foreign page has no more than what its own user gives it. List origins to keep foreign pages out
/// all the same, and always where a proxy in front authenticates by cookie. A message may take 20 seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    allowed_origins: Arc<[String]>,
    query_token: bool,
    message_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { allowed_origins: Arc::default(), query_token: false, message_timeout: Patience::DEFAULT }
    }
}

impl Options {
    /// Lets pages of these origins connect, and no others: each is `scheme://host[:port]` as browsers send it, in
    /// lower case and without the default port, and matched exactly. An empty list is every origin.
    ///
    /// Requests without `Origin` don't come from a web page and are let in whatever the list says.
    #[must_use]
    pub fn allowed_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.allowed_origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// Lets clients show their token in the address of a WebSocket, as `?token=…`, for those that can neither set headers
    /// nor get a ticket first. Addresses end up in the logs of every server on the way and in histories, and whoever reads
    /// the token there is the user: off by default, and then such a request is refused.
    #[must_use]
    pub fn query_token(mut self, taken: bool) -> Self {
        self.query_token = taken;
        self
    }

    /// Gives a WebSocket message so long from its first byte to its last, and closes the connection with 1002 when it
    /// takes longer: a peer that sends half a message must not be able to keep the server waiting with it. Pings and
    /// further pieces win no time. By default 20 seconds, in which 64 KiB arrive at 27 kbit/s; allow more where messages
    /// may be larger.
    #[must_use]
    pub fn message_timeout(mut self, limit: Duration) -> Self {
        self.message_timeout = limit;
        self
    }

    pub(crate) fn takes_query_token(&self) -> bool {
        self.query_token
    }

    pub(crate) fn time_for_a_message(&self) -> Duration {
        self.message_timeout
    }

    /// Returns whether a request with this `Origin` may connect.
    pub(crate) fn allows(&self, origin: Option<&[u8]>) -> bool {
        let Some(origin) = origin else { return true };
        self.allowed_origins.is_empty()
            || self.allowed_origins.iter().any(|allowed| allowed.as_bytes() == origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_matched_exactly() {
        let options = Options::default().allowed_origins(["https://a.example", "http://localhost:8080"]);
        for origin in [None, Some("https://a.example"), Some("http://localhost:8080")] {
            assert!(options.allows(origin.map(str::as_bytes)), "{origin:?}");
        }
        for origin in [
            "",
            "null",
            "http://a.example",
            "https://a.example:444",
            "https://a.example.evil.example",
            "https://b.a.example",
            "https://a.exampl",
            "http://localhost",
            "*",
        ] {
            assert!(!options.allows(Some(origin.as_bytes())), "{origin}");
        }
    }

    #[test]
    fn no_list_is_everybody() {
        assert!(Options::default().allows(Some(b"https://elsewhere.example")));
    }
}
