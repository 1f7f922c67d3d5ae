//! Who may do what, and what comes of it: pure functions of the state, the request and the time.

mod state;

pub use state::{
    ConvKind, ConvSettings, Conversation, Member, Message, MessageBody, MessageState, Pinned, Print, Standing,
};
