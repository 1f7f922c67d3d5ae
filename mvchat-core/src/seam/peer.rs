//! Who is at the other end of a connection, as the transport and the host know it.

use super::Principal;
use std::fmt;
use std::net::SocketAddr;

/// What a connection's first request said, before any frame.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Peer {
    /// The address, for logs and for those who trust addresses.
    pub addr: Option<SocketAddr>,
    /// Whom the host's own code found behind the request, for example by its cookie.
    pub principal: Option<Principal>,
    headers: Vec<(String, String)>,
}

impl Peer {
    /// Adds a header; its name is compared without case. Transports add those that
    /// [`Chat::auth_headers`](crate::Chat::auth_headers) names, each as often as it came.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// Adds whom the host found behind the request.
    #[must_use]
    pub fn with_principal(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// Returns a header that came exactly once: of two, one may have been put there by somebody else.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let (_, value) = found.next()?;
        found.next().is_none().then_some(value)
    }
}

impl From<SocketAddr> for Peer {
    fn from(addr: SocketAddr) -> Self {
        Self { addr: Some(addr), ..Self::default() }
    }
}

impl fmt::Debug for Peer {
    /// Shows no values of headers: they may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Peer")
            .field("addr", &self.addr)
            .field("principal", &self.principal)
            .field("headers", &names)
            .finish()
    }
}
