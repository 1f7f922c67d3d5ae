//! Whose request it is when proxies stand in between.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};

use crate::config::Network;

/// Finds the client behind trusted proxies: the last address of `X-Forwarded-For` that no trusted proxy has.
///
/// Only a trusted peer is believed at all. What stands further left was written by the client or by someone
/// it chose, and does not count. An unreadable entry ends the search at the last address known for sure.
/// IPv4 addresses mapped into IPv6 come back as IPv4.
/// The port is 0 for an address taken from the header, as the header names none.
pub(crate) fn client(peer: SocketAddr, headers: &HeaderMap, trusted: &[Network]) -> SocketAddr {
    let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(peer.ip()) {
        return peer;
    }
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let entries = lines.flat_map(|line| line.to_str().unwrap_or("?").rsplit(',').map(str::trim));
    let mut found = peer;
    for entry in entries {
        let Some(address) = address(entry) else { break };
        found = SocketAddr::new(address.to_canonical(), 0);
        if !is_trusted(address) {
            break;
        }
    }
    found
}

/// A header by which proxies say who somebody is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct IdentityHeader {
    /// Its name.
    pub name: HeaderName,
    /// The proxies that may set it.
    pub trusted: Vec<Network>,
}

impl IdentityHeader {
    /// Makes the rule.
    pub fn new(name: HeaderName, trusted: Vec<Network>) -> Self {
        Self { name, trusted }
    }

    /// Takes the header away from a request, unless a trusted proxy is at the other end of the connection. What
    /// `X-Forwarded-For` says is about somebody further away, and does not count.
    pub(crate) fn keep_only_if_trusted(&self, peer: SocketAddr, headers: &mut HeaderMap) {
        if !self.trusted.iter().any(|network| network.contains(peer.ip())) {
            headers.remove(&self.name);
        }
    }
}

/// Reads an entry; some proxies add a port, and then brackets around IPv6.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    bare.parse().ok().or_else(|| entry.parse().ok().map(|address: SocketAddr| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted = ["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        client(SocketAddr::new(peer.parse().unwrap(), 9), &headers, &trusted).ip().to_string()
    }

    #[test]
    fn the_last_untrusted_address_counts() {
        for (peer, lines, client) in [
            ("127.0.0.1", &["203.0.113.7"][..], "203.0.113.7"),
            ("127.0.0.1", &["203.0.113.7, 10.0.0.1"], "203.0.113.7"),
            ("127.0.0.1", &["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
            ("127.0.0.1", &["198.51.100.1", "203.0.113.7,10.0.0.1"], "203.0.113.7"),
            ("127.0.0.1", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("127.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            ("127.0.0.1", &["203.0.113.7:5000"], "203.0.113.7"),
            ("::ffff:127.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("127.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("127.0.0.1", &[], "127.0.0.1"),
        ] {
            assert_eq!(found(peer, lines), client, "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_name_is_taken_from_trusted_proxies_only() {
        let rule = IdentityHeader::new("x-user".parse().unwrap(), vec!["10.0.0.0/8".parse().unwrap()]);
        for (peer, kept) in [("10.1.2.3", true), ("::ffff:10.1.2.3", true), ("127.0.0.1", false)] {
            let mut headers = HeaderMap::new();
            headers.append("x-user", "ana".parse().unwrap());
            headers.append("x-user", "eve".parse().unwrap());
            rule.keep_only_if_trusted(SocketAddr::new(peer.parse().unwrap(), 9), &mut headers);
            assert_eq!(headers.contains_key("x-user"), kept, "{peer}");
        }
    }

    #[test]
    fn nobody_else_is_believed() {
        assert_eq!(found("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(found("::ffff:203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(found("127.0.0.1", &["198.51.100.1, unknown"]), "127.0.0.1");
        assert_eq!(found("127.0.0.1", &["198.51.100.1, x, 10.0.0.1"]), "10.0.0.1");
        assert_eq!(found("127.0.0.1", &[""]), "127.0.0.1");
    }
}
