//! The calls of a store by name.

/// Makes an enum and the list of its names.
macro_rules! calls {
    ($($call:ident $name:literal)*) => {
        /// A call of the store, by its place in [`NAMES`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(in crate::engine) enum Call {
            $($call,)*
        }

        /// The names of all calls: those of the methods.
        pub(super) const NAMES: &[&str] = &[$($name,)*];
    };
}

calls! {
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
    Message "message"
    Page "page"
    Changes "changes"
    Mentions "mentions"
    Sent "sent"
    Happened "happened"
    Log "log"
    Position "position"
    Expire "expire"
    Commit "commit"
    CommitFree "commit_free"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_where_their_calls_say() {
        assert_eq!(NAMES[Call::CreateUser as usize], "create_user");
        assert_eq!(NAMES[Call::CommitFree as usize], "commit_free");
        assert_eq!(NAMES.len(), Call::CommitFree as usize + 1);
    }
}
