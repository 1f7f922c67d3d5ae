//! What is known of the other nodes: who is alive, and who is there.

use super::hint::{Hint, Message};
use crate::proto::{Position, UserId};
use crate::time::Instant;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use uuid::Uuid;

/// A node that was silent for so long counts as gone: longer than it takes to notice a lost message several times.
pub(super) const LEASE: Duration = Duration::from_secs(5);
/// Above this many nodes, those that are new are not followed: so many never share a store.
const MAX_NODES: usize = 256;

/// The other nodes. Pure: it is told what comes and what time it is.
///
/// Nobody counts up and down: each node says who is there, in messages that it numbers. While no number is missing, what is
/// known of it is exact. After a gap it is asked to say everything again.
#[derive(Debug, Default)]
pub(super) struct Peers {
    nodes: BTreeMap<Uuid, Peer>,
}

#[derive(Debug)]
struct Peer {
    /// The number of the message that comes next.
    next: u64,
    /// No message is missing since the node said who is there.
    whole: bool,
    heard: Instant,
    users: BTreeSet<UserId>,
    /// The parts so far of an answer to who is there.
    coming: Option<BTreeSet<UserId>>,
}

/// What a message, or the passing of time, comes to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct News {
    /// Users who may have come or gone.
    pub(super) moved: BTreeSet<UserId>,
    /// Something may have been said that was not heard; if the node was not known, not since it began here.
    pub(super) missed: Option<Option<Position>>,
    /// What else is to be done.
    pub(super) hints: Vec<Hint>,
}

impl Peers {
    /// Returns whether a user is connected to another node.
    pub(super) fn has(&self, user: UserId) -> bool {
        self.nodes.values().any(|peer| peer.users.contains(&user))
    }

    /// Returns how many nodes are alive besides this one.
    pub(super) fn count(&self) -> usize {
        self.nodes.len()
    }

    /// Returns the ids of the nodes that are alive.
    pub(super) fn ids(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.nodes.keys().copied()
    }

    /// Returns whether nothing is known to be missing, and all were heard lately.
    pub(super) fn is_well(&self, now: Instant, lately: Duration) -> bool {
        self.nodes.values().all(|peer| peer.whole && now.since(peer.heard) <= lately)
    }

    /// Returns the nodes that have to say who is there.
    pub(super) fn unknown(&self) -> Vec<Uuid> {
        self.nodes.iter().filter(|(_, peer)| !peer.whole).map(|(node, _)| *node).collect()
    }

    /// Takes a message.
    pub(super) fn hear(&mut self, message: Message, now: Instant) -> News {
        let Message { node, number, began, hints } = message;
        let mut news = News::default();
        if hints.contains(&Hint::Bye) {
            if let Some(peer) = self.nodes.remove(&node) {
                news.missed = (peer.next != number).then_some(None);
                news.moved = peer.users;
            }
            news.hints = hints;
            return news;
        }
        if !self.nodes.contains_key(&node) {
            if self.nodes.len() >= MAX_NODES {
                return news;
            }
            // One that has only just begun has nobody yet, but another may have been there before it, and ended, while this
            // node could not hear it.
            let whole = number == 1;
            news.missed = Some((!whole).then_some(began));
            let (users, coming) = (BTreeSet::new(), None);
            self.nodes.insert(node, Peer { next: number, whole, heard: now, users, coming });
        }
        let Some(peer) = self.nodes.get_mut(&node) else { return news };
        peer.heard = now.max(peer.heard);
        let fresh = number >= peer.next;
        if number > peer.next {
            (peer.whole, peer.coming) = (false, None);
            news.missed = Some(None);
        }
        peer.next = peer.next.max(number + 1);
        for hint in hints {
            match hint {
                // What comes late says nothing about who is there now.
                Hint::On(_) | Hint::Off(_) | Hint::Here { .. } if !fresh => {}
                Hint::On(user) => news.moved.extend(peer.users.insert(user).then_some(user)),
                Hint::Off(user) => news.moved.extend(peer.users.remove(&user).then_some(user)),
                Hint::Here { first, last, users } => {
                    if first {
                        peer.coming = Some(BTreeSet::new());
                    }
                    let Some(coming) = &mut peer.coming else { continue };
                    coming.extend(users);
                    if last {
                        let now = peer.coming.take().unwrap_or_default();
                        news.moved.extend(peer.users.symmetric_difference(&now));
                        (peer.users, peer.whole) = (now, true);
                    }
                }
                hint => news.hints.push(hint),
            }
        }
        news
    }

    /// Notes that something may have been said that was not heard, by anybody.
    pub(super) fn lost(&mut self) {
        for peer in self.nodes.values_mut() {
            (peer.whole, peer.coming) = (false, None);
        }
    }

    /// Forgets those that were silent for too long.
    pub(super) fn expire(&mut self, now: Instant) -> News {
        let mut news = News::default();
        self.nodes.retain(|_, peer| {
            let alive = now.since(peer.heard) < LEASE;
            if !alive {
                news.moved.append(&mut peer.users);
                news.missed = Some(None);
            }
            alive
        });
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: Uuid = Uuid::from_u128(1);

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    fn said(number: u64, hints: Vec<Hint>) -> Message {
        Message { node: NODE, number, began: Position(9), hints }
    }

    fn here(first: bool, last: bool, users: &[u128]) -> Hint {
        Hint::Here { first, last, users: users.iter().copied().map(user).collect() }
    }

    #[test]
    fn who_is_there_follows_from_what_is_said() {
        let mut peers = Peers::default();
        let news = peers.hear(said(1, vec![]), Instant(0));
        assert_eq!(
            news,
            News { missed: Some(None), ..News::default() },
            "another may have been in its place"
        );
        let news = peers.hear(said(2, vec![Hint::On(user(1)), Hint::On(user(2))]), Instant(1));
        assert_eq!(news.moved, [user(1), user(2)].into());
        assert!(peers.has(user(1)) && !peers.has(user(3)));
        peers.hear(said(3, vec![Hint::Off(user(1))]), Instant(2));
        assert!(!peers.has(user(1)) && peers.has(user(2)));
        assert!(peers.is_well(Instant(1_002), Duration::from_secs(1)));
        assert!(!peers.is_well(Instant(1_003), Duration::from_secs(1)));
    }

    #[test]
    fn after_a_gap_all_of_it_is_said_again() {
        let mut peers = Peers::default();
        peers.hear(said(1, vec![Hint::On(user(1))]), Instant(0));
        let news = peers.hear(said(3, vec![Hint::On(user(3))]), Instant(0));
        assert_eq!((news.missed, peers.unknown()), (Some(None), vec![NODE]));
        assert!(peers.has(user(3)), "what is known is used");
        // One part is missing.
        peers.hear(said(4, vec![here(true, false, &[3])]), Instant(0));
        peers.hear(said(6, vec![here(false, true, &[5])]), Instant(0));
        assert_eq!((peers.unknown(), peers.has(user(5))), (vec![NODE], false));
        peers.hear(said(7, vec![here(true, false, &[3])]), Instant(0));
        let news = peers.hear(said(8, vec![here(false, true, &[4]), Hint::Off(user(3))]), Instant(0));
        assert_eq!(news.moved, [user(1), user(3), user(4)].into());
        assert_eq!((peers.unknown(), peers.has(user(1)), peers.has(user(4))), (vec![], false, true));
    }

    #[test]
    fn what_comes_late_or_twice_moves_nobody() {
        let mut peers = Peers::default();
        let (on, off) = (said(1, vec![Hint::On(user(1))]), said(2, vec![Hint::Off(user(1))]));
        peers.hear(on.clone(), Instant(0));
        peers.hear(off.clone(), Instant(0));
        assert_eq!(peers.hear(on, Instant(0)), News::default());
        assert_eq!(peers.hear(off, Instant(0)), News::default());
        assert!(!peers.has(user(1)) && peers.unknown().is_empty());
        let late = said(1, vec![Hint::Account(user(1))]);
        assert_eq!(peers.hear(late, Instant(0)).hints, [Hint::Account(user(1))], "the rest is done");
    }

    #[test]
    fn one_that_was_there_before_is_asked() {
        let mut peers = Peers::default();
        let news = peers.hear(said(7, vec![Hint::On(user(1))]), Instant(0));
        assert_eq!((news.missed, peers.unknown()), (Some(Some(Position(9))), vec![NODE]));
        peers.hear(said(8, vec![here(true, true, &[])]), Instant(0));
        assert!(!peers.has(user(1)));
        peers.lost();
        assert_eq!(peers.unknown(), [NODE]);
    }

    #[test]
    fn who_says_nothing_is_gone_and_who_says_goodbye_too() {
        let mut peers = Peers::default();
        let on = || said(1, vec![Hint::On(user(1))]);
        peers.hear(on(), Instant(0));
        let lease = u64::try_from(LEASE.as_millis()).unwrap();
        assert_eq!(peers.expire(Instant(lease - 1)), News::default());
        let news = peers.expire(Instant(lease));
        assert_eq!((news.moved, news.missed, peers.count()), ([user(1)].into(), Some(None), 0));
        peers.hear(on(), Instant(0));
        let news = peers.hear(said(2, vec![Hint::Bye]), Instant(1));
        assert_eq!((news.moved, news.missed, peers.count()), ([user(1)].into(), None, 0));
        peers.hear(on(), Instant(0));
        assert_eq!(peers.hear(said(5, vec![Hint::Bye]), Instant(1)).missed, Some(None));
    }
}
