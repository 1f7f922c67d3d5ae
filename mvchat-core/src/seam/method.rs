//! The methods of a store, by name.

/// Makes the enum and the list of its names.
macro_rules! methods {
    ($($method:ident $name:literal)*) => {
        /// A method of a store, by its place in [`NAMES`](Method::NAMES).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[expect(missing_docs, reason = "each is named after the method that it names")]
        pub enum Method {
            $($method,)*
        }

        impl Method {
            /// The names of all methods.
            pub const NAMES: &[&str] = &[$($name,)*];
        }
    };
}

methods! {
    CreateUser "create_user"
    Users "users"
    Credential "credential"
    CredentialOf "credential_of"
    UpdateUser "update_user"
    SetSecret "set_secret"
    ForgetCredentials "forget_credentials"
    EmailOwner "email_owner"
    SearchUsers "search_users"
    OpenSession "open_session"
    Session "session"
    Sessions "sessions"
    TouchSession "touch_session"
    RefreshSession "refresh_session"
    EndSessions "end_sessions"
    SessionsOf "sessions_of"
    CreateConversation "create_conversation"
    Conversation "conversation"
    Views "views"
    Mark "mark"
    Configure "configure"
    Hide "hide"
    Receipts "receipts"
    Peers "peers"
    BlockedWith "blocked_with"
    CreateLink "create_link"
    Link "link"
    LinksOf "links_of"
    RevokeLink "revoke_link"
    AddContacts "add_contacts"
    RemoveContacts "remove_contacts"
    NameContact "name_contact"
    Contacts "contacts"
    CreateInvite "create_invite"
    Invite "invite"
    InvitesOf "invites_of"
    UnusedInvites "unused_invites"
    RevokeInvite "revoke_invite"
    UseInvite "use_invite"
    CreateFile "create_file"
    Files "files"
    FilesOf "files_of"
    ForgetFiles "forget_files"
    Commit "commit"
    Message "message"
    Page "page"
    Changes "changes"
    Mentions "mentions"
    Sent "sent"
    Happened "happened"
    Log "log"
    Position "position"
    Expire "expire"
    CommitFree "commit_free"
}

impl Method {
    /// Returns the method's name.
    pub fn name(self) -> &'static str {
        Self::NAMES.get(self as usize).copied().unwrap_or_default()
    }

    /// Returns whether the method changes something.
    pub fn writes(self) -> bool {
        matches!(
            self,
            Self::CreateUser
                | Self::UpdateUser
                | Self::SetSecret
                | Self::ForgetCredentials
                | Self::OpenSession
                | Self::TouchSession
                | Self::RefreshSession
                | Self::EndSessions
                | Self::CreateConversation
                | Self::Mark
                | Self::Configure
                | Self::Hide
                | Self::CreateLink
                | Self::RevokeLink
                | Self::AddContacts
                | Self::RemoveContacts
                | Self::NameContact
                | Self::CreateInvite
                | Self::RevokeInvite
                | Self::UseInvite
                | Self::CreateFile
                | Self::ForgetFiles
                | Self::Commit
                | Self::CommitFree
                | Self::Expire
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_where_their_methods_say() {
        assert_eq!(Method::NAMES[Method::CreateUser as usize], "create_user");
        assert_eq!(Method::NAMES[Method::CommitFree as usize], "commit_free");
        assert_eq!(Method::NAMES.len(), Method::CommitFree as usize + 1);
    }
}
