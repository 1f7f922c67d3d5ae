//! How long the rest of a message is waited for.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// The time of a message passes in so many steps.
const STEPS: u32 = 16;

/// The time that a message may take from its first byte to its last.
///
/// Only time in which somebody reads is counted, to a step: whoever does not read can't blame the peer for what waits in
/// the system. While no message has begun there is no timer.
#[derive(Debug)]
pub(crate) struct Patience {
    limit: Duration,
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    /// The number of the message that is waited for.
    message: u64,
    steps_left: u32,
    step: Pin<Box<Sleep>>,
}

impl Patience {
    /// How long a message may take where nothing else is said: 64 KiB over 27 kbit/s.
    pub(crate) const DEFAULT: Duration = Duration::from_secs(20);

    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, waiting: None }
    }

    /// Is ready when the message that is waited for has had its time; to be called whenever there is nothing to read.
    pub(crate) fn poll(&mut self, unfinished: Option<u64>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(message) = unfinished else {
            self.waiting = None;
            return Poll::Pending;
        };
        let length = self.limit / STEPS;
        let waiting = match &mut self.waiting {
            Some(waiting) if waiting.message == message => waiting,
            waiting => waiting.insert(Waiting { message, steps_left: STEPS, step: Box::pin(sleep(length)) }),
        };
        while waiting.step.as_mut().poll(cx).is_ready() {
            waiting.steps_left = waiting.steps_left.saturating_sub(1);
            if waiting.steps_left == 0 {
                return Poll::Ready(());
            }
            waiting.step.as_mut().reset(Instant::now() + length);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::time::{advance, timeout};

    const LIMIT: Duration = Duration::from_secs(16);

    async fn out_of(patience: &mut Patience, message: u64, within: Duration) -> bool {
        timeout(within, poll_fn(|cx| patience.poll(Some(message), cx))).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn each_message_has_its_time() {
        let mut patience = Patience::new(LIMIT);
        for message in 1..4 {
            assert!(!out_of(&mut patience, message, LIMIT * 9 / 10).await);
        }
        assert!(out_of(&mut patience, 3, LIMIT / 5).await, "how often it is asked for does not matter");
    }

    #[tokio::test(start_paused = true)]
    async fn no_timer_is_kept_for_nothing() {
        let mut patience = Patience::new(LIMIT);
        assert!(!out_of(&mut patience, 1, LIMIT / 2).await);
        assert!(patience.waiting.is_some());
        poll_fn(|cx| {
            assert!(patience.poll(None, cx).is_pending());
            Poll::Ready(())
        })
        .await;
        assert!(patience.waiting.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_reads_does_not_count() {
        let mut patience = Patience::new(LIMIT);
        assert!(!out_of(&mut patience, 1, LIMIT / 4).await);
        advance(LIMIT * 9).await;
        assert!(!out_of(&mut patience, 1, LIMIT / 2).await);
        assert!(out_of(&mut patience, 1, LIMIT / 2).await);
    }
}
