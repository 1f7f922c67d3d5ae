//! Up to where nothing that another node said was missed.

use crate::proto::Position;
use crate::time::Instant;
use std::collections::VecDeque;
use std::time::Duration;

/// What another node commits is told so soon afterwards, while that node is well.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

/// How far apart places are remembered.
const STEP: Duration = Duration::from_millis(500);

/// A place in the store's order: what was committed before it, and nobody but its owner sees, is known here.
///
/// The place moves on while all other nodes are heard without a gap, so long behind the store that what was committed
/// there has been told. When something is missing, the store is asked for everything from that place on.
#[derive(Debug, Default)]
pub(super) struct Sure {
    at: Option<Position>,
    /// Where the store was since then, while all was well.
    line: VecDeque<(Instant, Position)>,
    /// What was missed begins here.
    wanted: Option<Position>,
    /// Somebody sees to that.
    busy: bool,
}

impl Sure {
    pub(super) fn begin(&mut self, position: Option<Position>) {
        self.at = position;
    }

    /// Notes where the store is.
    pub(super) fn reached(&mut self, position: Position, well: bool, now: Instant) {
        if !well || self.busy {
            self.line.clear();
            return;
        }
        if self.line.back().is_none_or(|(last, _)| now.since(*last) >= STEP) {
            self.line.push_back((now, position));
        }
        while let Some((since, position)) = self.line.front().copied()
            && now.since(since) >= TOLD_WITHIN
        {
            self.at = self.at.max(Some(position));
            self.line.pop_front();
        }
    }

    /// Notes that something was missed; returns whether the caller has to see to it.
    pub(super) fn missed(&mut self, began: Option<Position>) -> bool {
        self.line.clear();
        // Who has never known where the store is has nothing to begin with but its beginning.
        let from = self.at.unwrap_or_default();
        let from = began.map_or(from, |began| began.min(from));
        self.wanted = Some(self.wanted.map_or(from, |wanted| wanted.min(from)));
        !std::mem::replace(&mut self.busy, true)
    }

    /// Takes what is to be seen to; who gets nothing is done.
    pub(super) fn take(&mut self) -> Option<Position> {
        let wanted = self.wanted.take();
        self.busy = wanted.is_some();
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_on_while_all_is_well_and_is_where_to_begin_when_not() {
        let mut sure = Sure::default();
        sure.begin(Some(Position(5)));
        for second in 0..=12 {
            sure.reached(Position(100 + second), true, Instant(second * 1_000));
        }
        // What was said ten seconds ago is known.
        assert!(sure.missed(None));
        assert!(!sure.missed(None), "somebody sees to it");
        assert_eq!((sure.take(), sure.take()), (Some(Position(102)), None));
        sure.reached(Position(200), false, Instant(13_000));
        sure.reached(Position(201), true, Instant(14_000));
        sure.reached(Position(202), true, Instant(23_999));
        assert!(sure.missed(Some(Position(7))));
        assert_eq!(sure.take(), Some(Position(7)), "a node that began earlier was not heard at all");
        assert!(!sure.missed(None));
        assert_eq!((sure.take(), sure.take()), (Some(Position(102)), None));
    }
}
