//! A bounded queue between the callers' tasks and the store's own threads.

use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;

/// A queue that never makes the sender wait: when it is full, it says so.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    limit: usize,
    most_bytes: usize,
}

struct State<T> {
    /// The items, each with its size.
    items: VecDeque<(T, usize)>,
    bytes: usize,
    closed: bool,
}

impl<T> State<T> {
    fn pop(&mut self) -> Option<T> {
        let (item, bytes) = self.items.pop_front()?;
        self.bytes -= bytes;
        Some(item)
    }
}

/// The queue is full, or closed.
#[derive(Debug)]
pub(crate) struct Refused;

impl<T> Queue<T> {
    /// Makes a queue for so many items, and so many bytes.
    pub(crate) fn new(limit: usize, most_bytes: usize) -> Self {
        let state = State { items: VecDeque::new(), bytes: 0, closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), limit, most_bytes }
    }

    /// Adds an item of about so many bytes. An empty queue takes one of any size.
    pub(crate) fn push(&self, item: T, bytes: usize) -> Result<(), Refused> {
        let mut state = self.state.lock();
        let heavy = !state.items.is_empty() && state.bytes + bytes > self.most_bytes;
        if state.closed || heavy || state.items.len() >= self.limit {
            return Err(Refused);
        }
        state.bytes += bytes;
        state.items.push_back((item, bytes));
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for an item; returns `None` when the queue is closed and empty.
    pub(crate) fn wait(&self) -> Option<T> {
        let mut state = self.state.lock();
        loop {
            if let Some(item) = state.pop() {
                return Some(item);
            }
            if state.closed {
                return None;
            }
            self.filled.wait(&mut state);
        }
    }

    /// Returns an item if one is there.
    pub(crate) fn try_next(&self) -> Option<T> {
        self.state.lock().pop()
    }

    /// Lets nothing more in; what is in it can still be taken.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_in_items_and_in_bytes() {
        let queue = Queue::new(3, 100);
        queue.push("large", 500).unwrap();
        assert!(queue.push("small", 1).is_err(), "too many bytes");
        assert_eq!(queue.try_next(), Some("large"));
        for item in ["a", "b", "c"] {
            queue.push(item, 1).unwrap();
        }
        assert!(queue.push("d", 1).is_err(), "too many items");
    }

    #[test]
    fn what_is_in_a_closed_queue_is_still_taken() {
        let queue = Queue::new(3, 100);
        queue.push("a", 1).unwrap();
        queue.close();
        assert!(queue.push("b", 1).is_err());
        assert_eq!((queue.wait(), queue.wait()), (Some("a"), None));
    }
}
