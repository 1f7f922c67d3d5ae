//! Who may change who is in a group, and as what.

use super::{Access, ConvKind, Conversation, Member, Standing};
use crate::error::{Error, ErrorKind, Result};
use crate::proto::{Limits, Role, UserId};
use crate::time::Timestamp;

fn forbidden(detail: &'static str) -> Error {
    Error::new(ErrorKind::Forbidden, detail)
}

fn member<'a>(access: &Access<'a>, user: UserId) -> Result<&'a Member> {
    access.conv.active(user).ok_or_else(|| Error::new(ErrorKind::NotFound, "user not a member"))
}

/// Decides whether a member may add a user; `false` if the user is a member already.
///
/// # Errors
/// `Invalid` outside groups; `Forbidden` to plain members, and for the banned; `GroupFull`.
pub fn may_invite(access: &Access<'_>, user: UserId) -> Result<bool> {
    access.is_group()?;
    access.manages("only owner or admin can invite")?;
    match access.conv.members.get(&user).map(|member| member.standing) {
        Some(Standing::Active) => return Ok(false),
        Some(Standing::Banned) => return Err(forbidden("banned")),
        _ => {}
    }
    if access.conv.active_members().count() >= access.limits.max_subscriber_count {
        return Err(ErrorKind::GroupFull.into());
    }
    Ok(true)
}

/// Decides whether a member may leave.
///
/// # Errors
/// `Invalid` outside groups; `Forbidden` to the owner, who hands the group over first.
pub fn may_leave(access: &Access<'_>) -> Result<()> {
    access.is_group()?;
    if access.me.role == Role::Owner { Err(forbidden("owner cannot leave room")) } else { Ok(()) }
}

/// Decides whether a member may end the group for everybody.
///
/// # Errors
/// `Invalid` outside groups; `Forbidden` to all but the owner.
pub fn may_end(access: &Access<'_>) -> Result<()> {
    access.is_group()?;
    if access.me.role == Role::Owner { Ok(()) } else { Err(forbidden("only owner can delete")) }
}

/// Decides whether a member may remove another one.
///
/// # Errors
/// `Invalid` outside groups; `Forbidden` by role; `NotFound` if the user is no member.
pub fn may_kick(access: &Access<'_>, user: UserId) -> Result<()> {
    outranks(access, user, ["only owner or admin can kick", "cannot kick owner", "admin cannot kick admin"])
}

/// Decides whether a moderator may act on another member, by role.
fn outranks(access: &Access<'_>, user: UserId, texts: [&'static str; 3]) -> Result<()> {
    access.is_group()?;
    access.manages(texts[0])?;
    match (member(access, user)?.role, access.me.role) {
        (Role::Owner, _) => Err(forbidden(texts[1])),
        (Role::Admin, Role::Admin) => Err(forbidden(texts[2])),
        _ => Ok(()),
    }
}

/// Decides whether a member may remove another one for good.
///
/// # Errors
/// As [`may_kick`].
pub fn may_ban(access: &Access<'_>, user: UserId) -> Result<()> {
    outranks(access, user, ["only owner or admin can ban", "cannot ban owner", "admin cannot ban admin"])
}

/// Decides whether a member may let a banned user come back.
///
/// # Errors
/// `Invalid` outside groups; `Forbidden` to plain members; `NotFound` if the user is not banned.
pub fn may_unban(access: &Access<'_>, user: UserId) -> Result<()> {
    access.is_group()?;
    access.manages("only owner or admin can unban")?;
    match access.conv.members.get(&user) {
        Some(member) if member.standing == Standing::Banned => Ok(()),
        _ => Err(Error::new(ErrorKind::NotFound, "user not banned")),
    }
}

/// Decides whether a member may mute another one, or unmute; `false` if that changes nothing.
///
/// # Errors
/// As [`may_kick`].
pub fn may_mute(access: &Access<'_>, user: UserId, until: Option<Timestamp>) -> Result<bool> {
    outranks(access, user, ["only owner or admin can mute", "cannot mute owner", "admin cannot mute admin"])?;
    Ok(member(access, user)?.muted_until != until)
}

/// Decides whether a member may make, see and revoke links.
///
/// # Errors
/// `Invalid` outside groups; `Forbidden` to plain members.
pub fn may_link(access: &Access<'_>) -> Result<()> {
    access.is_group()?;
    access.manages("only owner or admin can manage links")
}

/// Decides whether a user who has a link may join; `false` for one who is a member already.
///
/// # Errors
/// `NotFound` if links don't open the conversation; `Forbidden` to the banned; `GroupFull`.
pub fn may_join(conv: &Conversation, user: UserId, limits: &Limits) -> Result<bool> {
    if conv.kind != ConvKind::Group || conv.settings.closed {
        return Err(Error::new(ErrorKind::NotFound, "invalid link"));
    }
    match conv.members.get(&user).map(|member| member.standing) {
        Some(Standing::Active) => return Ok(false),
        Some(Standing::Banned) => return Err(forbidden("banned")),
        _ => {}
    }
    if conv.active_members().count() >= limits.max_subscriber_count {
        return Err(ErrorKind::GroupFull.into());
    }
    Ok(true)
}

/// Decides whether a member may give another one a role; `false` if the other has it already.
///
/// # Errors
/// `Invalid` outside groups and for the role of owner; `Forbidden` to all but the owner; `NotFound`.
pub fn may_set_role(access: &Access<'_>, user: UserId, role: Role) -> Result<bool> {
    access.is_group()?;
    if access.me.role != Role::Owner {
        return Err(forbidden("only owner can change roles"));
    }
    let other = member(access, user)?;
    if role == Role::Owner || other.role == Role::Owner {
        return Err(crate::error::invalid("invalid role"));
    }
    Ok(other.role != role)
}

/// Decides whether a member may give the group away; `false` if the receiver owns it already.
///
/// # Errors
/// `Invalid` outside groups; `Forbidden` to all but the owner; `NotFound`.
pub fn may_transfer(access: &Access<'_>, user: UserId) -> Result<bool> {
    access.is_group()?;
    if access.me.role != Role::Owner {
        return Err(forbidden("only owner can transfer"));
    }
    Ok(member(access, user)?.role != Role::Owner)
}

/// Decides who gets a group whose owner goes: the administrator who is longest in it, or else the member; `None` if
/// nobody is left.
pub fn heir(conv: &Conversation) -> Option<UserId> {
    let others = conv.active_members().filter(|(_, member)| member.role != Role::Owner);
    others.max_by_key(|(_, member)| (member.role, std::cmp::Reverse(member.joined_at))).map(|(user, _)| user)
}
