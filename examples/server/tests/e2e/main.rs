//! The real binary, real sockets, a real folder: what users of the server see, and what is left after a kill.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

mod bench;
mod bot;
mod chaos;
mod copy;
mod crash;
mod drain;
mod entry;
mod garbage;
mod import;
mod machines;
mod mail;
mod network;
mod order;
mod postgres;
mod rest;
mod retry;
mod schemes;
mod slow;
mod story;
