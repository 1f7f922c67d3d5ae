//! Tickets that were used.

use super::chat::Inner;
use crate::builtin::ticket::Ticket;
use crate::error::{Error, ErrorKind, Result};
use crate::proto::{SessionId, TicketParams, UserId};
use crate::session::Identity;
use crate::time::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;

/// How long a ticket is good.
const LIFETIME: Duration = Duration::from_secs(30);
/// Above this many used ones, those whose time is over are forgotten; above that many, none is taken.
const SWEEP_AT: usize = 4_096;
const MAX: usize = SWEEP_AT * 64;

/// The used tickets of this node, until their time is over. Each was made for somebody who is logged in, so nobody else
/// can fill this.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    used: Mutex<Used>,
}

#[derive(Debug)]
struct Used {
    until: HashMap<[u8; 16], Timestamp>,
    /// The number of entries at which to sweep: twice what the last sweep left, so that sweeping costs each ticket the
    /// same however many there are.
    sweep_at: usize,
}

impl Default for Used {
    fn default() -> Self {
        Self { until: HashMap::new(), sweep_at: SWEEP_AT }
    }
}

impl Tickets {
    /// Uses a ticket up; returns whether it was still there.
    fn spend(&self, ticket: &Ticket, now: Timestamp) -> bool {
        let mut used = self.used.lock();
        if used.until.len() >= used.sweep_at {
            used.until.retain(|_, until| *until > now);
            used.sweep_at = (used.until.len() * 2).clamp(SWEEP_AT, MAX);
        }
        let until = Timestamp::from_micros(ticket.until);
        used.until.len() < MAX && used.until.insert(ticket.nonce, until).is_none()
    }
}

impl Inner {
    /// Makes a ticket for pages of an origin.
    pub(super) fn make_ticket(&self, identity: Identity, origin: Option<&str>) -> TicketParams {
        let until = self.env.now() + LIFETIME;
        let mut nonce = [0; 16];
        self.env.fill(&mut nonce);
        let Identity { user, session, expires } = identity;
        let ticket = Ticket {
            user: user.0,
            session: session.0,
            expires: expires.as_secs(),
            until: until.as_micros(),
            nonce,
        };
        TicketParams { ticket: ticket.write(&self.keys, origin), expires: until }
    }

    /// Takes a ticket, once; returns who it stands for.
    ///
    /// # Errors
    /// `BadCredentials`, `TokenExpired`.
    pub(super) fn take_ticket(&self, text: &str, origin: Option<&str>) -> Result<Identity> {
        let invalid = || Error::new(ErrorKind::BadCredentials, "invalid ticket");
        let ticket = Ticket::read(&self.keys, text, origin).ok_or_else(invalid)?;
        let now = self.env.now();
        if ticket.until <= now.as_micros() || ticket.expires <= now.as_secs() {
            return Err(Error::new(ErrorKind::TokenExpired, "ticket expired"));
        }
        if !self.tickets.spend(&ticket, now) {
            return Err(invalid());
        }
        Ok(Identity {
            user: UserId(ticket.user),
            session: SessionId(ticket.session),
            expires: Timestamp::from_micros(ticket.expires * 1_000_000),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn ticket(number: u128, until: i64) -> Ticket {
        let (user, session) = (Uuid::from_u128(1), Uuid::from_u128(2));
        Ticket { user, session, expires: 0, until, nonce: number.to_be_bytes() }
    }

    #[test]
    fn a_ticket_is_used_once_and_forgotten_when_its_time_is_over() {
        let tickets = Tickets::default();
        let now = Timestamp::from_micros(100);
        assert!(tickets.spend(&ticket(0, 101), now));
        assert!(!tickets.spend(&ticket(0, 101), now));
        for number in 1..SWEEP_AT as u128 {
            assert!(tickets.spend(&ticket(number, 200), now));
        }
        assert!(!tickets.spend(&ticket(0, 101), now), "it is remembered as long as it is good");
        for number in SWEEP_AT as u128..2 * SWEEP_AT as u128 {
            assert!(tickets.spend(&ticket(number, 300), Timestamp::from_micros(101)));
        }
        assert!(tickets.spend(&ticket(u128::MAX, 400), Timestamp::from_micros(300)));
        assert_eq!(tickets.used.lock().until.len(), 1);
    }

    #[test]
    fn what_is_used_has_a_bound() {
        let tickets = Tickets::default();
        let (now, later) = (Timestamp::from_micros(0), Timestamp::from_micros(9));
        tickets.used.lock().until.extend((0..MAX as u128).map(|number| (number.to_be_bytes(), later)));
        assert!(!tickets.spend(&ticket(u128::MAX, 9), now));
        assert!(tickets.spend(&ticket(u128::MAX, 20), later));
    }
}
