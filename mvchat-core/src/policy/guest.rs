//! What guests may do: take part where they were let in, and nothing that reaches strangers.

use crate::error::{Error, ErrorKind, Result};
use crate::proto::{Command, DmPeer, UpdateMe};

/// Passes a command that a guest may make: reading, writing and reacting in conversations, joining by a link and
/// leaving, and what only concerns the guest. Who may do what within a conversation is decided elsewhere.
///
/// # Errors
/// `Forbidden`.
pub fn guest_may(command: &Command) -> Result<()> {
    let may = match command {
        Command::Search { .. }
        | Command::CreateInvite { .. }
        | Command::ListInvites
        | Command::RevokeInvite(_)
        | Command::RedeemInvite(_)
        | Command::AddContact(_)
        | Command::StartDm(DmPeer::User(_))
        | Command::CreateGroup { .. }
        | Command::Invite { .. }
        | Command::CreateLink { .. }
        | Command::UpdateGroup { .. }
        | Command::SetRole { .. }
        | Command::Transfer { .. } => false,
        Command::UpdateMe(UpdateMe { password, email, username, .. }) => {
            password.is_none() && email.is_none() && username.is_none()
        }
        _ => true,
    };
    if may { Ok(()) } else { Err(Error::new(ErrorKind::Forbidden, "guests cannot do that")) }
}
