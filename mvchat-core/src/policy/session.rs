//! How long sessions live, and what refresh tokens renew.

use crate::proto::Limits;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// The most tokens that replace one and were not used yet.
const MAX_LIVE: usize = 4;

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

/// Decides until when an access token is good that is given out now: for `lifetime`, but not longer than its session.
pub fn access_end(lifetime: Option<Duration>, session_end: Timestamp, now: Timestamp) -> Timestamp {
    lifetime.map_or(session_end, |lifetime| session_end.min(now + lifetime))
}

/// A keyed hash of a refresh token.
pub type RefreshHash = [u8; 32];

/// What is known of a session's refresh tokens.
///
/// A token is used once, and replaced by its use. If the answer with the new one is lost, the client has only the one
/// that it used: so that is taken again until a token that replaced it is used, and each time replaced by another one.
/// From then on it is spent, and so are all others that replaced it. Two who use the same token therefore end with
/// tokens of which only one is good, and the use of the other one shows that there are two.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refresh {
    /// The token that was used last.
    pub used: Option<RefreshHash>,
    /// Those that have replaced it and were not used, the oldest first.
    pub live: Vec<RefreshHash>,
}

impl fmt::Debug for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refresh({} of {})", self.live.len(), if self.used.is_some() { "another" } else { "none" })
    }
}

impl Refresh {
    /// Begins with a session's first token.
    pub fn first(token: RefreshHash) -> Self {
        Self { used: None, live: vec![token] }
    }
}

/// Decides what a session's refresh tokens become by the use of one that was given out for it once, in exchange for
/// `next`; `None` if that one is spent: somebody else has it, too.
pub fn refreshed(known: &Refresh, token: &RefreshHash, next: RefreshHash) -> Option<Refresh> {
    if known.live.contains(token) {
        return Some(Refresh { used: Some(*token), live: vec![next] });
    }
    if known.used.as_ref() != Some(token) {
        return None;
    }
    let oldest = (known.live.len() + 1).saturating_sub(MAX_LIVE);
    let live = known.live.iter().skip(oldest).copied().chain([next]).collect();
    Some(Refresh { used: known.used, live })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uses tokens one after the other: each pair is the one that is used and the one that would replace it.
    fn uses(pairs: &[(u8, u8)]) -> Option<Refresh> {
        let first = Refresh::first([0; 32]);
        pairs.iter().try_fold(first, |known, (token, next)| refreshed(&known, &[*token; 32], [*next; 32]))
    }

    #[test]
    fn a_token_is_used_once_and_its_retry_is_taken_until_what_replaced_it_is_used() {
        for (pairs, good) in [
            (&[(0, 1)][..], true),
            (&[(0, 1), (1, 2)], true),
            // The answer was lost, once or more often.
            (&[(0, 1), (0, 2)], true),
            (&[(0, 1), (0, 2), (2, 3)], true),
            // The first answer came after all.
            (&[(0, 1), (0, 2), (1, 3)], true),
            (&[(0, 1), (0, 2), (1, 3), (3, 4)], true),
            // Two had the same token: whoever comes second with what replaced it is found.
            (&[(0, 1), (0, 2), (1, 3), (2, 4)], false),
            (&[(0, 1), (0, 2), (2, 3), (1, 4)], false),
            // It is spent as soon as what replaced it was used.
            (&[(0, 1), (1, 2), (0, 3)], false),
            (&[(0, 1), (1, 2), (2, 3), (1, 4)], false),
            (&[(0, 1), (1, 2), (2, 3), (0, 4)], false),
            // Nobody has been given this one.
            (&[(7, 1)], false),
        ] {
            assert_eq!(uses(pairs).is_some(), good, "{pairs:?}");
        }
    }

    #[test]
    fn retries_leave_a_few_tokens_only() {
        let known = uses(&[(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (0, 6)]).unwrap();
        assert_eq!(known.live, [[3; 32], [4; 32], [5; 32], [6; 32]]);
        assert_eq!(refreshed(&known, &[2; 32], [7; 32]), None);
        assert!(refreshed(&known, &[3; 32], [7; 32]).is_some());
    }

    #[test]
    fn an_access_token_is_short_and_never_outlives_its_session() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        for (lifetime, end) in [(None, 100), (Some(15), 25), (Some(90), 100), (Some(500), 100)] {
            let lifetime = lifetime.map(Duration::from_secs);
            assert_eq!(access_end(lifetime, at(100), at(10)), at(end), "{lifetime:?}");
        }
    }

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
