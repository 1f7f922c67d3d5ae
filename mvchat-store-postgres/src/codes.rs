//! The numbers by which the tables name kinds.

use crate::error::internal;
use mvchat_core::policy::{ConvKind, MessageState, Standing};
use mvchat_core::proto::Role;
use mvchat_core::seam::{ContactSource, FileState, StoreResult, UserState};

/// A kind that has a number in the tables.
pub(crate) trait Code: Sized {
    fn to_number(self) -> StoreResult<i16>;
    fn of(code: i16) -> StoreResult<Self>;
}

macro_rules! codes {
    ($($kind:ident { $($variant:ident = $code:literal),* })*) => {$(
        impl Code for $kind {
            fn to_number(self) -> StoreResult<i16> {
                match self {
                    $(Self::$variant => Ok($code),)*
                    // A newer core may have one that these tables have not.
                    _ => Err(internal(concat!("a ", stringify!($kind), " that this store does not know"))),
                }
            }
            fn of(code: i16) -> StoreResult<Self> {
                match code {
                    $($code => Ok(Self::$variant),)*
                    _ => Err(internal(concat!("a number that stands for no ", stringify!($kind)))),
                }
            }
        }
    )*};
}
codes! {
    ConvKind { Dm = 1, Group = 2, Me = 3 }
    Standing { Active = 1, Left = 2, Kicked = 3, Banned = 4 }
    Role { Member = 1, Admin = 2, Owner = 3 }
    MessageState { Live = 1, Unsent = 2, Deleted = 3, Expired = 4 }
    ContactSource { Manual = 1, Invite = 2 }
    UserState { Active = 1, Suspended = 2, Deleted = 3 }
    FileState { Pending = 1, Ready = 2, Failed = 3 }
}
