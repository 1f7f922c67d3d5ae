//! What users let others see of them.

crate::words! {
    /// To whom a user shows something.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum Audience {
        /// Everyone.
        #[default]
        Everyone = "everyone",
        /// The contacts whom the user has added, and those whom an invite brought.
        Contacts = "contacts",
        /// Nobody.
        Nobody = "nobody",
    }
}

impl Audience {
    /// Reads the name on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        Self::of(text)
    }
}

crate::record! { default:
    /// A user's privacy settings.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Privacy {
        /// Who learns whether the user is here, and when the user last was.
        pub last_seen: Audience,
        /// Who learns how far the user has read and received.
        pub receipts: Audience,
        /// Who learns that the user is writing.
        pub typing: Audience,
        /// Who finds the user by name or id, and can open a direct conversation.
        pub discoverable: Audience,
    }
}

/// Changes of privacy settings; what is absent stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the setting of its name in `Privacy`")]
pub struct PrivacyPatch {
    pub last_seen: Option<Audience>,
    pub receipts: Option<Audience>,
    pub typing: Option<Audience>,
    pub discoverable: Option<Audience>,
}

impl Privacy {
    /// Returns the settings after a change.
    #[must_use]
    pub fn patched(self, patch: PrivacyPatch) -> Self {
        Self {
            last_seen: patch.last_seen.unwrap_or(self.last_seen),
            receipts: patch.receipts.unwrap_or(self.receipts),
            typing: patch.typing.unwrap_or(self.typing),
            discoverable: patch.discoverable.unwrap_or(self.discoverable),
        }
    }
}
