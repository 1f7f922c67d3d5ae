//! How long sessions live.

use crate::proto::Limits;
use crate::time::Timestamp;
use std::time::Duration;

/// Decides until when a session lives that is used now: it slides, up to its absolute end, and not beyond `until`.
pub fn session_end(
    created_at: Timestamp,
    until: Option<Timestamp>,
    limits: &Limits,
    now: Timestamp,
) -> Timestamp {
    let sliding = now + Duration::from_secs(limits.token_lifetime);
    let absolute = created_at + Duration::from_secs(limits.session_lifetime);
    until.unwrap_or(absolute).min(absolute).min(sliding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_slides_up_to_its_ends() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let limits = Limits { token_lifetime: 100, session_lifetime: 1_000, ..Limits::default() };
        for (until, now, end) in [
            (None, 0, 100),
            (None, 500, 600),
            (None, 950, 1_000),
            (None, 2_000, 1_000),
            (Some(550), 400, 500),
            (Some(550), 500, 550),
            (Some(5_000), 950, 1_000),
        ] {
            assert_eq!(session_end(at(0), until.map(at), &limits, at(now)), at(end), "{until:?} {now}");
        }
    }
}
