//! How often a mail is tried again.

use std::{iter, time::Duration};

/// Pauses between attempts: each twice as long as the one before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// The first pause.
    pub(super) first: Duration,
    /// No pause is longer.
    pub(super) longest: Duration,
    /// After which time a mail is given up.
    pub(super) give_up: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(5),
            longest: Duration::from_mins(10),
            give_up: Duration::from_hours(4),
        }
    }
}

impl Pace {
    /// Returns the pauses, without end.
    pub(super) fn pauses(self) -> impl Iterator<Item = Duration> {
        iter::successors(Some(self.first), move |pause| Some((*pause * 2).min(self.longest)))
    }
}

#[test]
fn pauses_double_up_to_the_longest() {
    let minutes = Duration::from_mins;
    let pace = Pace { first: minutes(1), longest: minutes(5), give_up: minutes(60) };
    assert_eq!(pace.pauses().take(5).collect::<Vec<_>>(), [1, 2, 4, 5, 5].map(minutes));
}
