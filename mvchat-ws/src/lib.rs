//! What mvchat's HTTP transports share: WebSockets, and the answers to all other requests.
//!
//! A transport crate routes the paths of [`Endpoint`], maps its framework's request to [`answer`] and the response back.
//! Everything that is said and everything that happens on the socket is here, so that all of them refuse, deliver and
//! close alike.
//!
//! * [`answer`] answers a request for an endpoint; [`upgrade`] one for a WebSocket, and serves the connection.
//! * [`Socket`] is the frames of one connection, a [`Transport`](mvchat_core::seam::Transport) over any byte stream.
//! * [`Options`] says which web pages may connect. [`redacted`] makes addresses fit for logs.

mod answer;
mod body;
mod closing;
mod endpoint;
mod follow;
mod options;
mod patience;
mod redact;
mod respond;
mod shown;
mod socket;
mod upgrade;

pub use answer::answer;
pub use endpoint::Endpoint;
pub use options::Options;
pub use redact::redacted;
pub use socket::Socket;
pub use upgrade::{Upgraded, accept, upgrade};
