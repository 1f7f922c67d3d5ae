//! Which paths there are.

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// A WebSocket.
    Socket,
    /// A health check.
    Health,
}

impl Endpoint {
    /// Every path of a chat server, and what it is for.
    pub const PATHS: [(&'static str, Self); 3] =
        [("/v0/ws", Self::Socket), ("/v0/channels", Self::Socket), ("/health", Self::Health)];

    /// Returns what a path is for, with or without the slash that it begins with.
    pub fn of(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let found = Self::PATHS.iter().find(|(known, _)| known.strip_prefix('/') == Some(path));
        found.map(|(_, endpoint)| *endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_matched_exactly() {
        for (path, endpoint) in Endpoint::PATHS {
            assert_eq!(Endpoint::of(path), Some(endpoint));
            assert_eq!(Endpoint::of(&path[1..]), Some(endpoint));
            assert_eq!(Endpoint::of(&format!("{path}/")), None);
            assert_eq!(Endpoint::of(&format!("/{path}")), None);
        }
        for nothing in ["", "/", "/v0", "/v0/WS", "/healthy"] {
            assert_eq!(Endpoint::of(nothing), None, "{nothing}");
        }
    }
}
