//! How many connections there are at once.

use super::chat::Inner;
use super::conn::Conn;
use super::dispatch::Caller;
use super::limits::{About, Asker};
use crate::error::{Error, ErrorKind, Result};
use crate::proto::{Act, Algorithm, OnHit, SessionId, UserId};
use crate::seam::Subject;
use crate::seam::audit::{AuditEvent, AuditKind};
use crate::session::Ended;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;

/// When a client should ask whether there is room again.
const RETRY: Duration = Duration::from_secs(5);

/// What a connection takes up: a place in a row of the table, among those of a subject.
pub(super) type Place = (u16, Subject);

/// The places that are taken. No more of them than connections times rows.
#[derive(Debug, Default)]
pub(super) struct Places {
    taken: Mutex<HashMap<Place, u32>>,
}

/// A place to be taken, how many there are of it, and what happens if there is none.
struct Wanted {
    place: Place,
    max: u32,
    on_hit: OnHit,
}

/// A row of the table without a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Full {
    row: u16,
    on_hit: OnHit,
}

impl Places {
    /// Takes what is wanted and not held yet, and lets go of what is held and not wanted any more; or changes nothing
    /// and returns which row is full.
    fn change(&self, held: &mut Vec<Place>, wanted: &[Wanted]) -> Result<(), Full> {
        let mut taken = self.taken.lock();
        let new = || wanted.iter().filter(|wanted| !held.contains(&wanted.place));
        let full = |wanted: &&Wanted| taken.get(&wanted.place).is_some_and(|count| *count >= wanted.max);
        if let Some(full) = new().find(full) {
            return Err(Full { row: full.place.0, on_hit: full.on_hit });
        }
        for wanted in new() {
            *taken.entry(wanted.place).or_default() += 1;
        }
        let before = std::mem::replace(held, wanted.iter().map(|wanted| wanted.place).collect());
        for place in before.iter().filter(|place| !held.contains(place)) {
            free(&mut taken, place);
        }
        Ok(())
    }

    /// Lets go of everything.
    pub(super) fn free(&self, held: Vec<Place>) {
        let mut taken = self.taken.lock();
        held.iter().for_each(|place| free(&mut taken, place));
    }
}

fn free(taken: &mut HashMap<Place, u32>, place: &Place) {
    if let Some(count) = taken.get_mut(place) {
        *count -= 1;
        if *count == 0 {
            taken.remove(place);
        }
    }
}

impl Inner {
    /// Gives a new connection its place, until it logs in; returns how it ends if there is none.
    pub(super) fn place(&self, conn: &Conn, come_back: Duration) -> Option<Ended> {
        let asker = Asker::at(conn.ip());
        let hit = self.take_places(conn, &[Act::Open, Act::Waiting], &asker).err()?;
        let mut event = AuditEvent::new(AuditKind::ExcessRateLimitExceeded, self.env.now()).reason("connect");
        if let Some(ip) = conn.ip() {
            event = event.from_address(ip);
        }
        self.audit.emit(event);
        Some(if hit == OnHit::Close { Ended::Abuse } else { Ended::Shutdown(come_back) })
    }

    /// Gives a connection its place among those of a user and a session, before it is logged in.
    ///
    /// # Errors
    /// `RateLimited` if there are too many already.
    pub(super) fn place_of(&self, caller: &Caller, user: UserId, session: SessionId) -> Result<()> {
        let Some(origin) = &caller.origin else { return Ok(()) };
        let asker = Asker { user: Some(user), session: Some(session), ..Asker::at(origin.conn.ip()) };
        self.take_places(&origin.conn, &[Act::Open], &asker).map_err(|hit| {
            if hit == OnHit::Close {
                origin.conn.end(Ended::Abuse);
            }
            Error::from(ErrorKind::RateLimited).retry_after(RETRY)
        })
    }

    fn take_places(&self, conn: &Conn, acts: &[Act], asker: &Asker) -> Result<(), OnHit> {
        let demands = self.demands(acts, asker, About::Nothing).into_iter();
        let wanted: Vec<_> = demands
            .filter_map(|demand| match demand.rate.algorithm {
                Algorithm::AtOnce { max } => {
                    Some(Wanted { place: (demand.row, demand.subject), max, on_hit: demand.rate.on_hit })
                }
                _ => None,
            })
            .collect();
        let taken = conn.with_places(|held| self.limiting.places.change(held, &wanted)).unwrap_or(Ok(()));
        taken.map_err(|full| {
            if let Some(rate) = self.limits.rates.get(usize::from(full.row)) {
                self.counts.limit_hit(rate.act, rate.key);
            }
            full.on_hit
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(rows: &[(u16, u32)]) -> Vec<Wanted> {
        let wanted =
            |&(row, max): &(u16, u32)| Wanted { place: (row, Subject::All), max, on_hit: OnHit::Reply };
        rows.iter().map(wanted).collect()
    }

    fn full(row: u16) -> Full {
        Full { row, on_hit: OnHit::Reply }
    }

    #[test]
    fn places_are_taken_together_or_not_at_all_and_nothing_is_left() {
        let places = Places::default();
        let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
        assert_eq!(places.change(&mut a, &wanted(&[(0, 2), (1, 1)])), Ok(()));
        assert_eq!(places.change(&mut b, &wanted(&[(0, 2), (1, 1)])), Err(full(1)));
        assert!(b.is_empty() && places.taken.lock().len() == 2, "a refusal takes nothing");
        assert_eq!(places.change(&mut b, &wanted(&[(0, 2)])), Ok(()));
        assert_eq!(places.change(&mut c, &wanted(&[(0, 2)])), Err(full(0)));
        assert_eq!(places.change(&mut a, &wanted(&[(0, 2)])), Ok(()), "who has a place keeps it");
        assert_eq!(places.change(&mut c, &wanted(&[(1, 1)])), Ok(()), "the other one was let go of");
        assert_eq!(places.change(&mut c, &wanted(&[(0, 2), (1, 1)])), Err(full(0)));
        assert_eq!(c, [(1, Subject::All)], "a refusal lets go of nothing");
        for held in [a, b, c] {
            places.free(held);
        }
        assert!(places.taken.lock().is_empty());
    }
}
