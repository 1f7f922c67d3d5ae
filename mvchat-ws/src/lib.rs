//! The WebSocket half that mvchat's HTTP transports share.
//!
//! A transport crate maps its framework's request to [`upgrade`] and its response back; everything that happens on
//! the socket is here, so that all of them refuse, deliver and close alike.
//!
//! * [`upgrade`] checks a request, answers it and serves the connection.
//! * [`Socket`] is the frames of one connection, a [`Transport`](mvchat_core::seam::Transport) over any byte stream.
//! * [`Options`] says which web pages may connect.

mod closing;
mod options;
mod socket;
mod upgrade;

pub use options::Options;
pub use socket::Socket;
pub use upgrade::upgrade;
