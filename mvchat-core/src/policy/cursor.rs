//! Where pages of conversations begin, as texts that clients hand back.

use crate::proto::{ConvId, MAX_COUNTER, Position};
use crate::time::Timestamp;

/// Where a page of conversations ends: the last one's activity and id. The next page begins behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// When something last happened in it.
    pub activity: Timestamp,
    /// The conversation.
    pub conv: ConvId,
}

impl Place {
    /// Writes the place: microseconds, a dot, and the id.
    pub fn write(self) -> String {
        format!("{}.{}", self.activity.as_micros(), self.conv)
    }

    /// Reads what [`write`](Place::write) wrote, and no other spelling of it.
    pub fn read(text: &str) -> Option<Self> {
        let (activity, conv) = text.split_once('.')?;
        let place =
            Self { activity: Timestamp::from_micros(activity.parse().ok()?), conv: conv.parse().ok()? };
        (place.write() == text).then_some(place)
    }
}

/// Reads the `since` of an earlier page: a position as it is displayed, and no other spelling of it.
pub fn read_since(text: &str) -> Option<Position> {
    let position = Position(text.parse().ok().filter(|position| *position <= MAX_COUNTER)?);
    (position.to_string() == text).then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    proptest! {
        #[test]
        fn what_is_written_is_read(micros: i64, id: u128, position in 0..=MAX_COUNTER) {
            let place = Place { activity: Timestamp::from_micros(micros), conv: ConvId(Uuid::from_u128(id)) };
            prop_assert_eq!(Place::read(&place.write()), Some(place));
            prop_assert_eq!(read_since(&position.to_string()), Some(Position(position)));
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        const ID: &str = "5f281d6b-e26b-4e58-82c1-621cacf21f04";
        assert!(Place::read(&format!("-7.{ID}")).is_some());
        for text in
            ["", ".", "7", &format!("+7.{ID}"), &format!("07.{ID}"), &format!("7.{}", ID.to_uppercase())]
        {
            assert_eq!(Place::read(text), None, "{text}");
        }
        for text in ["", "+7", "07", "-0", "7 ", "9007199254740992", "18446744073709551616"] {
            assert_eq!(read_since(text), None, "{text}");
        }
    }
}
