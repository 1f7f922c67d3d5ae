//! Announces in the background who came and went.

use super::chat::Inner;
use super::jobs::{Job, Priority};
use crate::proto::UserId;
use futures_util::StreamExt as _;
use futures_util::stream;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::runtime::Handle;

/// How many jobs announce at once, how many users each of them takes on, and how many of these it asks the store about
/// at once: when thousands come back after a failure, the store has other things to do as well.
const ANNOUNCERS: usize = 4;
const CHUNK: usize = 32;
const AT_ONCE: usize = 8;

/// Users who came or went and were not announced yet, each once however often they did.
#[derive(Debug, Default)]
pub(super) struct Moves {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    order: VecDeque<UserId>,
    moved: BTreeMap<UserId, Move>,
    announcers: usize,
}

/// What there is to announce of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Move {
    online: bool,
    /// The user left meanwhile, and the time of that is written down here.
    notes: bool,
}

impl Moves {
    /// Notes a move; only the last one counts.
    fn add(&self, user: UserId, online: bool, notes: bool) {
        let mut state = self.state.lock();
        let notes = notes && !online;
        match state.moved.get_mut(&user) {
            Some(known) => *known = Move { online, notes: known.notes || notes },
            None => {
                state.moved.insert(user, Move { online, notes });
                state.order.push_back(user);
            }
        }
    }

    fn take(&self) -> Vec<(UserId, Move)> {
        let mut state = self.state.lock();
        let users: Vec<_> = (0..CHUNK).map_while(|_| state.order.pop_front()).collect();
        users.into_iter().filter_map(|user| state.moved.remove_entry(&user)).collect()
    }

    /// Returns whether one more announcer is of use, and counts it.
    fn enlist(&self) -> bool {
        let mut state = self.state.lock();
        let useful = state.announcers < ANNOUNCERS && state.order.len() > state.announcers * CHUNK;
        state.announcers += usize::from(useful);
        useful
    }

    fn dismiss(&self) {
        self.state.lock().announcers -= 1;
    }
}

impl Inner {
    /// Announces in the background that a user came or went; `notes` is whether the time of that is written down.
    pub(super) fn announce_soon(self: &Arc<Self>, user: UserId, online: bool, notes: bool) {
        self.moves.add(user, online, notes);
        self.enlist_announcer();
    }

    fn enlist_announcer(self: &Arc<Self>) {
        if !self.moves.enlist() {
            return;
        }
        // Made here, so that it is counted out again wherever the job is dropped.
        let mut announcer = Some(Announcer(self.clone()));
        let job = Job::new("presence", move || {
            let announcer = announcer.take();
            async move {
                if let Some(announcer) = announcer {
                    announcer.announce().await;
                }
                Ok::<_, Infallible>(())
            }
        });
        // One that is refused has been dropped and counted out; there is nobody to be told any more.
        drop(self.jobs.submit_own(job.priority(Priority::High)));
    }
}

/// One of those who announce, counted as long as it is there.
struct Announcer(Arc<Inner>);

impl Announcer {
    async fn announce(&self) {
        let inner = &self.0;
        let moved = inner.moves.take();
        let told =
            moved.into_iter().map(|(user, Move { online, notes })| inner.announce(user, online, notes));
        stream::iter(told.collect::<Vec<_>>()).buffer_unordered(AT_ONCE).collect::<()>().await;
    }
}

impl Drop for Announcer {
    /// What is left is for another one, who waits for its turn behind other jobs.
    fn drop(&mut self) {
        self.0.moves.dismiss();
        if Handle::try_current().is_ok() && !self.0.jobs.is_closed() {
            self.0.enlist_announcer();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    #[test]
    fn only_the_last_move_counts_but_no_leaving_is_forgotten() {
        let moves = Moves::default();
        moves.add(user(2), true, false);
        moves.add(user(1), false, true);
        moves.add(user(1), true, false);
        let both =
            [(user(2), Move { online: true, notes: false }), (user(1), Move { online: true, notes: true })];
        assert_eq!(moves.take(), both);
        assert_eq!(moves.take(), []);
    }

    #[test]
    fn there_are_as_many_announcers_as_are_of_use() {
        let moves = Moves::default();
        assert!(!moves.enlist(), "nobody has moved");
        (0..CHUNK as u128 + 1).for_each(|number| moves.add(user(number), true, false));
        assert!(moves.enlist() && moves.enlist());
        assert!(!moves.enlist(), "two take all on");
        (0..1_000).for_each(|number| moves.add(user(number), true, false));
        assert!(moves.enlist() && moves.enlist());
        assert!(!moves.enlist(), "there are enough");
        moves.dismiss();
        assert!(moves.enlist());
    }
}
