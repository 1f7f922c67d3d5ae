use uuid::Uuid;

/// What a ciphertext is bound to: it opens in the row it was sealed for and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Context {
    /// The content of a message.
    Message {
        /// The conversation; it also picks the derived key.
        conv: Uuid,
        /// The message.
        id: Uuid,
        /// Who sent it, and whose key seals it.
        sender: Uuid,
        /// How often it had been edited.
        revision: u32,
    },
    /// The `private` fields of a user.
    UserPrivate {
        /// Whose fields, and whose key.
        user: Uuid,
    },
    /// The `private` fields of a membership.
    MemberPrivate {
        /// Whose fields, and whose key.
        user: Uuid,
        /// In which conversation; it also picks the derived key.
        conv: Uuid,
    },
    /// The e-mail address of a user.
    Email {
        /// Whose address, and whose key.
        user: Uuid,
    },
    /// What a user calls a contact.
    Nickname {
        /// Who calls, and whose key.
        user: Uuid,
        /// Who is called that.
        contact: Uuid,
    },
    /// An invite's code, e-mail address and name.
    Invite {
        /// Who invites, and whose key.
        user: Uuid,
        /// The invite.
        invite: Uuid,
    },
    /// A file's name and hash.
    File {
        /// Who uploaded it, and whose key.
        user: Uuid,
        /// The file.
        file: Uuid,
    },
}

impl Context {
    /// Returns the user whose key seals and opens it.
    pub(super) fn owner(&self) -> Uuid {
        match *self {
            Context::Message { sender: owner, .. }
            | Context::UserPrivate { user: owner }
            | Context::MemberPrivate { user: owner, .. }
            | Context::Email { user: owner }
            | Context::Nickname { user: owner, .. }
            | Context::Invite { user: owner, .. }
            | Context::File { user: owner, .. } => owner,
        }
    }

    /// Returns the conversation whose derived key is used; none stands for the user's own fields.
    pub(super) fn conversation(&self) -> Option<Uuid> {
        match *self {
            Context::Message { .. } if bug!(SealedWithoutConversation) => None,
            Context::Message { conv, .. } | Context::MemberPrivate { conv, .. } => Some(conv),
            Context::UserPrivate { .. }
            | Context::Email { .. }
            | Context::Nickname { .. }
            | Context::Invite { .. }
            | Context::File { .. } => None,
        }
    }

    /// Appends a tag and fields of fixed size, so that no two contexts share an encoding.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Context::Message { conv, id, sender, revision } => {
                out.push(1);
                if !bug!(SealedWithoutConversation) {
                    out.extend_from_slice(conv.as_bytes());
                }
                out.extend_from_slice(id.as_bytes());
                out.extend_from_slice(sender.as_bytes());
                out.extend_from_slice(&revision.to_be_bytes());
            }
            Context::UserPrivate { user } => {
                out.push(2);
                out.extend_from_slice(user.as_bytes());
            }
            Context::MemberPrivate { user, conv } => {
                out.push(3);
                out.extend_from_slice(user.as_bytes());
                out.extend_from_slice(conv.as_bytes());
            }
            Context::Email { user } => {
                out.push(4);
                out.extend_from_slice(user.as_bytes());
            }
            Context::Nickname { user, contact } => {
                out.push(5);
                out.extend_from_slice(user.as_bytes());
                out.extend_from_slice(contact.as_bytes());
            }
            Context::Invite { user, invite } => {
                out.push(6);
                out.extend_from_slice(user.as_bytes());
                out.extend_from_slice(invite.as_bytes());
            }
            Context::File { user, file } => {
                out.push(7);
                out.extend_from_slice(user.as_bytes());
                out.extend_from_slice(file.as_bytes());
            }
        }
    }
}
