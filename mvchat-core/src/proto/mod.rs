//! The wire protocol, version 0: every request and frame as a type.
//!
//! The names and texts are those of the original protocol (seed `000`), with mvchat's additions; the book's
//! protocol reference tables them. A frame is read in two steps: [`Envelope::decode`] finds the one request
//! in a text, [`Command::parse`] turns its fields into types.

mod command;
mod envelope;
mod frame;
#[cfg(feature = "server")]
mod http;
mod ids;
mod json;
mod limits;
mod privacy;
#[cfg(feature = "server")]
mod rate;
mod rates;
mod reply;
mod request;
mod server;

pub use command::{
    Command, ConvPage, DmPeer, EditMessage, Get, GroupUpdate, MarkKind, MemberSettings, MessagePage,
    NewAccount, Password, React, ReactOp, Role, SendMessage, UpdateMe,
};
#[cfg(feature = "server")]
pub(crate) use command::{check_password, check_user_name};
pub use envelope::{BadEnvelope, Envelope, check_text};
pub use frame::{Close, Frame};
#[cfg(feature = "server")]
pub use http::{LoginBody, ReadyParams, TicketParams, VersionParams};
pub use ids::{
    BadId, ConnId, ConvId, Epoch, FileId, InviteId, MAX_COUNTER, MsgId, Own, Position, Rev, Seq, SessionId,
    UserId,
};
pub use json::Json;
pub use limits::Limits;
pub use privacy::{Audience, Privacy, PrivacyPatch};
#[cfg(feature = "server")]
pub use rate::{Act, Algorithm, OnFailure, OnHit, Rate, RateKey};
pub use rates::Rates;
pub use reply::{
    AccountParams, AccountUpdated, ChangeItem, ChangesParams, ContactItem, ContactParams, ContactsParams,
    ConvCreated, ConvEntry, ConvItem, ConversationParams, ConversationsParams, Desc, DmParams, Done,
    GroupParams, HiParams, InviteCreated, InviteItem, InviteRedeemed, InviteRevoked, InvitesParams,
    LinkParams, LinksParams, MemberItem, MembersParams, MentionItem, MentionsParams, MessageItem,
    MessageParams, MessagesParams, OnlineParams, OwnParams, PinParams, ReceiptItem, ReceiptsParams, Reply,
    ReplyParams, SessionItem, SessionsParams, SettingsParams, TtlParams, UserItem, UserParams, UsersParams,
};
pub use request::{
    Acc, AccDesc, Contact, Delete, Dm, Edit, GetRequest, Group, Hi, Int, Invite, InviteCreate, Login, Logout,
    Mark, Pin, PrivacyRequest, ReactRequest, Report, Request, Scalar, Search, Secret, Send, SessionRequest,
    Typing, Unsend,
};
pub use server::{
    Ctrl, Data, ErrorParams, Head, HeadEvent, HeadMention, HeadReply, Info, Pres, ServerMsg, What,
};
#[cfg(feature = "server")]
pub(crate) use server::{
    JoinableContent, MutedContent, RetentionContent, RoleContent, SlowModeContent, SystemMessagesContent,
};

/// The protocol version in the `hi` reply.
pub const VERSION: &str = "0.1.0";
/// The Unicode version in whose grapheme clusters offsets count.
pub const UNICODE: &str = "17.0";
