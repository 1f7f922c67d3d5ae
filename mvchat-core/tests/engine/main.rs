//! The engine, as clients see it, without a network.

mod chat;
mod support;
