//! The methods of a store, by name.

/// A method of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is named after the method that it names")]
pub enum Method {
    CreateUser,
    Users,
    Credential,
    CredentialOf,
    UpdateUser,
    SetSecret,
    ForgetCredentials,
    EmailOwner,
    SearchUsers,
    OpenSession,
    Session,
    Sessions,
    TouchSession,
    RefreshSession,
    EndSessions,
    SessionsOf,
    CreateConversation,
    Conversation,
    Views,
    Mark,
    Configure,
    Hide,
    Receipts,
    Peers,
    BlockedWith,
    CreateLink,
    Link,
    LinksOf,
    RevokeLink,
    AddContacts,
    RemoveContacts,
    NameContact,
    Contacts,
    CreateInvite,
    Invite,
    InvitesOf,
    UnusedInvites,
    RevokeInvite,
    UseInvite,
    Commit,
    Message,
    Page,
    Changes,
    Mentions,
    Sent,
    Happened,
    Log,
    Position,
    Expire,
}

impl Method {
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
                | Self::Commit
                | Self::Expire
        )
    }
}
