//! What can happen to a connection, and what happens to one.

use crate::testkit::sim::rng::Rng;
use std::ops::RangeInclusive;
use std::time::Duration;

/// What a [`Proxy`](super::Proxy) does to connections.
///
/// | Option | Default |
/// |---|---|
/// | `delay` | none |
/// | `piece` | as it comes, at most 16 KiB |
/// | `rate` | no bound |
/// | `cut_after` | never |
/// | `cuts` | `Close`, `Reset` |
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkFaults {
    /// How long each piece is held back.
    pub delay: RangeInclusive<Duration>,
    /// How many bytes are passed on at once, at least 1.
    pub piece: RangeInclusive<usize>,
    /// How many bytes pass in a second, in each direction.
    pub rate: Option<u32>,
    /// After how many bytes, both directions together, the connection is cut.
    pub cut_after: Option<RangeInclusive<u64>>,
    /// How it is cut: one of these.
    pub cuts: Vec<Cut>,
}

/// The end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cut {
    /// Both sides see an orderly end (FIN).
    Close,
    /// Both sides see a reset (RST).
    Reset,
    /// Both sides see nothing for so long, and what they send goes nowhere; then a reset.
    Dark(Duration),
}

/// The most that is read at once.
pub(super) const BUFFER: usize = 16 * 1024;

impl Default for LinkFaults {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO..=Duration::ZERO,
            piece: BUFFER..=BUFFER,
            rate: None,
            cut_after: None,
            cuts: vec![Cut::Close, Cut::Reset],
        }
    }
}

impl LinkFaults {
    /// Passes on so many bytes at once.
    #[must_use]
    pub fn pieces(mut self, piece: RangeInclusive<usize>) -> Self {
        self.piece = piece;
        self
    }

    /// Holds each piece back for so long.
    #[must_use]
    pub fn delays(mut self, delay: RangeInclusive<Duration>) -> Self {
        self.delay = delay;
        self
    }

    /// Lets so many bytes pass in a second.
    #[must_use]
    pub fn paced(mut self, rate: u32) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Cuts after so many bytes, in one of these ways.
    #[must_use]
    pub fn cut_within(mut self, after: RangeInclusive<u64>, cuts: &[Cut]) -> Self {
        (self.cut_after, self.cuts) = (Some(after), cuts.to_vec());
        self
    }
}

/// What happens to one connection.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    faults: LinkFaults,
    /// After how many bytes it is cut, and how.
    pub(super) cut: Option<(u64, Cut)>,
    /// For the two directions.
    pub(super) rngs: [Rng; 2],
}

impl Plan {
    pub(super) fn draw(faults: &LinkFaults, rng: &mut Rng) -> Self {
        let mut own = rng.fork();
        let after = faults.cut_after.as_ref().map(|after| own.between(*after.start(), *after.end()));
        let cut = after.zip(own.pick(&faults.cuts).copied());
        Self { faults: faults.clone(), cut, rngs: [own.fork(), own.fork()] }
    }

    /// Says how many of the bytes pass next, and how long they take.
    pub(super) fn piece(&self, most: usize, rng: &mut Rng) -> (usize, Duration) {
        let LinkFaults { delay, piece, rate, .. } = &self.faults;
        let count = rng.between(*piece.start() as u64, *piece.end() as u64);
        let count = usize::try_from(count).unwrap_or(usize::MAX).clamp(1, most);
        let nanos = |time: &Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let delay = Duration::from_nanos(rng.between(nanos(delay.start()), nanos(delay.end())));
        let paced = rate
            .map_or(Duration::ZERO, |rate| Duration::from_secs_f64(count as f64 / f64::from(rate.max(1))));
        (count, delay + paced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_plans() {
        let mut faults = LinkFaults { cut_after: Some(5..=5_000), ..LinkFaults::default() };
        faults.piece = 1..=9;
        let draw = |seed| {
            let mut rng = Rng::new(seed);
            let plans: Vec<_> = (0..20).map(|_| Plan::draw(&faults, &mut rng)).collect();
            let pieces = |plan: &Plan| {
                let mut rng = plan.rngs[0].clone();
                (0..5).map(|_| plan.piece(100, &mut rng)).collect::<Vec<_>>()
            };
            plans.iter().map(|plan| (plan.cut, pieces(plan))).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        for (cut, pieces) in draw(3) {
            assert!(cut.is_some_and(|(after, _)| (5..=5_000).contains(&after)));
            assert!(pieces.iter().all(|(count, _)| (1..=9).contains(count)));
        }
    }

    #[test]
    fn a_rate_paces_pieces() {
        let faults = LinkFaults { rate: Some(1_000), ..LinkFaults::default() };
        let mut rng = Rng::new(1);
        let plan = Plan::draw(&faults, &mut rng);
        assert_eq!(plan.piece(500, &mut rng), (500, Duration::from_millis(500)));
        assert_eq!(plan.cut, None);
    }
}
