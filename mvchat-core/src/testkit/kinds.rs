//! Every kind of command, for tests that leave none out.

use crate::proto::{Command, Get, What};

/// Makes a list and a function that agree; a command that is in neither does not compile.
macro_rules! kinds {
    (commands: $($command:ident)*, gets: $($get:ident)*) => {
        /// The names of all kinds of [`Command`], and of all kinds of [`Get`].
        pub const KINDS: &[&str] =
            &[$(stringify!($command),)* $(concat!("Get::", stringify!($get)),)*];

        /// Returns the name of a command's kind: one of [`KINDS`], or `Unsupported`.
        pub fn kind(command: &Command) -> &'static str {
            match command {
                $(Command::$command { .. } => stringify!($command),)*
                Command::Get(get) => match get {
                    $(Get::$get { .. } => concat!("Get::", stringify!($get)),)*
                },
                // Not a kind: what a version does not carry out can be anything.
                Command::Unsupported(_) => "Unsupported",
            }
        }
    };
}

/// As [`kinds`], for notices.
macro_rules! notices {
    ($($what:ident)*) => {
        const WHATS: &[What] = &[$(What::$what),*];

        /// What is listed is all there is: another notice does not compile.
        const fn is_listed(what: What) -> bool {
            match what {
                $(What::$what)|* => true,
                What::Unknown => false,
            }
        }
    };
}

notices! {
    Typing Read Recv Edit Unsend Delete React Pin Unpin DisappearingUpdated MemberJoined MemberLeft MemberKicked
    MemberBanned MemberUnbanned MemberMuted GroupUpdated RoleChanged OwnerChanged RoomUpdated ConvAdded Own Expired ConvDeleted Login
}

/// Returns the names of all notices, as they are on the wire.
pub fn whats() -> Vec<String> {
    let listed = WHATS.iter().filter(|what| is_listed(**what));
    let name = |what: &What| serde_json::to_value(what).ok()?.as_str().map(str::to_owned);
    listed.filter_map(name).collect()
}

// A name that is missing here needs a row in the matrix of who may learn what (`tests/engine/matrix/rows.rs`), too.
kinds! {
    commands:
        Hi LoginBasic LoginToken LoginWith Logout ListSessions RevokeSession SignUp UpdateMe Search StartDm Settings SetTtl
        SetRetention DeleteGroup Report
        CreateGroup Invite Leave Kick Ban Unban Mute CreateLink RevokeLink ListLinks Join UpdateGroup SetRole
        Transfer CreateInvite ListInvites RevokeInvite RedeemInvite AddContact RemoveContact NameContact Send Edit
        Unsend Delete React Typing Mark Pin,
    gets:
        Conversations Conversation Messages Members Receipts User Contacts Mentions Online Changes
}
