use crate::seam::{Attempt, AuthError, Authenticator, Naming, Principal};
use async_trait::async_trait;
use std::fmt;
use std::net::IpAddr;

/// Believes a header of the first request, such as `X-User-ID` of seed 001: the scheme `header`, without a secret.
///
/// Whoever can send that header can be anybody, so it is believed from peers that are trusted by name only, at first
/// nobody but this machine; requests from elsewhere, without an address, or with the header twice are refused. The
/// address is the one that the transport knows. Behind a proxy that is the proxy's, unless the server takes another
/// from `X-Forwarded-For`; and the proxy must remove the header from what clients send.
pub struct TrustedHeader {
    header: String,
    naming: Naming,
    trusts: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
}

impl TrustedHeader {
    /// Believes a header that names users in this way, from this machine only.
    pub fn new(header: &str, naming: Naming) -> Self {
        Self {
            header: header.to_ascii_lowercase(),
            naming,
            trusts: Box::new(|address| address.is_loopback()),
        }
    }

    /// Believes the header from these peers, and from nobody else.
    #[must_use]
    pub fn from_peers(mut self, trusts: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        self.trusts = Box::new(trusts);
        self
    }
}

impl fmt::Debug for TrustedHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustedHeader").field("header", &self.header).finish_non_exhaustive()
    }
}

#[async_trait]
impl Authenticator for TrustedHeader {
    fn scheme(&self) -> &str {
        "header"
    }

    fn headers(&self) -> Vec<String> {
        vec![self.header.clone()]
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Principal, AuthError> {
        // An IPv4 peer of an IPv6 socket is who it is.
        let address = attempt.peer.addr.map(|addr| addr.ip().to_canonical());
        let trusted = address.is_some_and(|address| (self.trusts)(address)) && attempt.secret.is_empty();
        let name = attempt.peer.header(&self.header).filter(|_| trusted).ok_or(AuthError::Refused)?;
        self.naming.user(name).map(Principal::new).ok_or(AuthError::Refused)
    }
}
