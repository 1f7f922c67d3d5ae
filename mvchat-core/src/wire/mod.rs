//! JSON as the protocol uses it: one small reader and one small writer that all types share.
//!
//! A type says with [`record!`](crate::record) or [`words!`](crate::words) what its members are called; what reading
//! and writing does is written once and is not compiled again for every type. That keeps the client small where every
//! byte is downloaded, and it makes one place responsible for the rules of the protocol: a known key may stand once in
//! an object, integers may be written as `1.0` or `1e3`, what is unknown is passed over, and a value that is only
//! passed on keeps its author's spelling ([`Json`](crate::proto::Json)).
//!
//! For everything else the types also know `serde`, by way of the same reader and writer.
//!
//! # Examples
//! ```
//! use mvchat_core::wire;
//!
//! mvchat_core::record! {
//!     /// A place.
//!     #[derive(Debug, PartialEq)]
//!     pub struct Place {
//!         /// What it is called.
//!         pub full_name: String,
//!         /// How many live there.
//!         #[serde(skip_serializing_if = "absent", default)]
//!         pub people: Option<u32>,
//!     }
//! }
//!
//! let place: Place = wire::read(r#"{"people":9e2,"sights":[],"fullName":"Ulm"}"#).unwrap();
//! assert_eq!((place.full_name.as_str(), place.people), ("Ulm", Some(900)));
//! assert_eq!(wire::write(&place), r#"{"fullName":"Ulm","people":900}"#);
//! assert_eq!(wire::read::<Place>("{}").unwrap_err().to_string(), "a member is missing, at byte 2");
//! ```

mod base64;
mod bridge;
mod names;
mod number;
mod read;
mod reader;
mod record;
mod text;
mod write;

pub use base64::base64;
#[doc(hidden)]
pub use bridge::{deserialize, serialize};
#[doc(hidden)]
pub use names::{camel, camel_len, name};
#[doc(hidden)]
pub use read::read_variant;
pub use read::{Read, read, read_into};
pub use reader::{Bad, Reader};
#[doc(hidden)]
pub use record::{ALONE, Field, PRESENT, SKIP, find, read_record, write_record};
pub use write::{Members, Write, write};

#[doc(hidden)]
pub use serde;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
