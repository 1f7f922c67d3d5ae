//! A bounded queue between the callers' tasks and the store's own threads.

use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;

/// A queue that never makes the sender wait: when it is full, it says so.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    limit: usize,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

/// The queue is full, or closed.
#[derive(Debug)]
pub(crate) struct Refused;

impl<T> Queue<T> {
    pub(crate) fn new(limit: usize) -> Self {
        let state = State { items: VecDeque::new(), closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), limit }
    }

    pub(crate) fn push(&self, item: T) -> Result<(), Refused> {
        let mut state = self.state.lock();
        if state.closed || state.items.len() >= self.limit {
            return Err(Refused);
        }
        state.items.push_back(item);
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for an item; returns `None` when the queue is closed and empty.
    pub(crate) fn wait(&self) -> Option<T> {
        let mut state = self.state.lock();
        loop {
            if let Some(item) = state.items.pop_front() {
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
        self.state.lock().items.pop_front()
    }

    /// Lets nothing more in; what is in it can still be taken.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_all();
    }
}
