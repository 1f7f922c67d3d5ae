//! What waits to be run, by priority.

use super::Priority;
use std::collections::VecDeque;

/// Of so many turns, one begins with the lowest priority, and one in the middle with the normal one.
const ROUND: usize = 8;

/// A bounded queue for each priority. Within one, what came first leaves first.
///
/// The higher priority leaves first, but of eight turns one belongs to each lower one that has something: nothing waits
/// for ever behind what is more urgent.
#[derive(Debug)]
pub(super) struct Queue<T> {
    lanes: [VecDeque<T>; Priority::ALL.len()],
    capacity: usize,
    turn: usize,
}

impl<T> Queue<T> {
    /// Makes a queue with room for so many of each priority.
    pub(super) fn new(capacity: usize) -> Self {
        Self { lanes: Default::default(), capacity, turn: 0 }
    }

    pub(super) fn len(&self, priority: Priority) -> usize {
        self.lanes[priority as usize].len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lanes.iter().all(VecDeque::is_empty)
    }

    pub(super) fn is_full(&self, priority: Priority) -> bool {
        self.len(priority) >= self.capacity
    }

    /// Adds something, whether or not there is room: for what is bounded otherwise.
    pub(super) fn push(&mut self, priority: Priority, item: T) {
        self.lanes[priority as usize].push_back(item);
    }

    /// Takes what is next.
    pub(super) fn pop(&mut self) -> Option<T> {
        use Priority::{High, Low, Normal};
        let order = match self.turn % ROUND {
            turn if turn == ROUND - 1 => [Low, Normal, High],
            turn if turn == ROUND / 2 - 1 => [Normal, High, Low],
            _ => [High, Normal, Low],
        };
        let item = order.into_iter().find_map(|priority| self.lanes[priority as usize].pop_front());
        self.turn += usize::from(item.is_some());
        item
    }

    /// Removes what is not worth keeping; returns it.
    pub(super) fn purge(&mut self, is_over: impl Fn(&T) -> bool) -> Vec<T> {
        let mut over = Vec::new();
        for lane in &mut self.lanes {
            let (gone, kept) = lane.drain(..).partition(&is_over);
            *lane = kept;
            let gone: VecDeque<T> = gone;
            over.extend(gone);
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn priority() -> impl Strategy<Value = Priority> {
        prop::sample::select(&Priority::ALL[..])
    }

    proptest! {
        #[test]
        fn what_has_a_priority_leaves_in_its_order(given in prop::collection::vec(priority(), 0..200)) {
            let mut queue = Queue::new(usize::MAX);
            for (number, priority) in given.iter().enumerate() {
                queue.push(*priority, (*priority, number));
            }
            let mut left = Vec::new();
            while let Some(item) = queue.pop() {
                left.push(item);
            }
            prop_assert_eq!(left.len(), given.len());
            for priority in Priority::ALL {
                let numbers: Vec<_> = left.iter().filter(|(of, _)| *of == priority).map(|(_, n)| *n).collect();
                prop_assert!(numbers.is_sorted());
            }
        }

        /// Whatever comes meanwhile.
        #[test]
        fn nothing_waits_for_longer_than_a_round(
            before in prop::collection::vec(priority(), 0..20), waiting in priority(), coming in priority(),
        ) {
            let mut queue = Queue::new(usize::MAX);
            before.into_iter().for_each(|priority| queue.push(priority, false));
            while queue.len(waiting) > 0 {
                queue.pop();
            }
            queue.push(waiting, true);
            let mut turns = 0;
            loop {
                if coming != waiting {
                    queue.push(coming, false);
                }
                turns += 1;
                if queue.pop() == Some(true) {
                    break;
                }
                prop_assert!(turns < 3 * ROUND);
            }
        }
    }

    #[test]
    fn the_urgent_goes_first_and_the_others_get_their_share() {
        let mut queue = Queue::new(usize::MAX);
        for _ in 0..20 {
            Priority::ALL.into_iter().for_each(|priority| queue.push(priority, priority));
        }
        let round: Vec<_> = std::iter::from_fn(|| queue.pop()).take(ROUND).collect();
        let share = |of| round.iter().filter(|priority| **priority == of).count();
        assert_eq!([share(Priority::High), share(Priority::Normal), share(Priority::Low)], [6, 1, 1]);
        assert_eq!(round[0], Priority::High);
    }

    #[test]
    fn each_priority_has_its_own_bound() {
        let mut queue = Queue::new(2);
        queue.push(Priority::Low, 1);
        assert!(!queue.is_full(Priority::Low));
        queue.push(Priority::Low, 2);
        assert!(queue.is_full(Priority::Low) && !queue.is_full(Priority::High));
        assert_eq!(queue.purge(|item| *item == 1), [1]);
        assert!(!queue.is_full(Priority::Low));
        assert_eq!((queue.pop(), queue.pop()), (Some(2), None));
    }
}
