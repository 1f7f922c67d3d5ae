//! The browser's side of `mvchat-core`: its client machine behind functions that JavaScript can call.
//!
//! Nothing here knows the protocol. [`Machine`] hands inputs to [`mvchat_core::client::Client`] and its outputs back,
//! as JSON texts; the clock, entropy, the socket and storage are JavaScript's (`js/`, the package's public API).

mod credentials;
mod machine;
mod output;
mod text;

pub use machine::Machine;
pub use text::{first_graphemes, graphemes, is_single_grapheme};
