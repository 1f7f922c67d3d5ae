//! The plug points: narrow, `dyn`-compatible traits with contracts. Defaults are in
//! [`builtin`](crate::builtin).

pub mod audit;
mod authenticator;
mod bus;
mod contacts;
mod conversations;
mod directory;
mod env;
mod expiry;
mod files;
mod fold;
mod hand_on;
mod invites;
mod item;
pub mod keys;
mod limiter;
mod links;
mod mailer;
mod messages;
mod method;
mod peer;
mod portable;
mod sessions;
mod store;
mod transport;
mod users;
mod warrant;

pub use authenticator::{Attempt, AuthError, Authenticator, Naming, Principal};
pub use bus::{Bus, Heard, MAX_BUS_MESSAGE};
pub use contacts::{ContactRow, ContactSource, ContactStore};
pub use conversations::{
    ConversationStore, Counted, Marked, Marks, MemberPatch, NewConversation, ReceiptRow, View, ViewConv,
    ViewMember, ViewQuery, Views,
};
pub use directory::{Directory, DirectoryError, Profile};
pub use env::Env;
pub use expiry::{Expired, ExpiredFor, ExpiryStore};
pub use files::{FileRow, FileState, FileStore};
pub use fold::fold;
pub(crate) use hand_on::hand_on;
pub use invites::{InviteHash, InviteRow, InviteStore};
pub use item::{DueItem, DueWhat, Item, KeptConversation, KeptMember, KeptMessage, Part};
pub use limiter::{Demand, Limiter, LimiterError, Subject, Taken};
pub use links::{LinkRow, LinkStore};
pub use mailer::{InviteMail, Mail, MailError, Mailer};
pub use messages::{
    Amend, Append, Change, Changed, Changes, ChangesQuery, Committed, LogEntry, LogEvent, LogPage, Mention,
    MessageStore, Op, OpenTransaction, Outcome, Page, PageQuery, Revise, Sent,
};
pub use method::Method;
pub use peer::Peer;
pub use portable::{Dump, DumpPage, LoadNote, Loading, Portable};
pub use sessions::{EndSessions, RefreshChange, SessionRow, SessionStore};
pub use store::{Durability, Store, StoreError, StoreErrorKind, StoreResult};
pub use transport::{Misuse, Transport, TransportError};
pub use users::{
    Credential, EmailHash, NewName, NewUser, SealedEmail, SecretChange, UserPatch, UserRow, UserState,
    UserStore,
};
pub use warrant::Warrant;
