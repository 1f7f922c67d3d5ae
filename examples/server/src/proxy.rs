//! Whose request it is when proxies stand in between.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

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
    fn nobody_else_is_believed() {
        assert_eq!(found("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(found("::ffff:203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(found("127.0.0.1", &["198.51.100.1, unknown"]), "127.0.0.1");
        assert_eq!(found("127.0.0.1", &["198.51.100.1, x, 10.0.0.1"]), "10.0.0.1");
        assert_eq!(found("127.0.0.1", &[""]), "127.0.0.1");
    }
}
