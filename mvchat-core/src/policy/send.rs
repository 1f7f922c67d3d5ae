//! Sending.

use super::{Access, Message};
use crate::error::{Error, ErrorKind, Result};
use crate::irido::{Invalid, Irido, Rule};
use crate::proto::{ErrorParams, Role, UserId};

/// Decides whether a member may say this here: for new messages and for edits.
///
/// # Errors
/// `Blocked`; `Muted`; `InvalidContent` if a mention names no member or a file is referred to (this server keeps none).
pub fn may_send(access: &Access<'_>, content: &Irido) -> Result<()> {
    access.not_blocked()?;
    if access.me.is_muted(access.now) {
        return Err(ErrorKind::Muted.into());
    }
    for (at, mention) in content.mentions().iter().enumerate() {
        if access.conv.active(UserId(mention.user_id)).is_none() {
            return Err(Invalid::new(format!("mentions[{at}].userId"), Rule::UnknownMember).into());
        }
    }
    if let Some((at, _)) = content.file_refs().next() {
        return Err(Invalid::new(format!("media[{at}].ref"), Rule::UnknownFile).into());
    }
    Ok(())
}

/// Decides how many seconds a member has to wait between two messages; `None` if not at all: moderators are free, and
/// the muted are turned away for that.
pub fn slow_mode(access: &Access<'_>) -> Option<u32> {
    let held_back = access.me.role == Role::Member && !access.me.is_muted(access.now);
    access.conv.settings.slow_mode.filter(|_| held_back)
}

/// Decides whether a message can be answered, given what the member sees of it.
///
/// # Errors
/// `InvalidContent` if the member sees no such message.
pub fn may_answer(target: Option<&Message>) -> Result<()> {
    match target {
        Some(_) => Ok(()),
        None => Err(Invalid::new("reply.seq".to_owned(), Rule::BadReply).into()),
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        let rule = invalid.rule.as_str().to_owned();
        let params = ErrorParams { path: Some(invalid.path), rule: Some(rule), ..ErrorParams::default() };
        Self::from(ErrorKind::InvalidContent).with_params(params)
    }
}
