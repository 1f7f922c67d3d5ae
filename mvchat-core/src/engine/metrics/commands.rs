//! The kinds of commands by the names that metrics know them by.

use crate::proto::{Command, Get};

/// Makes a list and a function that agree; a command that is in neither does not compile.
macro_rules! kinds {
    (commands: $($command:ident $name:literal)*, gets: $($get:ident $get_name:literal)*) => {
        /// The names of all kinds.
        pub(super) const NAMES: &[&str] = &[$($name,)* $($get_name,)* UNSUPPORTED];

        /// Returns the name of a command's kind: one of [`NAMES`].
        fn name(command: &Command) -> &'static str {
            match command {
                $(Command::$command { .. } => $name,)*
                Command::Get(get) => match get {
                    $(Get::$get { .. } => $get_name,)*
                },
                Command::Unsupported(_) => UNSUPPORTED,
            }
        }
    };
}

/// Whatever this version does not carry out.
const UNSUPPORTED: &str = "unsupported";

kinds! {
    commands:
        Hi "hi"
        LoginBasic "login_basic"
        LoginToken "login_token"
        LoginWith "login_with"
        Logout "logout"
        ListSessions "session_list"
        RevokeSession "session_revoke"
        SignUp "sign_up"
        UpdateMe "update_me"
        Search "search"
        StartDm "dm"
        Settings "settings"
        SetTtl "ttl"
        SetRetention "retention"
        DeleteGroup "group_delete"
        Report "report"
        CreateGroup "group_create"
        Invite "group_invite"
        Leave "group_leave"
        Kick "group_kick"
        Ban "group_ban"
        Unban "group_unban"
        Mute "group_mute"
        CreateLink "link_create"
        RevokeLink "link_revoke"
        ListLinks "link_list"
        Join "join"
        UpdateGroup "group_update"
        SetRole "group_role"
        Transfer "group_transfer"
        CreateInvite "invite_create"
        ListInvites "invite_list"
        RevokeInvite "invite_revoke"
        RedeemInvite "invite_redeem"
        AddContact "contact_add"
        RemoveContact "contact_remove"
        NameContact "contact_name"
        Send "send"
        Edit "edit"
        Unsend "unsend"
        Delete "delete"
        React "react"
        Typing "typing"
        Mark "mark"
        Pin "pin",
    gets:
        Conversations "get_conversations"
        Conversation "get_conversation"
        Messages "get_messages"
        Members "get_members"
        Receipts "get_receipts"
        User "get_user"
        Contacts "get_contacts"
        Mentions "get_mentions"
        Online "get_online"
        Changes "get_changes"
}

/// A kind, by its place in [`NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Kind(pub(super) usize);

impl Kind {
    /// Returns the kind of a command.
    pub(in crate::engine) fn of(command: &Command) -> Self {
        let name = name(command);
        // A name is in the list that is made together with it; the last one stands for what is not.
        Self(NAMES.iter().position(|known| *known == name).unwrap_or(NAMES.len() - 1))
    }

    /// Returns its name.
    pub(in crate::engine) fn name(self) -> &'static str {
        NAMES.get(self.0).copied().unwrap_or(UNSUPPORTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_fit_for_labels_and_differ() {
        let names: BTreeSet<_> = NAMES.iter().collect();
        assert_eq!(names.len(), NAMES.len());
        for name in names {
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        }
        assert_eq!(NAMES[Kind::of(&Command::ListSessions).0], "session_list");
        assert_eq!(NAMES[Kind::of(&Command::Get(Get::Online)).0], "get_online");
    }
}
