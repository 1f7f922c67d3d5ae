//! Two tasks that wait for one thing.

use futures_util::task::AtomicWaker;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

/// The reading and the writing task of a connection: both may write, and a byte stream remembers only the task that
/// tried last, so it is given a waker that wakes both.
#[derive(Debug, Default)]
pub(crate) struct Wakers(Arc<Both>);

#[derive(Debug, Default)]
struct Both {
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Wakers {
    /// Remembers the reading task.
    pub(crate) fn reader(&self, cx: &Context<'_>) {
        self.0.reader.register(cx.waker());
    }

    /// Remembers the writing task.
    pub(crate) fn writer(&self, cx: &Context<'_>) {
        self.0.writer.register(cx.waker());
    }

    /// Returns the waker of both.
    pub(crate) fn both(&self) -> Waker {
        Waker::from(self.0.clone())
    }
}

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.reader.wake();
        self.writer.wake();
    }
}
