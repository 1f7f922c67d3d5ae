//! Who may ask people in: to the server, to a conversation, to each other.

use crate::error::{Error, ErrorKind, Result, invalid};
use crate::proto::{DmPeer, UserId};
use crate::time::Timestamp;

/// The most invites of a user that wait to be used.
pub const MAX_INVITES: usize = 100;
/// The most links of a group.
pub const MAX_LINKS: usize = 100;

/// What can be done with an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InviteState {
    /// It can be used.
    Pending,
    /// Somebody has used it.
    Used,
    /// It was not used in time.
    Expired,
}

impl InviteState {
    /// Decides what can be done with an invite at a time.
    pub fn of(used: bool, expires_at: Timestamp, now: Timestamp) -> Self {
        match used {
            true => Self::Used,
            false if now < expires_at => Self::Pending,
            false => Self::Expired,
        }
    }

    /// Returns its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Used => "used",
            Self::Expired => "expired",
        }
    }
}

/// Decides whether a user of whose invites so many are pending may make another one.
///
/// # Errors
/// `Conflict`.
pub fn may_add_invite(pending: usize) -> Result<()> {
    room(pending, MAX_INVITES, "too many invites")
}

/// Decides whether a group with so many links may get another one.
///
/// # Errors
/// `Conflict`.
pub fn may_add_link(links: usize) -> Result<()> {
    room(links, MAX_LINKS, "too many links")
}

fn room(count: usize, most: usize, full: &'static str) -> Result<()> {
    if count < most { Ok(()) } else { Err(Error::new(ErrorKind::Conflict, full)) }
}

/// Decides whether a user may redeem an invite. `reachable` is whether the inviter can be used and neither has blocked
/// the other; if not, the answer is as if there were no such invite.
///
/// # Errors
/// `NotFound`; `Invalid` for one's own.
pub fn may_redeem(state: InviteState, own: bool, reachable: bool) -> Result<()> {
    let no_invite = |detail| Err(Error::new(ErrorKind::NotFound, detail));
    match state {
        InviteState::Used => no_invite("invite not found or already used"),
        _ if own => Err(invalid("cannot redeem your own invite")),
        _ if !reachable => no_invite("invite not found or already used"),
        InviteState::Expired => no_invite("invite code expired"),
        InviteState::Pending => Ok(()),
    }
}

/// Decides whether a user may try to take another one among the contacts.
///
/// # Errors
/// `Invalid` for oneself.
pub fn may_add_contact(user: UserId, other: UserId) -> Result<()> {
    if user == other { Err(invalid("cannot add yourself as contact")) } else { Ok(()) }
}

/// Decides whether a user may try to open a direct conversation.
///
/// # Errors
/// `Invalid` with oneself as the other one: notes to oneself are asked for as such.
pub fn may_open_dm(user: UserId, peer: DmPeer) -> Result<()> {
    if peer == DmPeer::User(user) { Err(invalid("cannot DM yourself")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use InviteState::{Expired, Pending, Used};

    #[test]
    fn an_invite_is_used_or_in_time_or_late() {
        let at = Timestamp::from_micros;
        for (used, expires, now, state) in [
            (false, 10, 9, Pending),
            (false, 10, 10, Expired),
            (false, 10, 11, Expired),
            (true, 10, 9, Used),
            (true, 10, 11, Used),
        ] {
            assert_eq!(InviteState::of(used, at(expires), at(now)), state, "{used} {expires} {now}");
        }
    }

    #[test]
    fn an_invite_is_refused_for_the_first_reason_there_is() {
        let (gone, own, late) =
            ("invite not found or already used", "cannot redeem your own invite", "invite code expired");
        for (state, is_own, reachable, refused) in [
            (Pending, false, true, None),
            (Pending, false, false, Some(gone)),
            (Pending, true, true, Some(own)),
            (Pending, true, false, Some(own)),
            (Expired, false, true, Some(late)),
            (Expired, false, false, Some(gone)),
            (Expired, true, true, Some(own)),
            (Used, false, true, Some(gone)),
            (Used, true, true, Some(gone)),
        ] {
            let error = may_redeem(state, is_own, reachable).err();
            assert_eq!(error.as_ref().map(Error::detail), refused, "{state:?} {is_own} {reachable}");
        }
    }

    #[test]
    fn there_is_room_below_the_most() {
        let kind = |result: Result<()>| result.err().map(|error| error.kind());
        assert_eq!(kind(may_add_invite(MAX_INVITES - 1)), None);
        assert_eq!(kind(may_add_invite(MAX_INVITES)), Some(ErrorKind::Conflict));
        assert_eq!(kind(may_add_link(MAX_LINKS - 1)), None);
        assert_eq!(kind(may_add_link(MAX_LINKS)), Some(ErrorKind::Conflict));
    }

    #[test]
    fn nobody_meets_oneself() {
        let (me, other) = (UserId(uuid::Uuid::from_u128(1)), UserId(uuid::Uuid::from_u128(2)));
        assert!(may_add_contact(me, other).is_ok() && may_add_contact(me, me).is_err());
        assert!(may_open_dm(me, DmPeer::User(other)).is_ok() && may_open_dm(me, DmPeer::Me).is_ok());
        assert!(may_open_dm(me, DmPeer::User(me)).is_err());
    }
}
