//! Where clusters end, by the rules GB3 to GB999 of UAX #29.

use super::kind::Kind;

/// A cluster that is being read, character by character.
struct Cluster {
    last: Kind,
    /// A pictograph and what belongs to it, so that a joiner and another pictograph may follow.
    pictograph: bool,
    /// How many consonants of an Indic script wait for another one: 0, or 1, or 2 with a linker behind it.
    conjunct: u8,
    /// How many halves of flags there are.
    regional: u32,
}

/// Returns the length in bytes of the first cluster of a text; 0 if it is empty.
pub(super) fn first(text: &str) -> usize {
    let mut cluster: Option<Cluster> = None;
    for (at, char) in text.char_indices() {
        let next = Kind::of(char);
        match &mut cluster {
            Some(cluster) if cluster.ends_before(next) => return at,
            Some(cluster) => cluster.push(next),
            None => {
                let empty = Cluster { last: Kind::Other, pictograph: false, conjunct: 0, regional: 0 };
                cluster.insert(empty).push(next);
            }
        }
    }
    text.len()
}

impl Cluster {
    fn ends_before(&self, next: Kind) -> bool {
        use Kind::{
            CarriageReturn, Closed, Consonant, Control, Extend, Joiner, Leading, LineFeed, Linker, NonJoiner,
            Open, Pictograph, Prepend, Regional, Spacing, Trailing, Vowel,
        };
        match (self.last, next) {
            (CarriageReturn, LineFeed) => false,
            (Control | CarriageReturn | LineFeed, _) | (_, Control | CarriageReturn | LineFeed) => true,
            (Leading, Leading | Vowel | Open | Closed)
            | (Open | Vowel, Vowel | Trailing)
            | (Closed | Trailing, Trailing)
            | (_, Extend | Linker | Joiner | NonJoiner | Spacing)
            | (Prepend, _) => false,
            (_, Consonant) => self.conjunct < 2,
            (Joiner, Pictograph) => !self.pictograph,
            (Regional, Regional) => self.regional.is_multiple_of(2),
            _ => true,
        }
    }

    fn push(&mut self, next: Kind) {
        self.conjunct = match next {
            Kind::Consonant => 1,
            Kind::Linker if self.conjunct > 0 => 2,
            Kind::Extend | Kind::Joiner => self.conjunct,
            _ => 0,
        };
        self.pictograph = match next {
            Kind::Pictograph => true,
            Kind::Extend | Kind::Linker | Kind::NonJoiner | Kind::Joiner => {
                self.pictograph && self.last != Kind::Joiner
            }
            _ => false,
        };
        self.regional += u32::from(next == Kind::Regional);
        self.last = next;
    }
}
