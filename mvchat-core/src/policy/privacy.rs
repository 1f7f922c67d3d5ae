//! What users show to whom.

use crate::proto::{Audience, Privacy};

/// How two different users stand to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ties {
    /// The one who is looked at has taken the looking one among the contacts.
    pub trusts: bool,
    /// The looking one has taken the other among the contacts.
    pub trusted: bool,
    /// They share a conversation.
    pub share: bool,
}

/// Decides whether a user learns when another one is or was here.
///
/// Who hides this from somebody does not see it of them either; so it is with receipts and with typing.
pub fn sees_last_seen(looks: &Privacy, shown: &Privacy, ties: Ties) -> bool {
    both(looks.last_seen, shown.last_seen, ties)
}

/// Decides whether a user learns how far another one has read and received.
pub fn sees_receipts(looks: &Privacy, shown: &Privacy, ties: Ties) -> bool {
    both(looks.receipts, shown.receipts, ties)
}

/// Decides whether a user learns that another one is writing.
pub fn sees_typing(looks: &Privacy, shown: &Privacy, ties: Ties) -> bool {
    both(looks.typing, shown.typing, ties)
}

/// Decides whether a user is found by name.
pub fn may_discover(shown: &Privacy, ties: Ties) -> bool {
    admits(shown.discoverable, ties.trusts)
}

/// Decides whether a user who has another one's id may look at the profile, add the contact, and open a direct
/// conversation: those who share a conversation know each other already.
pub fn may_meet(shown: &Privacy, ties: Ties) -> bool {
    ties.share || may_discover(shown, ties)
}

fn both(looks: Audience, shown: Audience, ties: Ties) -> bool {
    admits(shown, ties.trusts) && admits(looks, ties.trusted)
}

fn admits(audience: Audience, trusted: bool) -> bool {
    match audience {
        Audience::Everyone => true,
        Audience::Contacts => trusted,
        Audience::Nobody => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Audience; 3] = [Audience::Everyone, Audience::Contacts, Audience::Nobody];

    fn privacy(audience: Audience) -> Privacy {
        Privacy { last_seen: audience, receipts: audience, typing: audience, discoverable: audience }
    }

    #[test]
    fn who_hides_sees_nothing_of_those_from_whom_it_is_hidden() {
        for (looks, shown) in ALL.into_iter().flat_map(|one| ALL.map(|other| (one, other))) {
            for (trusts, trusted) in [(false, false), (false, true), (true, false), (true, true)] {
                let one = Ties { trusts, trusted, share: true };
                let other = Ties { trusts: trusted, trusted: trusts, share: true };
                let (looks, shown) = (privacy(looks), privacy(shown));
                for sees in [sees_last_seen, sees_receipts, sees_typing] {
                    assert_eq!(sees(&looks, &shown, one), sees(&shown, &looks, other));
                    let hidden = shown.last_seen == Audience::Nobody
                        || (shown.last_seen == Audience::Contacts && !trusts);
                    assert!(!(hidden && sees(&looks, &shown, one)));
                }
            }
        }
    }

    #[test]
    fn adding_somebody_opens_nothing_of_theirs() {
        let added = Ties { trusted: true, ..Ties::default() };
        let (open, close) = (Privacy::default(), privacy(Audience::Contacts));
        assert!(!sees_last_seen(&open, &close, added) && !may_discover(&close, added));
        assert!(!may_meet(&close, added));
        let back = Ties { trusts: true, ..added };
        assert!(sees_last_seen(&open, &close, back) && may_meet(&close, back));
    }

    #[test]
    fn who_shares_a_conversation_has_met() {
        let share = Ties { share: true, ..Ties::default() };
        let hidden = privacy(Audience::Nobody);
        assert!(may_meet(&hidden, share) && !may_discover(&hidden, share));
        assert!(!may_meet(&hidden, Ties { trusts: true, trusted: true, share: false }));
    }
}
