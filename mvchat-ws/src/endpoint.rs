//! Which paths there are.

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// `GET`: a WebSocket.
    Socket,
    /// Any method: whether the server is there, and how many are connected.
    Health,
    /// `GET`: whether requests would succeed now.
    Ready,
    /// `GET`: what runs here.
    Version,
    /// `POST`: a login without a connection.
    Login,
    /// `GET` lists the user's sessions, `DELETE` ends all of them.
    Sessions,
    /// `DELETE` ends the session that the last segment names; `current` is that of the token.
    Session,
    /// `POST`: a ticket for one WebSocket.
    Ticket,
}

impl Endpoint {
    /// Every path of a chat server, and what it is for; `{…}` stands for one segment.
    pub const PATHS: [(&'static str, Self); 10] = [
        ("/v0/ws", Self::Socket),
        ("/v0/channels", Self::Socket),
        ("/health", Self::Health),
        ("/ready", Self::Ready),
        ("/version", Self::Version),
        ("/v0/login", Self::Login),
        ("/v0/sessions", Self::Sessions),
        ("/v0/sessions/{session}", Self::Session),
        ("/v0/ticket", Self::Ticket),
        ("/v0/ws-ticket", Self::Ticket),
    ];

    /// Returns what a path is for, with or without the slash that it begins with.
    pub fn of(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let matches = |known: &str| {
            let mut segments = path.split('/');
            let fits = |known: &str| match segments.next() {
                Some(segment) if known.starts_with('{') => !segment.is_empty(),
                segment => segment == Some(known),
            };
            known.split('/').skip(1).all(fits) && segments.next().is_none()
        };
        Self::PATHS.iter().find(|(known, _)| matches(known)).map(|(_, endpoint)| *endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_matched_exactly() {
        for (path, endpoint) in Endpoint::PATHS {
            let path = path.replace("{session}", "current");
            assert_eq!(Endpoint::of(&path), Some(endpoint));
            assert_eq!(Endpoint::of(&path[1..]), Some(endpoint));
            assert_eq!(Endpoint::of(&format!("{path}/")), None);
            assert_eq!(Endpoint::of(&format!("/{path}")), None);
        }
        for nothing in
            ["", "/", "/v0", "/v0/WS", "/healthy", "/v0/sessions/", "/v0/sessions/a/b", "/v0/login/a"]
        {
            assert_eq!(Endpoint::of(nothing), None, "{nothing}");
        }
    }
}
