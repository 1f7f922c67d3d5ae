//! Who may change who is in a group, and as what.

use super::{Access, Member};
use crate::error::{Error, ErrorKind, Result};
use crate::proto::{Role, UserId};

fn forbidden(detail: &'static str) -> Error {
    Error::new(ErrorKind::Forbidden, detail)
}

fn member<'a>(access: &Access<'a>, user: UserId) -> Result<&'a Member> {
    access.conv.active(user).ok_or_else(|| Error::new(ErrorKind::NotFound, "user not a member"))
}

/// Decides whether a member may add a user; `false` if the user is a member already.
///
/// # Errors
/// `Invalid` outside groups; `Forbidden` to plain members; `GroupFull`.
pub fn may_invite(access: &Access<'_>, user: UserId) -> Result<bool> {
    access.is_group()?;
    access.manages("only owner or admin can invite")?;
    if access.conv.active(user).is_some() {
        return Ok(false);
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

/// Decides whether a member may remove another one.
///
/// # Errors
/// `Invalid` outside groups; `Forbidden` by role; `NotFound` if the user is no member.
pub fn may_kick(access: &Access<'_>, user: UserId) -> Result<()> {
    access.is_group()?;
    access.manages("only owner or admin can kick")?;
    match (member(access, user)?.role, access.me.role) {
        (Role::Owner, _) => Err(forbidden("cannot kick owner")),
        (Role::Admin, Role::Admin) => Err(forbidden("admin cannot kick admin")),
        _ => Ok(()),
    }
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
